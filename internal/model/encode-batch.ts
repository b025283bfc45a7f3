// Builds record batches: for the records of internal topics, the markers of transactions, compaction, the
// client and the tests. A produced batch is never rebuilt; it is stored as it was sent.
import { compress } from "../bytes/compress.ts";
import { varintBytes, varlongBytes } from "../bytes/varint.ts";
import { textBytes } from "../bytes/text.ts";
import { Writer } from "../bytes/writer.ts";
import { ATTRIBUTE_CONTROL, ATTRIBUTE_DELETE_HORIZON } from "./record-batch.ts";
import { ATTRIBUTE_LOG_APPEND_TIME } from "./record-batch.ts";
import { ATTRIBUTE_TRANSACTIONAL, BATCH_HEADER_BYTES, CODEC_NONE } from "./record-batch.ts";
import { writeBatchHeader } from "./record-batch.ts";
import type { RecordHeader } from "./record-cursor.ts";

export interface NewRecord {
  readonly key: Uint8Array | null;
  /** Null is a tombstone. */
  readonly value: Uint8Array | null;
  readonly timestampMs: number;
  readonly headers?: readonly RecordHeader[];
  /** Its place in the batch when that is not its place in the list, as after compaction. */
  readonly offsetDelta?: number;
}

export interface BatchOptions {
  readonly baseOffset?: number;
  readonly leaderEpoch?: number;
  readonly codec?: 0 | 1 | 2 | 3 | 4;
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
  readonly isLogAppendTime?: boolean;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  /** The last offset delta when records behind the last one are gone. */
  readonly lastOffsetDelta?: number;
  /** The maximum timestamp when it is not that of the records, as after compaction. */
  readonly maxTimestampMs?: number;
  /** From when on the batch's tombstones may go; it takes the place of the base timestamp. */
  readonly deleteHorizonMs?: number;
}

export const MARKER_ABORT = 0;
export const MARKER_COMMIT = 1;
const NO_TIMESTAMP = -1;
/** Batches of a few records share its blocks. */
const scratch = new Writer();

/** Without a delete horizon the first record's timestamp is the base timestamp. Compaction may leave no record. */
export function encodeBatch(records: readonly NewRecord[], options: BatchOptions = {}): Uint8Array {
  const writer = scratch;
  writer.discard();
  const baseTimestampMs = options.deleteHorizonMs ?? records[0]?.timestampMs ?? NO_TIMESTAMP;
  let maxTimestampMs = NO_TIMESTAMP;
  let lastOffsetDelta = 0;
  records.forEach((record, index) => {
    const offsetDelta = record.offsetDelta ?? index;
    writeRecord(writer, record, offsetDelta, record.timestampMs - baseTimestampMs);
    maxTimestampMs = Math.max(maxTimestampMs, record.timestampMs);
    lastOffsetDelta = offsetDelta;
  });
  const codec = options.codec ?? CODEC_NONE;
  const batch =
    codec === CODEC_NONE
      ? writer.takeJoined(BATCH_HEADER_BYTES)
      : behindHeader(compress(codec, writer.takeJoined()));
  writeBatchHeader(batch, 0, batch.length, {
    baseOffset: options.baseOffset ?? 0,
    leaderEpoch: options.leaderEpoch ?? -1,
    attributes: codec | attributesOf(options),
    lastOffsetDelta: options.lastOffsetDelta ?? lastOffsetDelta,
    baseTimestampMs,
    maxTimestampMs: options.maxTimestampMs ?? maxTimestampMs,
    producerId: options.producerId ?? -1,
    producerEpoch: options.producerEpoch ?? -1,
    baseSequence: options.baseSequence ?? -1,
    recordCount: records.length,
  });
  return batch;
}

function behindHeader(payload: Uint8Array): Uint8Array {
  const batch = new Uint8Array(BATCH_HEADER_BYTES + payload.length);
  batch.set(payload, BATCH_HEADER_BYTES);
  return batch;
}

function attributesOf(options: BatchOptions): number {
  let attributes = 0;
  if (options.isTransactional === true) attributes |= ATTRIBUTE_TRANSACTIONAL;
  if (options.isControl === true) attributes |= ATTRIBUTE_CONTROL;
  if (options.isLogAppendTime === true) attributes |= ATTRIBUTE_LOG_APPEND_TIME;
  if (options.deleteHorizonMs !== undefined) attributes |= ATTRIBUTE_DELETE_HORIZON;
  return attributes;
}

function writeRecord(
  writer: Writer,
  record: NewRecord,
  offsetDelta: number,
  timestampDelta: number,
): void {
  const headers = record.headers ?? [];
  let length = 1 + varlongBytes(timestampDelta) + varintBytes(offsetDelta);
  length += blobBytes(record.key) + blobBytes(record.value) + varintBytes(headers.length);
  for (const { key, value } of headers) {
    const keyBytes = textBytes(key);
    length += varintBytes(keyBytes) + keyBytes + blobBytes(value);
  }
  writer.varint(length);
  writer.i8(0);
  writer.varlong(timestampDelta);
  writer.varint(offsetDelta);
  writeBlob(writer, record.key);
  writeBlob(writer, record.value);
  writer.varint(headers.length);
  for (const { key, value } of headers) {
    const keyBytes = textBytes(key);
    writer.varint(keyBytes);
    writer.text(key, keyBytes);
    writeBlob(writer, value);
  }
}

function blobBytes(blob: Uint8Array | null): number {
  return blob === null ? 1 : varintBytes(blob.length) + blob.length;
}

function writeBlob(writer: Writer, blob: Uint8Array | null): void {
  if (blob === null) {
    writer.varint(-1);
    return;
  }
  writer.varint(blob.length);
  writer.copy(blob, 0, blob.length);
}

export interface MarkerOptions {
  readonly type: typeof MARKER_ABORT | typeof MARKER_COMMIT;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly timestampMs: number;
}

/** The control batch that ends a transaction on one partition: a single record, which takes one offset. */
export function encodeMarker(options: MarkerOptions): Uint8Array {
  const key = new Writer(8);
  key.i16(0);
  key.i16(options.type);
  const value = new Writer(8);
  value.i16(0);
  value.i32(options.coordinatorEpoch);
  const { producerId, producerEpoch, timestampMs } = options;
  return encodeBatch([{ key: key.takeJoined(), value: value.takeJoined(), timestampMs }], {
    isTransactional: true,
    isControl: true,
    producerId,
    producerEpoch,
  });
}
