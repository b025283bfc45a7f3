// Disks that come back without what they had said was durable (D3): an old backup put back, or the last writes of a disk
// whose cache lied. Anything else may fail at the same time: most disks of a group keep their word, and that has to do.
import type { SimBroker } from "../cluster/sim-cluster.ts";
import { LinkFaults } from "./link-faults.ts";
import type { Stage } from "./stage.ts";

/** As long as a handful of writes takes, or until pings have told everybody. */
const LAST_MS_MAX = [3, 12, 40, 250] as const;
/** Of a thousand lost tails, how many are lost in a power failure of all machines. */
const EVERYBODY_PERMILLE = 350;

/** How often the tail is lost that a third replica has never had. */
const BEHIND_PERMILLE = 400;
/** Until the machine is up again, its first silence is over and somebody is elected. */
const APART_MS = 4_000;

export class LostWrites {
  readonly #stage: Stage;
  readonly #links: LinkFaults;
  readonly #mayLose: (at: SimBroker) => boolean;

  constructor(stage: Stage, mayLose: (at: SimBroker) => boolean) {
    this.#stage = stage;
    this.#links = new LinkFaults(stage);
    this.#mayLose = mayLose;
  }

  /** A backup is taken, the machine goes on for a while, and then the backup is put back. */
  restore(at: SimBroker): Promise<void> {
    return this.#loseAfter(at, this.#stage.entropy.between(50, 800), () => [at]);
  }

  /** The power fails, and the disk has not kept what it wrote last. */
  loseLast(at: SimBroker): Promise<void> {
    const { cluster, entropy } = this.#stage;
    if (entropy.chance(BEHIND_PERMILLE)) return this.#loseWithOneBehind(at);
    const afterMs = entropy.between(1, LAST_MS_MAX[entropy.below(LAST_MS_MAX.length)] as number);
    return this.#loseAfter(at, afterMs, () => {
      if (entropy.chance(EVERYBODY_PERMILLE)) return cluster.brokers;
      const other = cluster.brokers[entropy.below(cluster.brokers.length)] as SimBroker;
      return entropy.chance(500) ? [at] : [at, other];
    });
  }

  /**
   * One broker does not hear what the others commit; then those are gone that have it, and whoever has forgotten it meets
   * whoever never knew it.
   */
  async #loseWithOneBehind(at: SimBroker): Promise<void> {
    const { simulation, cluster, entropy } = this.#stage;
    const others = cluster.brokers.filter((each) => each !== at);
    const [behind] = others.splice(entropy.below(others.length), 1) as [SimBroker];
    const behindMs = entropy.between(5, 120);
    this.#links.isolate(behind, 2 * behindMs);
    await simulation.sleepMs(behindMs);
    await this.#loseAfter(at, entropy.between(1, behindMs), () => {
      simulation.network.links.healAll();
      for (const each of others) this.#links.isolate(each, APART_MS);
      return [at];
    });
  }

  async #loseAfter(
    at: SimBroker,
    afterMs: number,
    withoutPower: () => readonly SimBroker[],
  ): Promise<void> {
    const { simulation, totals, supervisor } = this.#stage;
    const journal = at.broker?.journal;
    if (!this.#mayLose(at) || journal === undefined) return;
    const { directory } = journal.recovered;
    const ticket = journal.durableTicket;
    const image = at.node.disk.snapshot();
    const rollBack = this.#stage.backUp(at);
    await simulation.sleepMs(afterMs);
    if (!this.#mayLose(at)) return;
    totals.restored++;
    supervisor.loses(at);
    const dark = new Set([at, ...withoutPower()]);
    for (const each of dark) each.crash("power");
    supervisor.wentBack(at, directory, ticket);
    totals.powerLosses += dark.size;
    at.node.disk.restore(image);
    rollBack();
  }
}
