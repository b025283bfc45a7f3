// Timers by the thousand over one clock: every member of every group has one, and each heartbeat starts it anew, so a
// restart must cost nothing. A timer that is put off keeps its slot and is looked at again when the slot comes round.
import type { Cancel, Clock } from "../ports/clock.ts";
import { inSlices } from "../replica/slices.ts";

const TICK_MS = 20;

export class WheelTimer {
  readonly fire: () => void;
  /** Infinity: not started. */
  dueMs = Infinity;
  /** The slot in which it lies; -1 for none. */
  slot = -1;

  constructor(fire: () => void) {
    this.fire = fire;
  }

  get isRunning(): boolean {
    return this.dueMs !== Infinity;
  }
}

export class TimerWheel {
  readonly #clock: Clock;
  readonly #slots = new Map<number, Set<WheelTimer>>();
  #tick: Cancel | null = null;
  #swept: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#swept = slotOf(clock.upMs());
  }

  /** Starts the timer, or starts it anew. */
  start(timer: WheelTimer, delayMs: number): void {
    timer.dueMs = this.#clock.upMs() + Math.max(delayMs, 0);
    const slot = Math.max(slotOf(timer.dueMs) + 1, this.#swept + 1);
    // Put off: it stays where it is until its slot is looked at.
    if (timer.slot !== -1 && timer.slot <= slot) return;
    this.#place(timer, slot);
  }

  stop(timer: WheelTimer): void {
    timer.dueMs = Infinity;
    this.#take(timer);
  }

  close(): void {
    this.#tick?.();
    this.#tick = null;
    this.#slots.clear();
  }

  #place(timer: WheelTimer, slot: number): void {
    this.#take(timer);
    timer.slot = slot;
    let timers = this.#slots.get(slot);
    if (timers === undefined) {
      timers = new Set();
      this.#slots.set(slot, timers);
    }
    timers.add(timer);
    if (this.#tick === null) {
      this.#swept = slotOf(this.#clock.upMs());
      this.#schedule();
    }
  }

  #take(timer: WheelTimer): void {
    if (timer.slot === -1) return;
    const timers = this.#slots.get(timer.slot);
    timers?.delete(timer);
    if (timers?.size === 0) this.#slots.delete(timer.slot);
    timer.slot = -1;
  }

  #schedule(): void {
    // At the end of the turn, so that heartbeats which lay in the sockets during a stall count first.
    this.#tick = this.#clock.after(TICK_MS, () => this.#clock.turnEnd(() => this.#sweep()));
  }

  #sweep(): void {
    if (this.#tick === null) return;
    this.#tick = null;
    const nowMs = this.#clock.upMs();
    const last = slotOf(nowMs);
    const due: WheelTimer[] = [];
    for (const slot of this.#passed(last)) {
      for (const timer of [...(this.#slots.get(slot) ?? [])]) {
        this.#take(timer);
        if (timer.dueMs <= nowMs) due.push(timer);
        else this.#place(timer, slotOf(timer.dueMs) + 1);
      }
    }
    this.#swept = last;
    if (this.#slots.size > 0 && this.#tick === null) this.#schedule();
    inSlices(this.#clock, due, (timer) => this.#fire(timer));
  }

  /** The slots up to `last`; whichever is shorter to walk, the time or the slots. */
  #passed(last: number): readonly number[] {
    if (last - this.#swept < this.#slots.size) {
      const slots: number[] = [];
      for (let slot = this.#swept + 1; slot <= last; slot++) slots.push(slot);
      return slots;
    }
    return [...this.#slots.keys()].filter((slot) => slot <= last).sort((a, b) => a - b);
  }

  /** It lies in no slot; it may have been stopped or started anew by one that fired before it. */
  #fire(timer: WheelTimer): void {
    if (timer.dueMs > this.#clock.upMs()) return;
    timer.dueMs = Infinity;
    timer.fire();
  }
}

function slotOf(upMs: number): number {
  return Math.floor(upMs / TICK_MS);
}
