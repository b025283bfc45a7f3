// Appends that await their condition, by log position (F4): the entry is committed, durable here, or durable on as many
// replicas as the topic asks for. Whoever loses leadership fails them all before the log changes.
import { assert } from "../base/assert.ts";
import type { LogIndex, Offset, Term } from "../model/ids.ts";
import type { AppendOutcome } from "./append.ts";

export interface AppendWaiter {
  readonly term: Term;
  readonly index: LogIndex;
  /** "commit": committed. "own": durable on this leader alone (acks.one=leader, P4). */
  readonly until: "commit" | "own";
  /** Voters on which it must be durable as well; 0 when the commit is enough (P3). */
  readonly durableOn: number;
  /** Monotonic time of the append, and of the moment at which the answer is too late. */
  readonly sinceMs: number;
  readonly deadlineMs: number;
  readonly baseOffset: Offset;
  readonly appendTimeMs: number;
  readonly done: (outcome: AppendOutcome) => void;
}

export interface LogProgress {
  /** Told of every answered append. */
  answered(waiter: AppendWaiter): void;
  readonly commit: LogIndex;
  readonly ownDurable: LogIndex;
  durableCount(index: LogIndex): number;
  readonly inSyncCount: number;
  readonly logStart: Offset;
}

export class AppendWaiters {
  #waiters: AppendWaiter[] = [];

  get count(): number {
    return this.#waiters.length;
  }

  add(waiter: AppendWaiter): void {
    assert(waiter.index > 0, "a waiter names an entry of the log");
    this.#waiters.push(waiter);
  }

  /** For an entry that may have been in the log for long: answers at once if its condition holds. */
  addOrAnswer(waiter: AppendWaiter, progress: LogProgress): void {
    const outcome = outcomeOf(waiter, progress);
    if (outcome === null) {
      this.add(waiter);
      return;
    }
    progress.answered(waiter);
    waiter.done(outcome);
  }

  /** Answers those whose condition holds now. Whoever is answered may append again, and so lead back to here. */
  settle(progress: LogProgress): void {
    const waiting = this.#waiters;
    if (waiting.length === 0) return;
    const due: AppendWaiter[] = [];
    const outcomes: AppendOutcome[] = [];
    let kept = 0;
    for (const waiter of waiting) {
      const outcome = outcomeOf(waiter, progress);
      if (outcome === null) waiting[kept++] = waiter;
      else {
        due.push(waiter);
        outcomes.push(outcome);
      }
    }
    waiting.length = kept;
    due.forEach((waiter, k) => {
      progress.answered(waiter);
      waiter.done(outcomes[k] as AppendOutcome);
    });
  }

  /** Fails all of them. The outcome of each is unknown: its entry may be committed by the next leader. */
  failAll(outcome: AppendOutcome): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.done(outcome);
  }

  expire(nowMs: number): void {
    const late = this.#waiters.filter((waiter) => waiter.deadlineMs <= nowMs);
    if (late.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.deadlineMs > nowMs);
    for (const waiter of late) waiter.done({ ok: false, fault: { kind: "timed-out" } });
  }
}

function outcomeOf(waiter: AppendWaiter, progress: LogProgress): AppendOutcome | null {
  const { baseOffset, appendTimeMs, index, until, durableOn } = waiter;
  const reached = until === "own" ? progress.ownDurable : progress.commit;
  if (index > reached) return null;
  if (durableOn > 0 && progress.durableCount(index) < durableOn) {
    if (progress.inSyncCount >= durableOn) return null;
    return { ok: false, fault: { kind: "not-enough-replicas-after-append" } };
  }
  return { ok: true, value: { baseOffset, appendTimeMs, logStart: progress.logStart } };
}
