// The Clock port of the host: Node's timers and the end of an event-loop turn.
import { assert } from "../base/assert.ts";
import { uptime } from "node:os";
import type { Cancel, Clock } from "../ports/clock.ts";
import { SuspendWatch } from "./suspend-watch.ts";

/** What setTimeout can wait for at most. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export class HostClock implements Clock {
  readonly #suspends = new SuspendWatch({
    wallMs: () => Date.now(),
    upMs: () => performance.now(),
    bootMs: () => uptime() * 1000,
  });
  #flushes: (() => void)[] = [];

  nowMs(): number {
    return Date.now();
  }

  upMs(): number {
    return performance.now();
  }

  awakeSinceMs(): number {
    return this.#suspends.awakeSinceMs();
  }

  after(delayMs: number, wake: () => void): Cancel {
    assert(delayMs >= 0, "a delay is not negative");
    const dueMs = performance.now() + delayMs;
    let timer: NodeJS.Timeout;
    const arm = (waitMs: number): void => {
      timer = setTimeout(
        () => {
          // Node counts whole milliseconds from the start of the turn and can fire a little early.
          const leftMs = dueMs - performance.now();
          if (leftMs > 0) arm(leftMs);
          else wake();
        },
        Math.min(Math.ceil(waitMs), TIMER_MS_MAX),
      );
    };
    arm(delayMs);
    return () => clearTimeout(timer);
  }

  // The check phase comes after the poll phase, in which every readable socket is read; a timer that
  // asks for the end of the turn is therefore behind the input that was buffered before it (L3).
  turnEnd(flush: () => void): void {
    this.#flushes.push(flush);
    if (this.#flushes.length === 1) setImmediate(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    const flushes = this.#flushes;
    this.#flushes = []; // what is asked for from here on belongs to the next turn
    for (const flush of flushes) flush();
  };
}
