// What one partition's part of a fetch answer holds for a reader: the records from its position on, without those of control
// batches and aborted transactions, and where the next fetch begins.
import type { FetchResponse } from "../../../internal/kafka/api/01-fetch.ts";
import { ErrorCode } from "../../../internal/kafka/codec/errors.ts";
import { controlTypeOf, decodeBatch, splitBatches } from "../../../internal/model/decode-batch.ts";
import type { DecodedRecord } from "../../../internal/model/decode-batch.ts";
import { MARKER_ABORT } from "../../../internal/model/encode-batch.ts";
import { RecordBatchView } from "../../../internal/model/record-batch.ts";
import type { Complete } from "../../../internal/schema/message.ts";
import { refused } from "./kafka-error.ts";

export interface FetchedRecord extends DecodedRecord {
  readonly topic: string;
  readonly partition: number;
}

export type FetchedPartition = Complete<FetchResponse>["responses"][number]["partitions"][number];

/** Records in order, and the offset behind all that was looked at. */
export interface FetchedRun {
  readonly records: readonly FetchedRecord[];
  readonly nextOffset: number;
}

interface From {
  readonly topic: string;
  readonly partition: number;
  readonly position: number;
}

/** Records of one run, apart from those of its last batch: what is sent may be a thousand times as much when it is opened. */
const RUN_RECORDS_MAX = 100_000;
/** Likewise, with what keys and values take. */
const RUN_BYTES_MAX = 64 << 20;

const NOTHING = { bytes: new Uint8Array(0), start: 0, end: 0 };

/**
 * The run of records from `position` on. It ends when it is long, and before what cannot be read, so that the next fetch
 * begins there; throws when it begins with that.
 */
export function fetchedRun(
  from: From,
  fetched: FetchedPartition,
  readCommitted: boolean,
): FetchedRun {
  const { topic, partition, position } = from;
  const aborted = new AbortedProducers(readCommitted ? (fetched.abortedTransactions ?? []) : []);
  const blob = fetched.records ?? NOTHING;
  const records: FetchedRecord[] = [];
  let nextOffset = position;
  let bytes = 0;
  for (const range of splitBatches(blob)) {
    const batch = new RecordBatchView(range.bytes, range.start);
    const isPassedOver = aborted.cover(batch) || batch.isControl;
    if (batch.nextOffset <= nextOffset) continue;
    if (records.length >= RUN_RECORDS_MAX || bytes >= RUN_BYTES_MAX) break;
    if (!isPassedOver) {
      const decoded = decodeBatch(range);
      if (!decoded.ok) {
        if (nextOffset > position) break;
        throw corrupt(from);
      }
      for (const record of decoded.value) {
        if (record.offset < nextOffset) continue;
        records.push({ ...record, topic, partition });
        bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0);
      }
    }
    nextOffset = batch.nextOffset;
  }
  return { records, nextOffset };
}

/** Whether bytes came of which nothing can be read: a batch that was cut off, as the limits of an answer allow. */
export function isCutOff(
  { position }: From,
  run: FetchedRun,
  { records }: FetchedPartition,
): boolean {
  return run.nextOffset === position && records !== null && records.end > records.start;
}

/** It may have been broken on the way, so that another try helps. */
export function corrupt({ topic, partition, position }: From): Error {
  return refused(
    ErrorCode.CORRUPT_MESSAGE,
    `offset ${position} of partition ${topic}/${partition}`,
  );
}

/** Which producers' batches belong to aborted transactions, while batches are read in order. */
class AbortedProducers {
  readonly #coming: { readonly producerId: number; readonly firstOffset: number }[];
  readonly #open = new Set<number>();

  constructor(aborted: readonly { readonly producerId: number; readonly firstOffset: number }[]) {
    this.#coming = aborted.toSorted((one, other) => one.firstOffset - other.firstOffset);
  }

  /** Of each batch in turn. A marker ends what its producer aborted: what it writes next is another transaction. */
  cover(batch: RecordBatchView): boolean {
    while (this.#coming.length > 0 && this.#coming[0]!.firstOffset <= batch.lastOffset) {
      this.#open.add(this.#coming.shift()!.producerId);
    }
    const { producerId } = batch;
    const isAborted = batch.isTransactional && this.#open.has(producerId);
    if (batch.isControl && controlTypeOf(batch) === MARKER_ABORT) this.#open.delete(producerId);
    return isAborted;
  }
}
