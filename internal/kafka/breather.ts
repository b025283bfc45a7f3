// Long loops give the event loop back (L7): a request that names a hundred thousand partitions must not stop the pings
// to the other brokers. `tick` is called for each item and is almost always free.
import type { Clock } from "../ports/clock.ts";
import { STRETCH_MS_MAX } from "./limits.ts";

/** Items between two looks at the clock. */
const STRIDE = 64;

export class Breather {
  readonly #clock: Clock;
  #items = 0;
  #startMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startMs = clock.upMs();
  }

  /** Null to go on, else a promise to wait for first. */
  tick(): Promise<void> | null {
    if (++this.#items % STRIDE !== 0) return null;
    if (this.#clock.upMs() - this.#startMs < STRETCH_MS_MAX) return null;
    return new Promise((resolve) => {
      this.#clock.after(0, () => {
        this.#startMs = this.#clock.upMs();
        resolve();
      });
    });
  }
}
