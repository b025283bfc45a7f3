// What one replica knows of the entries of its log: where the payload lies and which offsets it holds. Typed arrays,
// because a partition may have millions of entries before a checkpoint takes them away; nothing for an empty log.
import { assert } from "../base/assert.ts";
import type { LogIndex, Offset, PayloadPosition } from "../model/ids.ts";
import type { EntryKind } from "../raft/entry.ts";

/** Float64 columns: payload position, base offset, greatest timestamp. */
const WIDE = 3;
/** Uint32 columns: payload length, record count, checksum, head sum, kind. */
const NARROW = 5;

/** One entry, as a row to fill in. */
export interface EntryFacts {
  readonly kind: EntryKind;
  readonly position: PayloadPosition;
  readonly length: number;
  readonly baseOffset: Offset;
  readonly recordCount: number;
  readonly timestampMax: number;
  readonly checksum: number;
  readonly headSum: number;
}

/**
 * Invariant: entries `first` … `last` are present without gaps; `last` is `first - 1` when there are none.
 * Base offsets never decrease with the index.
 */
export class EntryTable {
  #first: number;
  #count = 0;
  #wide = new Float64Array(0);
  #narrow = new Uint32Array(0);
  #bytes = 0;

  constructor(first: LogIndex) {
    this.#first = first;
  }

  get first(): LogIndex {
    return this.#first as LogIndex;
  }

  get last(): LogIndex {
    return (this.#first + this.#count - 1) as LogIndex;
  }

  /** Payload bytes of all entries together. */
  get bytes(): number {
    return this.#bytes;
  }

  has(index: LogIndex): boolean {
    return index >= this.#first && index < this.#first + this.#count;
  }

  push(index: LogIndex, entry: EntryFacts): void {
    assert(index === this.#first + this.#count, "an entry joins the end of the table");
    if (this.#count * NARROW === this.#narrow.length) this.#grow();
    const wide = this.#count * WIDE;
    this.#wide[wide] = entry.position;
    this.#wide[wide + 1] = entry.baseOffset;
    this.#wide[wide + 2] = entry.timestampMax;
    const narrow = this.#count * NARROW;
    this.#narrow[narrow] = entry.length;
    this.#narrow[narrow + 1] = entry.recordCount;
    this.#narrow[narrow + 2] = entry.checksum;
    this.#narrow[narrow + 3] = entry.headSum;
    this.#narrow[narrow + 4] = entry.kind;
    this.#bytes += entry.length;
    this.#count++;
  }

  /** Drops `from` and everything after it. */
  truncate(from: LogIndex): void {
    assert(from >= this.#first, "only entries of the table are truncated");
    const count = Math.min(this.#count, from - this.#first);
    for (let slot = count; slot < this.#count; slot++) {
      this.#bytes -= this.#narrow[slot * NARROW] as number;
    }
    this.#count = count;
  }

  /** Starts over after a base: the table is empty and its next entry is `first`. */
  reset(first: LogIndex): void {
    this.#first = first;
    this.#count = 0;
    this.#wide = new Float64Array(0);
    this.#narrow = new Uint32Array(0);
    this.#bytes = 0;
  }

  /** The payload moved to another place in the journal (J6). */
  relocate(index: LogIndex, position: PayloadPosition): void {
    this.#wide[this.#slot(index) * WIDE] = position;
  }

  /** A damaged payload is whole again, at another place: its timestamp can be told now (D1). */
  restore(index: LogIndex, position: PayloadPosition, timestampMax: number): void {
    this.relocate(index, position);
    this.#wide[this.#slot(index) * WIDE + 2] = timestampMax;
  }

  position(index: LogIndex): PayloadPosition {
    return this.#wide[this.#slot(index) * WIDE] as PayloadPosition;
  }

  baseOffset(index: LogIndex): Offset {
    return this.#wide[this.#slot(index) * WIDE + 1] as Offset;
  }

  /** Greatest timestamp in the batch, milliseconds; -1 for entries that are no batches. */
  timestampMax(index: LogIndex): number {
    return this.#wide[this.#slot(index) * WIDE + 2] as number;
  }

  length(index: LogIndex): number {
    return this.#narrow[this.#slot(index) * NARROW] as number;
  }

  recordCount(index: LogIndex): number {
    return this.#narrow[this.#slot(index) * NARROW + 1] as number;
  }

  checksum(index: LogIndex): number {
    return this.#narrow[this.#slot(index) * NARROW + 2] as number;
  }

  headSum(index: LogIndex): number {
    return this.#narrow[this.#slot(index) * NARROW + 3] as number;
  }

  kind(index: LogIndex): EntryKind {
    return this.#narrow[this.#slot(index) * NARROW + 4] as EntryKind;
  }

  /** First offset after everything up to and including `index`. */
  offsetAfter(index: LogIndex): Offset {
    return (this.baseOffset(index) + this.recordCount(index)) as Offset;
  }

  /**
   * The entry that holds `offset`: the last one whose base offset is not above it and that has records. Null when the
   * offset lies before the first or after the last entry.
   */
  find(offset: Offset): LogIndex | null {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const end =
        (this.#wide[middle * WIDE + 1] as number) + (this.#narrow[middle * NARROW + 1] as number);
      if (end <= offset) low = middle + 1;
      else high = middle;
    }
    if (low === this.#count || (this.#wide[low * WIDE + 1] as number) > offset) return null;
    return (this.#first + low) as LogIndex;
  }

  #slot(index: LogIndex): number {
    const slot = index - this.#first;
    assert(slot >= 0 && slot < this.#count, "the entry is in the table");
    return slot;
  }

  #grow(): void {
    const capacity = Math.max(8, this.#count * 2);
    const wide = new Float64Array(capacity * WIDE);
    wide.set(this.#wide);
    this.#wide = wide;
    const narrow = new Uint32Array(capacity * NARROW);
    narrow.set(this.#narrow);
    this.#narrow = narrow;
  }
}
