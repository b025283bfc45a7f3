// Which machines and which pairs of them have been in order, and since when: what a group may be expected to do depends
// on it. Sampled, and told of what is over between two samples.
import type { SimBroker, SimCluster } from "../cluster/sim-cluster.ts";

export class Health {
  readonly #cluster: SimCluster;
  readonly #isLost: (at: SimBroker) => boolean;
  readonly #since = new Map<SimBroker, number>();
  readonly #pairs = new Map<string, number>();

  constructor(cluster: SimCluster, isLost: (at: SimBroker) => boolean) {
    this.#cluster = cluster;
    this.#isLost = isLost;
    cluster.listen({ ended: (at) => this.#since.delete(at) });
  }

  sample(): void {
    const { brokers, simulation } = this.#cluster;
    const nowMs = simulation.nowMs;
    for (const at of brokers) {
      if (!this.#isUp(at)) this.#since.delete(at);
      else if (!this.#since.has(at)) this.#since.set(at, nowMs);
    }
    for (const left of brokers) {
      for (const right of brokers) {
        if (left.id >= right.id) continue;
        const key = `${left.id} ${right.id}`;
        if (!this.#isPairFit(left, right)) this.#pairs.delete(key);
        else if (!this.#pairs.has(key)) this.#pairs.set(key, nowMs);
      }
    }
  }

  /** Since when the machines are all up, with the disks they had, and connected to each other, ms; Infinity: they are not. */
  fitSinceMs(machines: readonly SimBroker[]): number {
    return machines.some(this.#isLost) ? Infinity : this.upSinceMs(machines);
  }

  /** The same, whatever their disks have lost. */
  upSinceMs(machines: readonly SimBroker[]): number {
    let sinceMs = 0;
    for (const left of machines) {
      sinceMs = Math.max(sinceMs, this.#since.get(left) ?? Infinity);
      for (const right of machines) {
        if (left.id >= right.id) continue;
        sinceMs = Math.max(sinceMs, this.#pairs.get(`${left.id} ${right.id}`) ?? Infinity);
      }
    }
    return sinceMs;
  }

  #isUp(at: SimBroker): boolean {
    const { disk } = at.node;
    const nowUs = this.#cluster.simulation.scheduler.nowUs;
    if (at.reachable === null) return false;
    return disk.stalledUntilUs("journal") <= nowUs && disk.stalledUntilUs("bulk") <= nowUs;
  }

  #isPairFit(left: SimBroker, right: SimBroker): boolean {
    const { network, scheduler } = this.#cluster.simulation;
    const { links } = network;
    const [a, b] = [left.node.name, right.node.name];
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      if (links.isCut(from, to) || links.cloggedUntilUs(from, to) > scheduler.nowUs) return false;
    }
    return true;
  }
}
