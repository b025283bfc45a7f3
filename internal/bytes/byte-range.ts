// A piece of someone's buffer: how record batches travel without a slice for each of them.

/** Bytes `start` (inclusive) to `end` (exclusive) of `bytes`. Lent unless the holder says otherwise. */
export interface ByteRange {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}
