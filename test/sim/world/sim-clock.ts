// Virtual time as one simulated process sees it: its own wall clock, timers that are a little late,
// and turns that end after everything due at that instant was delivered.
import type { Cancel, Clock } from "../../../internal/ports/clock.ts";
import { assert } from "../../../internal/base/assert.ts";
import type { Life } from "./life.ts";
import { TIMER, TURN_END } from "./scheduler.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SeededEntropy } from "./seeded-entropy.ts";

/** 2025-01-01: where the wall clocks of a simulation begin. */
const WALL_START_MS = 1_735_689_600_000;
/** Real timers run on whole milliseconds and behind other work. */
const TIMER_LATE_US_MAX = 1_000;
/** How long a turn of the event loop lasts at most. */
const TURN_US_MAX = 20;

/** The wall clock of a machine; outlives its processes and is moved by faults. */
export interface WallClock {
  offsetMs: number;
  /** How fast the monotonic clock and timers of the machine run; 1 is right. Not changed while a process runs. */
  rate: number;
}

export class SimClock implements Clock {
  readonly #scheduler: Scheduler;
  readonly #life: Life;
  readonly #wall: WallClock;
  readonly #entropy: SeededEntropy;
  #upOffsetUs: number;
  #awakeSinceMs = -Infinity;
  #flushes: (() => void)[] = [];

  constructor(scheduler: Scheduler, life: Life, wall: WallClock, entropy: SeededEntropy) {
    this.#scheduler = scheduler;
    this.#life = life;
    this.#wall = wall;
    this.#entropy = entropy;
    // Monotonic clocks of different processes have nothing to do with each other.
    this.#upOffsetUs = entropy.below(1_000_000_000) - scheduler.nowUs;
  }

  nowMs(): number {
    return WALL_START_MS + this.#wall.offsetMs + Math.floor(this.#scheduler.nowUs / 1000);
  }

  upMs(): number {
    const { suspendedAtUs } = this.#life;
    const upUs = (suspendedAtUs ?? this.#scheduler.nowUs) + this.#upOffsetUs;
    return (upUs * this.#wall.rate) / 1000;
  }

  awakeSinceMs(): number {
    return this.#awakeSinceMs;
  }

  /** The machine wakes up: the monotonic clock goes on where it stood. */
  wake(): void {
    const { suspendedAtUs } = this.#life;
    if (suspendedAtUs === null) return;
    this.#life.suspendedAtUs = null;
    this.#upOffsetUs -= this.#scheduler.nowUs - suspendedAtUs;
    this.#awakeSinceMs = this.upMs();
  }

  after(delayMs: number, wake: () => void): Cancel {
    assert(delayMs >= 0, "a delay is not negative");
    const waitUs = Math.ceil((delayMs * 1000) / this.#wall.rate);
    const delayUs = waitUs + this.#entropy.between(1, TIMER_LATE_US_MAX);
    const event = this.#scheduler.at(delayUs, this.#life, TIMER, "timer", wake);
    return () => this.#scheduler.cancel(event);
  }

  turnEnd(flush: () => void): void {
    this.#flushes.push(flush);
    if (this.#flushes.length > 1) return;
    const delayUs = this.#entropy.below(TURN_US_MAX + 1);
    this.#scheduler.at(delayUs, this.#life, TURN_END, "turn end", () => {
      const flushes = this.#flushes;
      this.#flushes = []; // what is asked for from here on belongs to the next turn
      for (const each of flushes) each();
    });
  }
}
