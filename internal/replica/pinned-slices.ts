// Payloads on their way to a socket: slices of the journal's arena, joined where they lie side by side, and kept from
// being overwritten until the socket has taken them.
import { lend, takeBack } from "../base/lent.ts";
import type { SharedJournal } from "../journal/owner.ts";
import type { PayloadPosition } from "../model/ids.ts";

interface Pin {
  readonly position: PayloadPosition;
  readonly length: number;
}

export class PinnedSlices {
  readonly #journal: SharedJournal;
  readonly #pins: Pin[] = [];
  readonly #parts: Uint8Array[] = [];
  #lent: readonly Uint8Array[] | null = null;
  bytes = 0;

  constructor(journal: SharedJournal) {
    this.#journal = journal;
  }

  get count(): number {
    return this.#parts.length;
  }

  /** What was added, when there is no more to add. Lent until `release`. */
  get slices(): readonly Uint8Array[] {
    this.#lent ??= this.#parts.map(lend);
    return this.#lent;
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
    for (const slice of this.#lent ?? []) takeBack(slice);
    for (const pin of this.#pins) this.#journal.unpin(pin.position, pin.length);
    this.#pins.length = 0;
  }

  #join(slice: Uint8Array): void {
    const before = this.#parts.at(-1);
    const isNeighbour =
      before !== undefined &&
      before.buffer === slice.buffer &&
      before.byteOffset + before.length === slice.byteOffset;
    if (!isNeighbour) this.#parts.push(slice);
    else {
      const length = before.length + slice.length;
      this.#parts[this.#parts.length - 1] = new Uint8Array(slice.buffer, before.byteOffset, length);
    }
  }
}
