// A client that does nothing but ask: now and then every broker that holds itself for a group's coordinator is asked what
// is committed, whether or not it has answered before.
import type { Simulation } from "../world/sim-world.ts";
import type { GroupGateway } from "./group-gateway.ts";

const EVERY_MS_MAX = 30;

export class OffsetProber {
  readonly #simulation: Simulation;
  readonly #gateway: GroupGateway;
  readonly #groups: readonly string[];
  #isStopping = false;
  isDone = false;

  constructor(simulation: Simulation, gateway: GroupGateway, groups: readonly string[]) {
    this.#simulation = simulation;
    this.#gateway = gateway;
    this.#groups = groups;
  }

  stop(): void {
    this.#isStopping = true;
  }

  async run(topic: string, partitions: readonly number[]): Promise<void> {
    const entropy = this.#simulation.entropy("offset prober");
    while (!this.#isStopping) {
      await this.#simulation.sleepMs(1 + entropy.below(EVERY_MS_MAX));
      const group = this.#groups[entropy.below(this.#groups.length)] as string;
      for (const broker of this.#gateway.coordinators(group)) {
        void this.#gateway.fetch(broker, group, topic, partitions);
      }
    }
    this.isDone = true;
  }
}
