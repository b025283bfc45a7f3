// Payloads on their way to a socket: slices of the journal's arena, joined where they lie side by side, and kept from
// being overwritten until the socket has taken them.
import type { SharedJournal } from "../journal/owner.ts";
import type { PayloadPosition } from "../model/ids.ts";

interface Pin {
  readonly position: PayloadPosition;
  readonly length: number;
}

export class PinnedSlices {
  readonly #journal: SharedJournal;
  readonly #pins: Pin[] = [];
  readonly slices: Uint8Array[] = [];
  bytes = 0;

  constructor(journal: SharedJournal) {
    this.#journal = journal;
  }

  /** False: the payload is not lent, and nothing was added. */
  add(position: PayloadPosition, length: number): boolean {
    const slice = this.#journal.lend(position, length);
    if (slice === null) return false;
    this.#pins.push({ position, length });
    this.bytes += length;
    this.#join(slice);
    return true;
  }

  /** The socket has taken the bytes, or they are not wanted. Exactly once. */
  release(): void {
    for (const pin of this.#pins) this.#journal.unpin(pin.position, pin.length);
    this.#pins.length = 0;
  }

  #join(slice: Uint8Array): void {
    const before = this.slices.at(-1);
    const isNeighbour =
      before !== undefined &&
      before.buffer === slice.buffer &&
      before.byteOffset + before.length === slice.byteOffset;
    if (!isNeighbour) this.slices.push(slice);
    else {
      const length = before.length + slice.length;
      this.slices[this.slices.length - 1] = new Uint8Array(slice.buffer, before.byteOffset, length);
    }
  }
}
