// The shared memory between the journal lane and its thread. One command at a time: the lane fills in
// the words, then raises SEQUENCE; the thread raises DONE to the same value when the write is over.

/** Places of the 32-bit words. SEQUENCE and DONE lie on different cache lines. */
export const WORD = {
  sequence: 0,
  descriptor: 1,
  positionHigh: 2,
  positionLow: 3,
  partCount: 4,
  /** Three words per part: memory, byte offset, byte length. */
  parts: 5,
  done: 32,
} as const;

export const CHANNEL_BYTES = 256;
export const PARTS_MAX = 8;
/** A descriptor that tells the thread to end. */
export const STOP_DESCRIPTOR = -1;

/** What the thread is started with. */
export interface JournalThreadData {
  readonly channel: SharedArrayBuffer;
}

/** What the thread answers: null for a complete durable write, else a fault code. */
export type JournalAnswer = string | null;
