// Faults of the network between brokers. Clients, where they have connections, reach every broker that is up.
import type { SimBroker } from "../cluster/sim-cluster.ts";
import type { FaultKind } from "../plan.ts";
import type { Latency } from "../world/seeded-entropy.ts";
import type { Stage } from "./stage.ts";

const CUT_MS_MIN = 50;
const CUT_MS_MAX = 2_500;
const CLOG_MS_MAX = 3_000;

export class LinkFaults {
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  order(kind: FaultKind, at: SimBroker): void {
    switch (kind) {
      case "isolate":
        return this.isolate(at);
      case "isolate one way":
        return this.#isolateOneWay(at);
      case "split":
        return this.#split();
      case "bridge":
        return this.#bridge(at);
      case "clog":
        return this.#clog(at);
      case "slow link":
        return this.#slow(at);
      case "reset links":
        for (const other of this.#others(at)) this.#reset(at, other);
        return;
      default:
        return;
    }
  }

  isolate(at: SimBroker, forMs = this.#cutMs()): void {
    this.#stage.totals.cuts++;
    const ways = this.#others(at).flatMap((other) => bothWays(at, other));
    this.#cutFor(ways, forMs);
  }

  #isolateOneWay(at: SimBroker): void {
    const { entropy, totals } = this.#stage;
    totals.oneWayCuts++;
    const isDeaf = entropy.chance(500);
    const ways = this.#others(at).map((other): Way => (isDeaf ? [other, at] : [at, other]));
    // Towards all of them, or towards one alone.
    const only = ways[entropy.below(ways.length)] as Way;
    this.#cutFor(entropy.chance(500) ? ways : [only]);
  }

  #split(): void {
    const { cluster, entropy, totals } = this.#stage;
    totals.cuts++;
    const side = cluster.brokers.filter(() => entropy.chance(500));
    const rest = cluster.brokers.filter((at) => !side.includes(at));
    this.#cutFor(side.flatMap((left) => rest.flatMap((right) => bothWays(left, right))));
  }

  /** Two sides that see each other through one broker alone. */
  #bridge(bridge: SimBroker): void {
    const { entropy, totals } = this.#stage;
    totals.cuts++;
    const others = this.#others(bridge);
    const left = others.filter((_, k) => k % 2 === 0);
    const right = others.filter((_, k) => k % 2 === 1);
    if (entropy.chance(500)) left.reverse();
    this.#cutFor(left.flatMap((a) => right.flatMap((b) => bothWays(a, b))));
  }

  #clog(at: SimBroker): void {
    const { simulation, entropy, totals } = this.#stage;
    totals.clogs++;
    const others = this.#others(at);
    const other = others[entropy.below(others.length)] as SimBroker;
    const [from, to] = entropy.chance(500) ? [at, other] : [other, at];
    const untilUs = simulation.scheduler.nowUs + 1000 * entropy.between(20, CLOG_MS_MAX);
    simulation.network.links.clog(from.node.name, to.node.name, untilUs);
  }

  #slow(at: SimBroker): void {
    const { simulation, entropy, undoAfter } = this.#stage;
    const { links } = simulation.network;
    const maxUs = entropy.between(5_000, 150_000);
    const latency: Latency = { minUs: 1_000, maxUs, tailPermille: 50, tailUsMax: 500_000 };
    for (const other of this.#others(at)) {
      if (entropy.chance(500)) continue;
      links.slow(at.node.name, other.node.name, latency);
      undoAfter(entropy.between(100, 2_000), () => {
        links.slow(at.node.name, other.node.name, links.latency);
      });
    }
  }

  #reset(at: SimBroker, other: SimBroker): void {
    const { simulation, entropy } = this.#stage;
    if (entropy.chance(600)) simulation.network.resetBetween(at.node.name, other.node.name);
  }

  #cutMs(): number {
    return this.#stage.entropy.between(CUT_MS_MIN, CUT_MS_MAX);
  }

  #cutFor(ways: readonly Way[], forMs = this.#cutMs()): void {
    const { simulation, undoAfter } = this.#stage;
    const { links } = simulation.network;
    for (const [from, to] of ways) links.cutOneWay(from.node.name, to.node.name);
    undoAfter(forMs, () => {
      for (const [from, to] of ways) links.heal(from.node.name, to.node.name);
    });
  }

  #others(at: SimBroker): SimBroker[] {
    return this.#stage.cluster.brokers.filter((other) => other !== at);
  }
}

type Way = readonly [from: SimBroker, to: SimBroker];

function bothWays(left: SimBroker, right: SimBroker): Way[] {
  return [
    [left, right],
    [right, left],
  ];
}
