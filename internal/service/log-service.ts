// Use cases on records, protocol-neutral: append, fetch, offsets. Callbacks, not promises, where a call happens per batch.
import type { Result } from "../base/result.ts";
import type { ByteRange } from "../bytes/byte-range.ts";
import type { Offset, Term, TopicId } from "../model/ids.ts";
import type { AppendFault, DeleteRecordsFault, ReadFault } from "./faults.ts";
import type { Asker } from "./search-lane.ts";

/** A topic by name, or by id when `name` is null. */
export interface PartitionAddress {
  readonly name: string | null;
  readonly topicId: TopicId | null;
  readonly partition: number;
}

export interface AppendRequest extends PartitionAddress {
  /** One record batch as the client sent it. Lent until `append` returns; base offset and epoch are patched in place. */
  readonly batch: ByteRange | null;
  /** -1: committed (and on `min.insync.replicas`). 1: P4. 0: nobody waits; the outcome still tells of a refusal. */
  readonly acks: number;
  readonly timeoutMs: number;
  /** Whether the client's protocol version knows zstd. */
  readonly allowsZstd: boolean;
  /** The connection that it came by, for what is shared out between clients. */
  readonly client?: object;
  /** Refuse unless the log ends exactly here (conditional append). */
  readonly expectedEnd?: Offset;
}

export interface Appended {
  readonly baseOffset: Offset;
  /** The broker's time for LogAppendTime topics, else -1. */
  readonly appendTimeMs: number;
  readonly logStart: Offset;
}

export interface FetchPartition extends PartitionAddress {
  readonly fetchOffset: Offset;
  /** -1: the client does not know. */
  readonly leaderEpoch: number;
  /** -1: the client does not know (divergence is not checked then). */
  readonly lastFetchedEpoch: number;
  readonly bytesMax: number;
}

export interface FetchRequest {
  readonly partitions: readonly FetchPartition[];
  readonly waitMsMax: number;
  readonly bytesMin: number;
  readonly bytesMax: number;
  readonly readCommitted: boolean;
  /** Whether the client's protocol version lets a follower answer (Fetch 11 and later; P8). */
  readonly allowsFollower: boolean;
}

export interface FetchedPartition {
  readonly fault: ReadFault | null;
  /** -1 when unknown. */
  readonly highWatermark: Offset;
  readonly lastStableOffset: Offset;
  readonly logStart: Offset;
  /** The client's log diverges: the end of the largest epoch not above its own. */
  readonly diverging: { readonly epoch: number; readonly endOffset: Offset } | null;
  /** Whole batches, as slices lent until `release`. */
  readonly slices: readonly Uint8Array[];
  readonly bytes: number;
}

export interface Fetched {
  /** In the order of the request. */
  readonly partitions: readonly FetchedPartition[];
  /** To be called exactly once, when the bytes were handed to the system or are not wanted. */
  release(): void;
}

export interface OffsetAnswer {
  /** -1 when no record answers. */
  readonly offset: number;
  readonly timestampMs: number;
  readonly leaderEpoch: number;
}

/** Kafka's special timestamps. */
export const LATEST = -1;
export const EARLIEST = -2;
export const MAX_TIMESTAMP = -3;
export const EARLIEST_LOCAL = -4;
export const LATEST_TIERED = -5;

export interface LogService {
  /**
   * Appends one batch. `done` runs exactly once, possibly inside this call for refusals, else when the batch is
   * committed, refused or too late. "busy": nothing happened, memory is short; try again after `whenRoom`.
   */
  append(
    request: AppendRequest,
    done: (outcome: Result<Appended, AppendFault>) => void,
  ): "taken" | "busy";
  /** Runs once, when appends that were "busy" may succeed. */
  whenRoom(callback: () => void): void;
  /**
   * Long-polls. `done` runs exactly once, possibly inside this call, unless cancelled; the returned function cancels (the
   * connection is gone).
   */
  fetch(request: FetchRequest, done: (fetched: Fetched) => void): () => void;
  offset(
    address: PartitionAddress,
    leaderEpoch: number,
    timestampMs: number,
    readCommitted: boolean,
    /** Times are not looked for any more when he is gone; nobody, if it is always to be answered. */
    asker?: Asker,
  ): Promise<Result<OffsetAnswer, ReadFault>>;
  /** The end of the largest epoch not above `epoch`; -1/-1 when none is known. */
  epochEnd(
    address: PartitionAddress,
    leaderEpoch: number,
    epoch: number,
  ): Result<{ readonly epoch: number; readonly endOffset: number }, ReadFault>;
  /**
   * Records before `offset` (null: everything that is committed) are never served again (P7). Answers with the log start
   * when that is committed. At an offset that is gone already it does nothing.
   */
  deleteRecords(
    address: PartitionAddress,
    offset: Offset | null,
    withinMs: number,
  ): Promise<Result<Offset, DeleteRecordsFault>>;
  /** Where the log of a partition led here begins and ends. */
  bounds(
    address: PartitionAddress,
  ): Result<
    { readonly logStart: Offset; readonly highWatermark: Offset; readonly leaderEpoch: Term },
    ReadFault
  >;
}
