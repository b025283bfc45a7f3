// Builds the body of a Fetch answer: results grouped by topic, records as the ranges that the log lends.
import type { ByteRange } from "../bytes/byte-range.ts";
import {
  ATTRIBUTE_CODEC,
  ATTRIBUTES_AT,
  BATCH_LENGTH_END,
  CODEC_ZSTD,
  LENGTH_AT,
} from "../model/record-batch.ts";
import type { TopicId } from "../model/ids.ts";
import type { ClusterService } from "../service/cluster-service.ts";
import type { ReadFault } from "../service/faults.ts";
import type { FetchedPartition, FetchPartition } from "../service/log-service.ts";
import type { LentRecords } from "../schema/message.ts";
import type { FetchResponse, FetchResponsePartitions } from "./api/01-fetch.ts";
import type { CallOf } from "./call.ts";
import { ErrorCode } from "./codec/errors.ts";
import { fetchCode } from "./errors-table.ts";
import { LeaderHints, NO_LEADER } from "./leader-hints.ts";
import type { CurrentLeader } from "./leader-hints.ts";

interface TopicAnswer {
  readonly topic: string;
  readonly topicId: TopicId;
  readonly partitions: FetchResponsePartitions[];
}

const LEADER_HINTS_FROM = 16;
const ZSTD_FROM = 10;
const NO_BYTES: ByteRange = { bytes: new Uint8Array(0), start: 0, end: 0 };
const NO_ABORTS: readonly never[] = [];
const ATTRIBUTES_LOW_AT = ATTRIBUTES_AT + 1;

export class FetchAnswer {
  readonly #call: CallOf<FetchResponse>;
  readonly #isCommitted: boolean;
  readonly #responses: TopicAnswer[] = [];
  #hints: LeaderHints | null = null;

  constructor(call: CallOf<FetchResponse>, isCommitted: boolean) {
    this.#call = call;
    this.#isCommitted = isCommitted;
  }

  add(asked: FetchPartition, result: FetchedPartition): void {
    const { fault, diverging } = result;
    const { version } = this.#call;
    let errorCode: ErrorCode = fault === null ? ErrorCode.NONE : fetchCode(fault, version);
    if (result.bytes > 0 && version < ZSTD_FROM && hasZstd(result.slices)) {
      errorCode = ErrorCode.UNSUPPORTED_COMPRESSION_TYPE;
    }
    if (errorCode !== ErrorCode.NONE) this.#call.refused(errorCode);
    const plain: FetchResponsePartitions = {
      partitionIndex: asked.partition,
      errorCode,
      highWatermark: result.highWatermark,
      lastStableOffset: result.lastStableOffset,
      logStartOffset: result.logStart,
      abortedTransactions: this.#isCommitted ? NO_ABORTS : null,
      preferredReadReplica: -1,
      records: errorCode === ErrorCode.NONE ? rangesOf(result.slices) : NO_BYTES,
    };
    const isPlain = fault === null && diverging === null;
    this.#topicOf(asked).partitions.push(isPlain ? plain : this.#withTags(plain, result));
  }

  /** Tags are rare, and an answer without any is encoded the short way. */
  #withTags(plain: FetchResponsePartitions, result: FetchedPartition): FetchResponsePartitions {
    const { fault, diverging } = result;
    const currentLeader = fault === null ? NO_LEADER : this.#leaderIn(fault);
    return {
      ...plain,
      currentLeader,
      ...(diverging === null ? {} : { divergingEpoch: diverging }),
    };
  }

  /** Neighbours of one topic share an entry; a session's rotation may bring a topic up again later. */
  #topicOf({ name, topicId }: FetchPartition): TopicAnswer {
    const last = this.#responses.at(-1);
    const topic = name ?? "";
    const id = topicId ?? ("" as TopicId);
    if (last !== undefined && last.topic === topic && last.topicId === id) return last;
    const entry: TopicAnswer = { topic, topicId: id, partitions: [] };
    this.#responses.push(entry);
    return entry;
  }

  #leaderIn(fault: ReadFault): CurrentLeader {
    if (this.#call.version < LEADER_HINTS_FROM) return NO_LEADER;
    if (fault.kind !== "not-leader" && fault.kind !== "fenced-epoch") return NO_LEADER;
    this.#hints ??= new LeaderHints();
    return this.#hints.point(fault.hint);
  }

  body(sessionId: number, cluster: ClusterService, listener: string): FetchResponse {
    const responses = this.#responses;
    const answer = { throttleTimeMs: 0, errorCode: ErrorCode.NONE, sessionId, responses };
    if (this.#hints === null) return answer;
    return { ...answer, nodeEndpoints: this.#hints.endpoints(cluster, listener) };
  }
}

function rangesOf(slices: readonly Uint8Array[]): LentRecords {
  const [first] = slices;
  if (first === undefined) return NO_BYTES;
  if (slices.length === 1) return { bytes: first, start: 0, end: first.length };
  return slices.map((bytes) => ({ bytes, start: 0, end: bytes.length }));
}

/** Whether any batch is compressed with zstd. Batches may be cut between two slices. */
function hasZstd(slices: readonly Uint8Array[]): boolean {
  let bytes = 0;
  for (const slice of slices) bytes += slice.length;
  for (let batch = 0; batch + ATTRIBUTES_LOW_AT < bytes;) {
    const attributes = byteAt(slices, batch + ATTRIBUTES_LOW_AT);
    if ((attributes & ATTRIBUTE_CODEC) === CODEC_ZSTD) return true;
    let length = 0;
    for (let at = 0; at < 4; at++) {
      length = length * 256 + byteAt(slices, batch + LENGTH_AT + at);
    }
    batch += BATCH_LENGTH_END + length;
  }
  return false;
}

function byteAt(slices: readonly Uint8Array[], position: number): number {
  let at = position;
  for (const slice of slices) {
    if (at < slice.length) return slice[at] as number;
    at -= slice.length;
  }
  return 0;
}
