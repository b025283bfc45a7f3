// A cluster whose services are called directly: topics made and deleted, records appended, answers by their kind.
import type { BrokerId } from "../../internal/model/ids.ts";
import { CONTROLLER_GROUP } from "../../internal/model/ids.ts";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import type { Services } from "../../internal/server/broker.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import type { SimClusterOptions } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";

const ANSWER_MS_MAX = 10_000;

export interface NewTopic {
  readonly partitions?: number;
  /** The brokers of its only partition. */
  readonly on?: readonly number[];
}

export class ServiceStage {
  readonly simulation: Simulation;
  readonly cluster: SimCluster;

  constructor(seed: number, options: SimClusterOptions) {
    this.simulation = new Simulation({ seed });
    this.cluster = new SimCluster(this.simulation, options);
  }

  /** Founds the cluster by the brokers up to `initial`, and waits for all. */
  async start(initial = this.cluster.brokers.length): Promise<void> {
    const isReady = (id: number): boolean => this.isReady(id);
    const ids = this.cluster.brokers.map(({ id }) => id);
    const founders = ids.filter((id) => id <= initial);
    for (const id of founders) this.startBroker(id);
    await this.simulation.until("the cluster is founded", () => founders.every(isReady));
    for (const id of ids) this.startBroker(id);
    await this.simulation.until("all brokers are ready", () => ids.every(isReady));
  }

  startBroker(id: number): void {
    this.cluster.at(id).start(this.simulation.scheduler.nowUs);
  }

  isReady(id: number): boolean {
    return this.cluster.at(id).broker?.readiness().length === 0;
  }

  /** Kills a broker and waits until a new process serves. */
  async restart(id: number): Promise<void> {
    this.cluster.at(id).crash("kill");
    this.startBroker(id);
    await this.simulation.until(`broker ${id} serves`, () => this.isReady(id));
  }

  servicesOf(id: number): Services {
    const { broker } = this.cluster.at(id);
    if (broker === null) throw new Error(`broker ${id} is down`);
    return broker.services;
  }

  create(at: number, name: string, of: NewTopic): Promise<string> {
    return this.simulation.settle(this.creating(at, name, of));
  }

  /** As `create`, for a simulation that runs on meanwhile. "ok", or the kind of the refusal. */
  async creating(at: number, name: string, { partitions = 1, on }: NewTopic): Promise<string> {
    const assignments = on === undefined ? [] : [{ partition: 0, brokers: on as BrokerId[] }];
    const size = on === undefined ? { partitions, factor: 3 } : { partitions: -1, factor: -1 };
    const topic = { name, ...size, assignments, configs: [] };
    const { cluster } = this.servicesOf(at);
    const [made] = await cluster.createTopics([topic], false, ANSWER_MS_MAX);
    return kindOf(made?.outcome);
  }

  async remove(at: number, name: string): Promise<string> {
    const { cluster } = this.servicesOf(at);
    const [gone] = await this.simulation.settle(
      cluster.deleteTopics([{ name, topicId: null }], ANSWER_MS_MAX),
    );
    return kindOf(gone?.outcome);
  }

  /** Appends a record of that many bytes to the topic's first partition. */
  append(at: number, name: string, bytes: number): Promise<string> {
    const timestampMs = this.cluster.at(at).broker?.world.clock.nowMs() ?? 0;
    const batch = encodeBatch([{ key: null, value: new Uint8Array(bytes), timestampMs }]);
    const place = { name, topicId: null, partition: 0, acks: -1, timeoutMs: 5_000 };
    const request = {
      ...place,
      batch: { bytes: batch, start: 0, end: batch.length },
      allowsZstd: true,
    };
    return this.simulation.settle(
      new Promise<string>((resolve) => {
        const taken = this.servicesOf(at).log.append(request, (end) => resolve(kindOf(end)));
        if (taken === "busy") resolve("busy");
      }),
    );
  }

  /** How many entries of the first hosted log one broker is behind another. */
  lag(ahead: number, behind: number): number {
    const [last = 0, reached = -1] = [ahead, behind].map(
      (id) => this.hosted(id)[0]?.machine.lastIndex,
    );
    return last - reached;
  }

  /** The replicas that a broker hosts, without that of group 0. */
  hosted(id: number): Replica[] {
    const replicas = [...(this.cluster.at(id).broker?.raft.replicas() ?? [])];
    return replicas.filter(({ group }) => group !== CONTROLLER_GROUP);
  }
}

function kindOf(
  outcome:
    | { readonly ok: true }
    | { readonly ok: false; readonly fault: { readonly kind: string } }
    | undefined,
): string {
  if (outcome === undefined) return "none";
  return outcome.ok ? "ok" : outcome.fault.kind;
}
