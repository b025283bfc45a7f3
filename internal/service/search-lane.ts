// One search at a time has a batch in memory. Who asks takes turns with the others (L9); who is gone is passed over, and
// nobody waits for longer than is useful: the one whose turn it is may wait for a disk that hangs.
import { FairQueue } from "../base/fair-queue.ts";
import type { Cancel, Clock } from "../ports/clock.ts";

/** On whose behalf something is looked for: it is not, when he is gone. */
export interface Asker {
  readonly owner: object;
  readonly isOver: boolean;
}

interface Job {
  readonly asker: Asker;
  readonly run: () => Promise<void>;
  isLate: boolean;
}

export class SearchLane {
  readonly #clock: Pick<Clock, "after">;
  readonly #waitMsMax: number;
  readonly #waiting = new FairQueue<object, Job>();
  #isBusy = false;

  constructor(clock: Pick<Clock, "after">, waitMsMax: number) {
    this.#clock = clock;
    this.#waitMsMax = waitMsMax;
  }

  /** Rejects when the work does. "late": it was not done in time, or not begun because nobody wants it any more. */
  run<T>(asker: Asker, work: () => Promise<T>): Promise<T | "late"> {
    return new Promise((resolve, reject) => {
      let cancel: Cancel | null = null;
      const job: Job = {
        asker,
        isLate: false,
        run: async () => {
          if (job.isLate) return;
          if (asker.isOver) resolve("late");
          else await work().then(resolve, reject);
          cancel?.();
        },
      };
      cancel = this.#clock.after(this.#waitMsMax, () => {
        job.isLate = true;
        resolve("late");
      });
      this.#waiting.push(asker.owner, job);
      void this.#next();
    });
  }

  async #next(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let job = this.#waiting.shift(); job !== null; job = this.#waiting.shift())
      await job.run();
    this.#isBusy = false;
  }
}
