// Operators who create, extend, configure, move and delete topics beside the traffic, each through whatever broker answers.
// They share a few names, so that what one does is undone by another while the first may still be asking.
import type { AdminFault } from "../../../internal/service/cluster-service.ts";
import type { Broker } from "../../../internal/server/broker.ts";
import type { Result } from "../../../internal/base/result.ts";
import type { Once } from "../checkers/once.ts";
import { MARKED } from "../checkers/once.ts";
import type { SimCluster } from "../cluster/sim-cluster.ts";
import type { SeededEntropy } from "../world/seeded-entropy.ts";

const NAMES = 3;
const PARTITIONS_MAX = 4;
const PATIENCE_MS_MAX = 3_000;
const PAUSE_MS_MAX = 150;
/** What these say leaves open whether it happened. */
const OPEN: ReadonlySet<string> = new Set(["outcome-unknown"]);

export class Administrators {
  readonly #cluster: SimCluster;
  readonly #once: Once;
  readonly #entropy: SeededEntropy;
  readonly #factor: number;
  readonly #running: Promise<void>[] = [];
  #isStopped = false;
  #lastMark = 1_000_000_000;

  constructor(cluster: SimCluster, once: Once, factor: number) {
    this.#cluster = cluster;
    this.#once = once;
    this.#factor = factor;
    this.#entropy = cluster.simulation.entropy("administrators");
    cluster.listen({
      opened: (_, broker) => {
        const { image } = broker.controller;
        image.listen({
          took: (_before, version, records) => {
            if (records !== null) once.committed(version, records);
          },
        });
      },
    });
  }

  start(count: number): void {
    for (let k = 0; k < count; k++) this.#running.push(this.#administer());
  }

  /** Resolves when all have their answers. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#running);
  }

  async #administer(): Promise<void> {
    const { simulation, brokers } = this.#cluster;
    while (!this.#isStopped) {
      await simulation.sleepMs(1 + this.#entropy.below(PAUSE_MS_MAX));
      const reachable = brokers.filter((at) => at.reachable !== null);
      const at = reachable[this.#entropy.below(Math.max(1, reachable.length))];
      if (at?.reachable == null || this.#isStopped) continue;
      const died = new Promise<void>((resolve) => at.node.world?.life.onEnd(resolve));
      await Promise.race([this.#change(at.reachable), died]);
    }
  }

  async #change(broker: Broker): Promise<void> {
    const { cluster } = broker.services;
    const name = `admin-${this.#entropy.below(NAMES)}`;
    const withinMs = 100 + this.#entropy.below(PATIENCE_MS_MAX);
    const partitions = 1 + this.#entropy.below(PARTITIONS_MAX);
    switch (this.#entropy.below(6)) {
      case 0: {
        const topic = { name, partitions, factor: this.#factor, assignments: [], configs: [] };
        return void (await cluster.createTopics([topic], false, withinMs));
      }
      case 1:
        return void (await cluster.deleteTopics([{ name, topicId: null }], withinMs));
      case 2: {
        const topic = { name, count: partitions, assignments: [] };
        return void (await cluster.createPartitions([topic], false, withinMs));
      }
      default:
        return this.#configure(broker, name, withinMs);
    }
  }

  async #configure(broker: Broker, name: string, withinMs: number): Promise<void> {
    const mark = String(++this.#lastMark);
    const change = { name: MARKED, operation: "set", value: mark } as const;
    const resources = [{ of: { resource: "topic", name } as const, changes: [change] }];
    const mode = this.#entropy.chance(500) ? "replace" : "incremental";
    const [outcome] = await broker.services.cluster.alterConfigs(resources, mode, false, withinMs);
    if (outcome !== undefined) this.#told(mark, outcome);
  }

  #told(mark: string, outcome: Result<null, AdminFault>): void {
    if (outcome.ok) this.#once.acknowledged(mark);
    else if (!OPEN.has(outcome.fault.kind)) this.#once.refused(mark);
  }
}
