// The lease of a leader (L5): until when enough voters of a group have promised to help nobody else to lead it. The promise
// is the voter's loyalty after each ping (docs/rules.md, L1, L3); the leader counts from the moment at which it sent that
// ping, and counts less than the voter keeps. What this rests on: monotonic clocks of two brokers run apart by less than a
// tenth, and a suspend, during which they may stand still, shows in another clock before anything is answered.
import type { ReplicaId } from "../model/ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { Replica } from "./replica.ts";

export interface Promises {
  /** Until when a voter is loyal to this leader, by pings sent after `sinceMs`; -Infinity: nobody knows. */
  loyalUntilMs(replica: Replica, voter: ReplicaId, sinceMs: number): number;
}

export class Leases {
  readonly #clock: Clock;
  readonly #promises: Promises;

  constructor(clock: Clock, promises: Promises) {
    this.#clock = clock;
    this.#promises = promises;
  }

  /** Whether no other leader of the group can have committed anything before this call. */
  holds(replica: Replica): boolean {
    const { voters, votersOutgoing } = replica.machine.configuration;
    return this.#most(replica, voters) && this.#most(replica, votersOutgoing);
  }

  /** Whether `voter` helps nobody else to lead now. */
  countsOn(replica: Replica, voter: ReplicaId): boolean {
    return this.#isLoyal(replica, voter, this.#clock.awakeSinceMs(), this.#clock.upMs());
  }

  #most(replica: Replica, voters: readonly ReplicaId[]): boolean {
    if (voters.length === 0) return true;
    const awakeMs = this.#clock.awakeSinceMs();
    const nowMs = this.#clock.upMs();
    let count = 0;
    for (const voter of voters) if (this.#isLoyal(replica, voter, awakeMs, nowMs)) count++;
    return count * 2 > voters.length;
  }

  #isLoyal(replica: Replica, voter: ReplicaId, awakeMs: number, nowMs: number): boolean {
    if (voter === replica.self) return true;
    return this.#promises.loyalUntilMs(replica, voter, awakeMs) > nowMs;
  }
}
