// Idempotent producers of one partition (KIP-98, KIP-360): for each producer id the epoch and the last five batches. The
// committed state plus the uncommitted tail is what a leader decides by (F8); truncation takes the tail back.
import type { LogIndex, Offset } from "../model/ids.ts";

/** Batches remembered of a producer: clients may have that many requests under way. */
const BATCHES_MAX = 5;
const SEQUENCE_LIMIT = 0x8000_0000;

export interface ProducerBatch {
  readonly producerId: number;
  readonly epoch: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: Offset;
  readonly index: LogIndex;
  readonly timestampMs: number;
}

/** Immutable, so that the tail's view shares what it does not change. */
interface ProducerState {
  readonly epoch: number;
  /** Oldest first. */
  readonly batches: readonly ProducerBatch[];
  readonly seenMs: number;
}

export type SequenceVerdict =
  | { readonly verdict: "accept" }
  /** The batch is in the log already: answer with the original, when the original commits. */
  | { readonly verdict: "duplicate"; readonly original: ProducerBatch }
  | { readonly verdict: "out-of-order"; readonly expected: number }
  | { readonly verdict: "old-epoch" };

const ACCEPT: SequenceVerdict = { verdict: "accept" };
const OLD_EPOCH: SequenceVerdict = { verdict: "old-epoch" };

export class ProducerTable {
  readonly #committed = new Map<number, ProducerState>();
  /** Appended and not committed, in log order. */
  readonly #tail: ProducerBatch[] = [];
  /** What the tail makes of the committed state, for the producers in it. */
  readonly #ahead = new Map<number, ProducerState>();

  /** Judges a batch by kafka's rules: duplicate, old epoch, new epoch from 0, or exactly the next sequence. */
  judge(producerId: number, epoch: number, first: number, last: number): SequenceVerdict {
    const state = this.#ahead.get(producerId) ?? this.#committed.get(producerId);
    // A producer that is new here, or was forgotten, may begin anywhere.
    if (state === undefined) return ACCEPT;
    if (epoch < state.epoch) return OLD_EPOCH;
    if (epoch > state.epoch) {
      return first === 0 ? ACCEPT : { verdict: "out-of-order", expected: 0 };
    }
    for (const original of state.batches) {
      if (original.firstSequence === first && original.lastSequence === last) {
        return { verdict: "duplicate", original };
      }
    }
    const newest = state.batches.at(-1);
    const expected = newest === undefined ? 0 : (newest.lastSequence + 1) % SEQUENCE_LIMIT;
    return first === expected ? ACCEPT : { verdict: "out-of-order", expected };
  }

  appended(batch: ProducerBatch): void {
    this.#tail.push(batch);
    const { producerId } = batch;
    const before = this.#ahead.get(producerId) ?? this.#committed.get(producerId);
    this.#ahead.set(producerId, after(before, batch));
  }

  committed(index: LogIndex): void {
    let count = 0;
    for (const batch of this.#tail) {
      if (batch.index > index) break;
      count++;
      this.#committed.set(batch.producerId, after(this.#committed.get(batch.producerId), batch));
    }
    if (count === 0) return;
    this.#tail.splice(0, count);
    if (this.#tail.length === 0) this.#ahead.clear();
  }

  /** A batch that was missed when its turn came, because its bytes were damaged (D1): it takes its place now. */
  repaired(batch: ProducerBatch, isCommitted: boolean): void {
    const { producerId } = batch;
    if (isCommitted) {
      const before = this.#committed.get(producerId);
      this.#committed.set(
        producerId,
        before === undefined ? after(before, batch) : among(before, batch),
      );
    } else {
      this.#tail.push(batch);
      this.#tail.sort((a, b) => a.index - b.index);
    }
    this.#lookAhead();
  }

  truncated(from: LogIndex): void {
    while ((this.#tail.at(-1)?.index ?? 0) >= from) this.#tail.pop();
    this.#lookAhead();
  }

  #lookAhead(): void {
    this.#ahead.clear();
    for (const batch of this.#tail) {
      const { producerId } = batch;
      const before = this.#ahead.get(producerId) ?? this.#committed.get(producerId);
      this.#ahead.set(producerId, after(before, batch));
    }
  }

  /** Forgets the tail's producers, as a broken leader would. For tests alone. */
  forgetTail(): void {
    this.#ahead.clear();
  }

  /** Producers not heard of since `sinceMs` are forgotten; those with batches in the tail stay. */
  expire(sinceMs: number): void {
    for (const [producerId, state] of this.#committed) {
      if (state.seenMs < sinceMs && !this.#ahead.has(producerId))
        this.#committed.delete(producerId);
    }
  }

  /** When each producer that may be forgotten was last heard of. */
  *seenTimes(): IterableIterator<number> {
    for (const state of this.#committed.values()) yield state.seenMs;
  }

  get size(): number {
    return this.#committed.size;
  }

  /** What is committed. Whoever iterates may pause: producers that come or go meanwhile may be seen or not. */
  *entries(): IterableIterator<{
    producerId: number;
    epoch: number;
    lastSequence: number;
    seenMs: number;
  }> {
    for (const [producerId, { epoch, batches, seenMs }] of this.#committed) {
      yield { producerId, epoch, lastSequence: batches.at(-1)?.lastSequence ?? -1, seenMs };
    }
  }
}

/** The state as it would be if the batch had come in its turn. */
function among(before: ProducerState, batch: ProducerBatch): ProducerState {
  if (batch.epoch < before.epoch) return before;
  const known = batch.epoch > before.epoch ? [] : before.batches;
  const batches = [...known, batch].toSorted((a, b) => a.index - b.index).slice(-BATCHES_MAX);
  return { epoch: batch.epoch, batches, seenMs: Math.max(before.seenMs, batch.timestampMs) };
}

function after(before: ProducerState | undefined, batch: ProducerBatch): ProducerState {
  const isSameEpoch = before !== undefined && before.epoch === batch.epoch;
  const batches = isSameEpoch ? [...before.batches.slice(1 - BATCHES_MAX), batch] : [batch];
  return { epoch: batch.epoch, batches, seenMs: batch.timestampMs };
}
