// Warnings that clients can provoke. A client in a loop must not fill the disk, so only the first few of a second are
// written, and the next one that is tells how many were not.
import type { Clock } from "../ports/clock.ts";
import type { Log, LogFields } from "../ports/log.ts";

const WINDOW_MS = 1_000;

export class QuietLog {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #linesMax: number;
  #windowStartMs = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #suppressed = 0;

  constructor(log: Log, clock: Clock, linesMax: number) {
    this.#log = log;
    this.#clock = clock;
    this.#linesMax = linesMax;
  }

  warn(fields: LogFields, event: string): void {
    const nowMs = this.#clock.upMs();
    if (nowMs - this.#windowStartMs >= WINDOW_MS) {
      this.#windowStartMs = nowMs;
      this.#lines = 0;
    }
    if (this.#lines >= this.#linesMax) {
      this.#suppressed++;
      return;
    }
    this.#lines++;
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    this.#log.warn(suppressed === 0 ? fields : { ...fields, suppressed }, event);
  }
}
