// A group of command logs as the runtime of machines meets it: one leader at a time, an uncommitted tail that may or may
// not survive a change of leader, replicas that apply late. Driven step by step by the property tests.
import { assert } from "../../internal/base/assert.ts";
import type { LogIndex, Term } from "../../internal/model/ids.ts";
import type { Clock } from "../../internal/ports/clock.ts";
import type { Entropy } from "../../internal/ports/entropy.ts";
import type { CommandFollower, CommandLog } from "../../internal/statelog/command-log.ts";

interface Entry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly payload: Uint8Array;
}

/** Turns end, and time passes, when the test says so. */
export class StepClock implements Clock {
  ms = 1_000;
  #flushes: (() => void)[] = [];
  #timers: { readonly at: number; readonly wake: () => void; isOver: boolean }[] = [];

  nowMs(): number {
    return this.ms;
  }

  awakeSinceMs(): number {
    return -Infinity;
  }

  upMs(): number {
    return this.ms;
  }

  after(delayMs: number, wake: () => void): () => void {
    const timer = { at: this.ms + delayMs, wake, isOver: false };
    this.#timers.push(timer);
    return () => void (timer.isOver = true);
  }

  /** Lets time pass in steps of at most 10 ms, each a turn of its own. */
  pass(ms: number): void {
    const until = this.ms + ms;
    while (this.ms < until) {
      this.ms = Math.min(until, this.ms + 10);
      const due = this.#timers.filter((timer) => timer.at <= this.ms);
      this.#timers = this.#timers.filter((timer) => timer.at > this.ms);
      for (const timer of due) if (!timer.isOver) timer.wake();
      this.endTurn();
    }
  }

  turnEnd(flush: () => void): void {
    this.#flushes.push(flush);
  }

  endTurn(): void {
    for (const flush of this.#flushes.splice(0)) flush();
  }
}

/** A small generator of its own (xorshift), so that a run depends on its seed alone. */
export function seededEntropy(seed: number): Entropy {
  let state = (seed | 0) === 0 ? 1 : seed | 0;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  return {
    below: (limit) => next() % limit,
    fill: (into) => {
      for (let at = 0; at < into.length; at++) into[at] = next() & 255;
    },
  };
}

interface Seat {
  follower: CommandFollower | null;
  applied: number;
}

export class CommandGroup {
  readonly committed: Entry[] = [];
  #tail: Entry[] = [];
  #seats: Seat[] = [];
  #leader = -1;
  #serving = false;
  #term = 0 as Term;
  #lastIndex = 0;
  /** Of the leader that is served. */
  leaseHolds = true;
  refuseNext: "busy" | "storage-full" | null = null;

  get leader(): number {
    return this.#serving ? this.#leader : -1;
  }

  get tailLength(): number {
    return this.#tail.length;
  }

  log(seatNumber: number): CommandLog {
    const seat: Seat = { follower: null, applied: 0 };
    this.#seats[seatNumber] = seat;
    return {
      attach: (follower) => (seat.follower = follower),
      mayAnswer: () => seatNumber === this.#leader && this.leaseHolds,
      propose: (payload) => {
        if (seatNumber !== this.#leader) return { ok: false, fault: "not-leader" };
        const refusal = this.refuseNext;
        this.refuseNext = null;
        if (refusal !== null) return { ok: false, fault: refusal };
        const index = ++this.#lastIndex as LogIndex;
        this.#tail.push({ index, term: this.#term, payload });
        return { ok: true, term: this.#term, index };
      },
    };
  }

  /** Ends the present leadership; `survivors` entries of its tail are in the next leader's log. */
  get term(): Term {
    return this.#term;
  }

  elect(leader: number, survivors: number): void {
    if (this.#serving) this.#seats[this.#leader]!.follower!.deposed();
    this.#serving = false;
    this.#tail = this.#tail.slice(0, survivors);
    this.#leader = leader;
    this.#term = (this.#term + 1) as Term;
    this.#lastIndex = (this.#tail.at(-1)?.index ?? this.committed.at(-1)?.index ?? 0) + 1; // no-op
    this.#commitAll();
    this.deliver(leader, this.committed.length);
    this.#serving = true;
    this.#seats[leader]!.follower!.leading(this.#term);
  }

  /** The present leader stops leading and nobody follows it yet. */
  depose(): void {
    if (!this.#serving) return;
    this.#serving = false;
    const old = this.#leader;
    this.#leader = -1;
    this.#seats[old]!.follower!.deposed();
  }

  /** Commits the first `count` entries of the tail. The leader applies at once. */
  commit(count: number): void {
    if (!this.#serving) return;
    this.committed.push(...this.#tail.splice(0, count));
    this.deliver(this.#leader, this.committed.length);
  }

  #commitAll(): void {
    this.committed.push(...this.#tail.splice(0));
  }

  /** Lets a replica apply up to `count` more committed entries. */
  deliver(seatNumber: number, count: number): void {
    const seat = this.#seats[seatNumber]!;
    assert(seat.follower !== null, "a seat is attached");
    for (let done = 0; done < count && seat.applied < this.committed.length; done++) {
      const { index, term, payload } = this.committed[seat.applied++]!;
      // Lent bytes: handed out inside a larger buffer that is destroyed afterwards.
      const lent = new Uint8Array(payload.length + 7);
      lent.set(payload, 3);
      seat.follower.applied(index, term, lent, 3, 3 + payload.length);
      lent.fill(0xee);
    }
  }

  appliedCount(seatNumber: number): number {
    return this.#seats[seatNumber]!.applied;
  }
}
