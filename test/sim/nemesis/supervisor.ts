// Starts again what died, after a while: the part of an operator. Also the only place that knows which directories are
// lost for good, because a wiped or rolled-back disk never counts as its old self again (F5, D3).
import type { DirectoryId, Ticket } from "../../../internal/model/ids.ts";
import type { Broker } from "../../../internal/server/broker.ts";
import type { SimBroker, SimCluster } from "../cluster/sim-cluster.ts";
import { DELIVERY } from "../world/scheduler.ts";
import type { SeededEntropy } from "../world/seeded-entropy.ts";

const DOWN_MS_MIN = 5;
const DOWN_MS_MAX = 1_200;

export class Supervisor {
  readonly #cluster: SimCluster;
  readonly #entropy: SeededEntropy;
  readonly #restarts = new Map<SimBroker, number>();
  /** Machines whose directory lost something that was durable. */
  readonly lost = new Set<SimBroker>();
  /** Machines whose directory holds something wrong, or did. */
  readonly damaged = new Set<SimBroker>();
  /** Machines of the first kind of which a write went astray: what is missing may lie between what is there. */
  readonly misplaced = new Set<SimBroker>();
  /** Who had heard of something that a disk has lost, in which start of its own. */
  readonly #witnesses: {
    readonly at: SimBroker;
    readonly by: SimBroker;
    readonly heard: Broker;
  }[] = [];
  /** Machines of the first two kinds that began anew on an empty disk: what came there since is as safe as anywhere. */
  readonly #emptied = new Set<SimBroker>();
  /** Told of a disk that is about to lose something. */
  struck: (at: SimBroker) => void = () => {};
  #isCalm = false;

  constructor(cluster: SimCluster, entropy: SeededEntropy) {
    this.#cluster = cluster;
    this.#entropy = entropy;
    cluster.listen({
      ended: (at) => {
        this.#replaceDisk(at);
        this.#restartLater(at);
      },
    });
  }

  /** Machines that went back before the eyes of one that has been running ever since. */
  get betrayed(): SimBroker[] {
    const live = this.#witnesses.filter(({ by, heard }) => by.broker === heard);
    return [...new Set(live.map(({ at }) => at))];
  }

  /** Machines in whose directory, as it is, more may be found missing or wrong. */
  get spoiled(): SimBroker[] {
    return [...new Set([...this.lost, ...this.damaged])].filter((at) => !this.#emptied.has(at));
  }

  /** The disk of `at` ends at `ticket` again: notes who knows better. */
  wentBack(at: SimBroker, directory: DirectoryId, ticket: Ticket): void {
    for (const by of this.#cluster.brokers) {
      const heard = by.broker;
      if (by === at || heard === null) continue;
      if (heard.journal.peers.of(directory).ticket > ticket)
        this.#witnesses.push({ at, by, heard });
    }
  }

  /** The disk of `at` loses something that was durable. */
  loses(at: SimBroker): void {
    this.lost.add(at);
    this.struck(at);
  }

  /** All of it, with the machine's power; the next start is one on an empty disk. */
  wipes(at: SimBroker): void {
    this.loses(at);
    at.crash("power");
    this.#empty(at);
  }

  /** Something wrong is on the disk of `at`. */
  damages(at: SimBroker): void {
    this.damaged.add(at);
    this.struck(at);
  }

  /** From now on whatever dies is started again at once. */
  calm(): void {
    this.#isCalm = true;
    for (const at of this.#cluster.brokers) at.start(this.#cluster.simulation.scheduler.nowUs);
  }

  /** A broker that cannot read whose directory it has refuses to start, and says so: it gets an empty disk. */
  #replaceDisk(at: SimBroker): void {
    const last = this.#cluster.simulation.fatals.at(-1);
    if (!this.misplaced.has(at) || last?.node !== at.node.name) return;
    if (!isUnreadable(last.reason, last.fault)) return;
    this.misplaced.delete(at);
    this.#empty(at);
  }

  #empty(at: SimBroker): void {
    at.node.disk.wipe();
    this.#emptied.add(at);
  }

  #restartLater(at: SimBroker): void {
    const isQuick = this.#isCalm || this.#entropy.chance(300);
    const downMs = this.#entropy.between(DOWN_MS_MIN, isQuick ? 60 : DOWN_MS_MAX);
    const number = (this.#restarts.get(at) ?? 0) + 1;
    this.#restarts.set(at, number);
    const { scheduler } = this.#cluster.simulation;
    scheduler.at(downMs * 1000, null, DELIVERY, "restart", () => {
      if (this.#restarts.get(at) === number) at.start(scheduler.nowUs);
    });
  }
}

/** Why a broker refuses to start in a directory whose identity is damaged. */
export function isUnreadable(reason: string, fault: unknown): boolean {
  if (reason !== "start" || typeof fault !== "object" || fault === null) return false;
  return "kind" in fault && fault.kind === "identity";
}
