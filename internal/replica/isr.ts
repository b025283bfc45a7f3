// In-sync replicas as an observation of the leader (P2): reported to clients, waited for where a topic asks for more
// than the majority, and never an input to commit or election.
import type { BrokerId, LogIndex, ReplicaId } from "../model/ids.ts";
import type { Replica } from "./replica.ts";

export interface IsrFacts {
  isSilent(broker: BrokerId): boolean;
  readonly ownJournalStalled: boolean;
}

/** One leader's view of its voters. Begins with all of them in sync. */
export class InSyncSet {
  readonly #replica: Replica;
  readonly #caughtUpMs = new Map<ReplicaId, number>();
  #lastSeen: LogIndex;
  #brokers: readonly BrokerId[] = [];
  /** Grows with every change, within the leader's term. */
  version = 1;

  constructor(replica: Replica, nowMs: number) {
    this.#replica = replica;
    this.#lastSeen = replica.machine.lastIndex;
    for (const voter of replica.machine.configuration.voters) this.#caughtUpMs.set(voter, nowMs);
    this.#brokers = this.#observe(nowMs, Infinity, {
      isSilent: () => false,
      ownJournalStalled: false,
    });
  }

  get brokers(): readonly BrokerId[] {
    return this.#brokers;
  }

  /** When a voter was last seen with everything, in `upMs`; null for others. */
  caughtUpMs(voter: ReplicaId): number | null {
    return this.#caughtUpMs.get(voter) ?? null;
  }

  /** Looks again. True: the set changed, and `version` with it. */
  sweep(nowMs: number, lagMsMax: number, facts: IsrFacts): boolean {
    const { machine } = this.#replica;
    for (const voter of machine.configuration.voters) {
      const match = machine.match(voter);
      // In step means: durable up to what the log held at the last look, or to the commit if it was out of step.
      const goal = this.#isIn(voter) ? this.#lastSeen : machine.commit;
      if (match >= goal || !this.#caughtUpMs.has(voter)) this.#caughtUpMs.set(voter, nowMs);
    }
    this.#lastSeen = machine.lastIndex;
    const brokers = this.#observe(nowMs, lagMsMax, facts);
    if (sameBrokers(brokers, this.#brokers)) return false;
    this.#brokers = brokers;
    this.version++;
    return true;
  }

  #isIn(voter: ReplicaId): boolean {
    const broker = this.#replica.member(voter)?.broker;
    return broker !== undefined && this.#brokers.includes(broker);
  }

  #observe(nowMs: number, lagMsMax: number, facts: IsrFacts): BrokerId[] {
    const { machine, self } = this.#replica;
    const brokers: BrokerId[] = [];
    for (const voter of machine.configuration.voters) {
      const broker = this.#replica.member(voter)?.broker;
      if (broker === undefined) continue;
      const isOwn = voter === self;
      if (isOwn ? facts.ownJournalStalled : facts.isSilent(broker)) continue;
      if (nowMs - (this.#caughtUpMs.get(voter) ?? -Infinity) > lagMsMax) continue;
      brokers.push(broker);
    }
    return brokers;
  }
}

function sameBrokers(a: readonly BrokerId[], b: readonly BrokerId[]): boolean {
  return a.length === b.length && a.every((broker, k) => broker === b[k]);
}
