// Moves leadership back to the preferred replicas, in the background. Every broker looks after the groups that it leads
// itself: it alone knows who is in step, and nobody has to be asked. A group moves when two looks in a row found the
// same leader in the same term and the preferred replica fit both times, so that a failover is not answered by another
// one at once; what moves is paced. A replica that did not take over is left alone for a while.
import type { GroupId, ReplicaId, Term } from "../model/ids.ts";
import type { Cancel, Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { MultiRaft } from "../replica/multi-raft.ts";
import type { Replica } from "../replica/replica.ts";
import { inSlices } from "../replica/slices.ts";
import type { Leadership } from "./leadership.ts";

export interface BalanceSettings {
  /** `leader.imbalance.check.interval.seconds`. */
  readonly checkMs: number;
  /** `leader.rebalance.transfers.per.second`. */
  readonly transfersPerSecond: number;
}

const PACE_MS = 100;
const SECOND_MS = 1_000;
/** A group whose preferred replica did not take over is passed over for so many looks, but not longer than this. */
const LOOKS_AFTER_FAILURE = 5;
const FAILURE_PAUSE_MS_MAX = 60_000;

interface Finding {
  readonly term: Term;
  readonly to: ReplicaId;
}

export class LeaderBalance {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #raft: MultiRaft;
  readonly #leadership: Leadership;
  readonly #settings: BalanceSettings;
  #found = new Map<Replica, Finding>();
  #due: Replica[] = [];
  /** Groups to pass over, until when. */
  readonly #failed = new Map<GroupId, number>();
  #credit = 0;
  #lookTimer: Cancel | null = null;
  #paceTimer: Cancel | null = null;
  #isStopped = true;

  constructor(
    clock: Clock,
    log: Log,
    raft: MultiRaft,
    leadership: Leadership,
    settings: BalanceSettings,
  ) {
    this.#clock = clock;
    this.#log = log;
    this.#raft = raft;
    this.#leadership = leadership;
    this.#settings = settings;
  }

  start(): void {
    this.#isStopped = false;
    this.#lookTimer = this.#clock.after(this.#settings.checkMs, () => {
      this.#look();
      this.start();
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#lookTimer?.();
    this.#paceTimer?.();
    this.#paceTimer = null;
    this.#due = [];
    this.#found.clear();
  }

  #look(): void {
    const nowMs = this.#clock.upMs();
    for (const [group, untilMs] of this.#failed) if (untilMs <= nowMs) this.#failed.delete(group);
    const before = this.#found;
    const found = new Map<Replica, Finding>();
    this.#found = found;
    const queued = new Set(this.#due);
    inSlices(this.#clock, this.#raft.led(), (replica) => {
      if (this.#isStopped || !replica.leads || this.#failed.has(replica.group)) return;
      const preference = this.#leadership.preferenceOf(replica);
      if (preference.is !== "fit") return;
      const { to } = preference;
      const { term } = replica.machine;
      found.set(replica, { term, to });
      const last = before.get(replica);
      if (last?.term !== term || last.to !== to || queued.has(replica)) return;
      this.#due.push(replica);
      this.#pace();
    });
  }

  /** One timer while something is due; it never hands out more than the setting allows in a second. */
  #pace(): void {
    if (this.#paceTimer !== null || this.#isStopped) return;
    this.#paceTimer = this.#clock.after(PACE_MS, () => {
      this.#paceTimer = null;
      // What is left of a tick carries over, a whole transfer at most: idle time earns no burst.
      const earned = (this.#settings.transfersPerSecond * PACE_MS) / SECOND_MS;
      this.#credit = Math.min(this.#credit + earned, Math.max(1, earned));
      while (this.#credit >= 1 && this.#due.length > 0) {
        if (this.#move(this.#due.shift() as Replica)) this.#credit--;
      }
      if (this.#due.length > 0) this.#pace();
    });
  }

  /** False: there is nothing to move any more, so it costs nothing. */
  #move(replica: Replica): boolean {
    const found = this.#found.get(replica);
    if (!replica.leads || found === undefined || found.term !== replica.machine.term) return false;
    const preference = this.#leadership.preferenceOf(replica);
    if (preference.is !== "fit" || preference.to !== found.to) return false;
    const { group } = replica;
    this.#raft.transfer(replica, found.to, "balance", (moved) => {
      const fields = { group, to: found.to };
      if (moved) return this.#log.debug(fields, "leadership-balanced");
      this.#log.info(fields, "leadership-not-taken");
      const pauseMs = Math.min(this.#settings.checkMs * LOOKS_AFTER_FAILURE, FAILURE_PAUSE_MS_MAX);
      this.#failed.set(group, this.#clock.upMs() + pauseMs);
    });
    return true;
  }
}
