// What long searches may do in one turn of the event loop, all of them together (L7): however many there are, a turn takes no
// longer. Who asks takes turns with the others (L9). Counted in steps, since a clock that stands still is one of those that
// this runs on.
import { FairQueue } from "../base/fair-queue.ts";
import type { Clock } from "../ports/clock.ts";

interface Piece {
  readonly steps: number;
  readonly goOn: () => void;
}

export class TurnShare {
  readonly #clock: Pick<Clock, "turnEnd">;
  readonly #stepsMax: number;
  readonly #waiting = new FairQueue<object, Piece>();
  #left: number;
  #isScheduled = false;

  constructor(clock: Pick<Clock, "turnEnd">, stepsMax: number) {
    this.#clock = clock;
    this.#stepsMax = stepsMax;
    this.#left = stepsMax;
  }

  /** Asked for before each piece of work, which is a small part of what a turn may do. */
  take(owner: object, steps: number): Promise<void> {
    return new Promise((goOn) => {
      this.#waiting.push(owner, { steps, goOn });
      this.#hand();
    });
  }

  #hand(): void {
    while (this.#left > 0) {
      const piece = this.#waiting.shift();
      if (piece === null) break;
      this.#left -= piece.steps;
      piece.goOn();
    }
    if (this.#isScheduled || this.#left === this.#stepsMax) return;
    this.#isScheduled = true;
    this.#clock.turnEnd(this.#turnEnded);
  }

  readonly #turnEnded = (): void => {
    this.#isScheduled = false;
    this.#left = this.#stepsMax;
    this.#hand();
  };
}
