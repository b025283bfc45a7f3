// Asks for many things of which each may have to read from disk: a few at a time, and giving the event loop back (L7).
import type { Clock } from "../ports/clock.ts";
import { Breather } from "./breather.ts";
import { LOOKUPS_MAX } from "./limits.ts";

export class Lookups {
  readonly #breather: Breather;
  #batch: Promise<void>[] = [];

  constructor(clock: Clock) {
    this.#breather = new Breather(clock);
  }

  /** Starts one; waits for the present ones first when they are many. */
  async run(start: () => Promise<void>): Promise<void> {
    const pause = this.#breather.tick();
    if (pause !== null) await pause;
    this.#batch.push(start());
    if (this.#batch.length >= LOOKUPS_MAX) await this.finish();
  }

  /** Resolves when all that were started are done. */
  async finish(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    await Promise.all(batch);
  }
}
