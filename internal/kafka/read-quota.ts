// What all connections together are read in one turn of the event loop. A system may deliver megabytes of each socket in
// one go; with a hundred large senders that was a turn of two seconds, in which nothing else happened, links included
// (L3, L7). Whoever is read after the quota is spent rests until the turn ends.
import type { Clock } from "../ports/clock.ts";

export interface Reader {
  /** The turn is over: it may be read again. */
  goOn(): void;
}

export class ReadQuota {
  readonly #clock: Clock;
  readonly #turnBytesMax: number;
  #spentBytes = 0;
  #resting: Reader[] = [];
  #willEnd = false;

  constructor(clock: Clock, turnBytesMax: number) {
    this.#clock = clock;
    this.#turnBytesMax = turnBytesMax;
  }

  /** Counts bytes that were read. Answers whether `reader` has to rest now; then it is told when to go on. */
  spend(reader: Reader, bytes: number): boolean {
    this.#spentBytes += bytes;
    if (!this.#willEnd) {
      this.#willEnd = true;
      this.#clock.turnEnd(() => this.#turnEnded());
    }
    if (this.#spentBytes < this.#turnBytesMax) return false;
    this.#resting.push(reader);
    return true;
  }

  #turnEnded(): void {
    this.#willEnd = false;
    this.#spentBytes = 0;
    const resting = this.#resting;
    this.#resting = [];
    for (const reader of resting) reader.goOn();
  }
}
