// Which leader epoch begins at which offset (KIP-101). Clients ask for the end of an epoch to find out whether their
// position was truncated away; with Raft a committed one never is.
import type { LogIndex, Offset, Term } from "../model/ids.ts";

interface EpochStart {
  readonly epoch: Term;
  readonly offset: Offset;
  readonly index: LogIndex;
}

export class EpochHistory {
  /** Epochs and offsets strictly increase. */
  readonly #starts: EpochStart[] = [];

  /** A batch of `epoch` begins at `offset`. */
  appended(epoch: Term, offset: Offset, index: LogIndex): void {
    const last = this.#starts.at(-1);
    if (last === undefined || last.epoch < epoch) this.#starts.push({ epoch, offset, index });
  }

  truncated(from: LogIndex): void {
    while ((this.#starts.at(-1)?.index ?? 0) >= from) this.#starts.pop();
  }

  /** The largest epoch not above `epoch`, and where it ends: where the next one begins, or `logEnd`. */
  endOf(epoch: number, logEnd: Offset): { readonly epoch: number; readonly endOffset: number } {
    let found = -1;
    for (let k = 0; k < this.#starts.length; k++) {
      if ((this.#starts[k] as EpochStart).epoch <= epoch) found = k;
      else break;
    }
    if (found < 0) return { epoch: -1, endOffset: -1 };
    const next = this.#starts[found + 1];
    const endOffset = next === undefined ? logEnd : next.offset;
    return { epoch: (this.#starts[found] as EpochStart).epoch, endOffset };
  }

  /** The epoch of the batch at `offset`. */
  epochAt(offset: Offset): number {
    let epoch = -1;
    for (const start of this.#starts) {
      if (start.offset > offset) break;
      epoch = start.epoch;
    }
    return epoch;
  }
}
