// What a leader checks before it appends a batch that a producer sent, in Kafka's order, and the smaller
// check for batches that come from a broker's own disk or link. A fault names the reason; the front end
// turns it into a code. Record contents are not opened here: see `keylessRecords`.
import type { ByteRange } from "../bytes/byte-range.ts";
import {
  CODEC_NONE,
  CODEC_ZSTD,
  MAGIC,
  RecordBatchView,
  batchEnd,
  hasValidCrc,
} from "./record-batch.ts";
import { BATCH_HEADER_BYTES, magicOf } from "./record-batch.ts";

export interface BatchRules {
  /** `max.message.bytes` of the topic: the size of the batch as it was sent. */
  readonly batchBytesMax: number;
  /** Whether the sender's protocol version knows zstd (Produce 7 and later). */
  readonly allowsZstd: boolean;
  /** The bounds for create times; infinite bounds switch the check off, as LogAppendTime topics do. */
  readonly timestampMsMin: number;
  readonly timestampMsMax: number;
}

export type BatchFault =
  | { readonly kind: "no-batch" }
  | { readonly kind: "unsupported-magic" }
  | { readonly kind: "several-batches" }
  | { readonly kind: "unsupported-codec" }
  | { readonly kind: "too-large"; readonly sizeBytes: number }
  | { readonly kind: "corrupt"; readonly reason: "length" | "crc" }
  | { readonly kind: "invalid"; readonly reason: InvalidBatchReason }
  | { readonly kind: "invalid-timestamp"; readonly timestampMs: number }
  /** The topic is compacted, and these records (the first of them, by their place) have no key. */
  | { readonly kind: "keyless"; readonly records: readonly number[] }
  /** The records cannot be decompressed or read, although the sum holds: whoever sent them wrote them so. */
  | { readonly kind: "unreadable" }
  /** The records decompress to more than is accepted. */
  | { readonly kind: "bomb"; readonly bytesMax: number };

export type InvalidBatchReason =
  | "base-offset" // producers send 0
  | "record-count" // not positive, not the last offset delta plus one, or more than fit in the payload
  | "control" // producers may not send control batches
  | "producer"; // an id without a sequence or epoch, or a transaction without an id

const NO_BATCH: BatchFault = { kind: "no-batch" };
const UNSUPPORTED_MAGIC: BatchFault = { kind: "unsupported-magic" };
const SEVERAL_BATCHES: BatchFault = { kind: "several-batches" };
const UNSUPPORTED_CODEC: BatchFault = { kind: "unsupported-codec" };
const BAD_LENGTH: BatchFault = { kind: "corrupt", reason: "length" };
const BAD_CRC: BatchFault = { kind: "corrupt", reason: "crc" };
/** The magic byte ends here: with fewer bytes there is nothing to judge. */
const MAGIC_END = 17;
const NO_TIMESTAMP = -1;
/** A length, attributes, two deltas, no key, no value, no headers. */
const RECORD_BYTES_MIN = 7;
/** Compressed records are not opened, but nobody's are as dense as this. */
const RECORDS_PER_COMPRESSED_BYTE_MAX = 150;
const COMPRESSED_RECORDS_FREE = 1 << 20;

const view = new RecordBatchView(new Uint8Array(BATCH_HEADER_BYTES), 0);

/** Null when the records of one partition of a Produce request are one batch that may be appended. */
export function validateBatch(records: ByteRange | null, rules: BatchRules): BatchFault | null {
  if (records === null || records.start === records.end) return NO_BATCH;
  const { bytes, start, end } = records;
  if (end - start < MAGIC_END) return BAD_LENGTH;
  if (magicOf(bytes, start) !== MAGIC) return UNSUPPORTED_MAGIC;
  const batch = batchEnd(bytes, start, end);
  if (batch !== -1 && batch < end) return SEVERAL_BATCHES;
  if (end - start < BATCH_HEADER_BYTES) return BAD_LENGTH;
  view.moveTo(bytes, start);
  const codec = view.codec;
  if (codec > CODEC_ZSTD || (codec === CODEC_ZSTD && !rules.allowsZstd)) return UNSUPPORTED_CODEC;
  if (end - start > rules.batchBytesMax) return { kind: "too-large", sizeBytes: end - start };
  if (batch === -1) return BAD_LENGTH;
  if (!hasValidCrc(bytes, start)) return BAD_CRC;
  const reason = invalidReason(view);
  if (reason !== null) return { kind: "invalid", reason };
  return timestampFault(view, rules);
}

function invalidReason(batch: RecordBatchView): InvalidBatchReason | null {
  if (batch.baseOffset !== 0) return "base-offset";
  const count = batch.recordCount;
  if (count <= 0 || count !== batch.lastOffsetDelta + 1 || count > recordsMax(batch)) {
    return "record-count";
  }
  if (batch.isControl) return "control";
  return hasPlausibleProducer(batch) ? null : "producer";
}

/**
 * How many records the payload may be said to hold. Offsets are given out by that number: a batch that claims billions
 * would take a partition to the end of its offsets in minutes.
 */
function recordsMax({ codec, end, recordsStart }: RecordBatchView): number {
  const payloadBytes = end - recordsStart;
  if (codec === CODEC_NONE) return Math.floor(payloadBytes / RECORD_BYTES_MIN);
  return Math.max(COMPRESSED_RECORDS_FREE, payloadBytes * RECORDS_PER_COMPRESSED_BYTE_MAX);
}

function hasPlausibleProducer(batch: RecordBatchView): boolean {
  const id = batch.producerId;
  if (id < 0) return id === -1 && !batch.isTransactional;
  return Number.isSafeInteger(id) && batch.baseSequence >= 0 && batch.producerEpoch >= 0;
}

function timestampFault(batch: RecordBatchView, rules: BatchRules): BatchFault | null {
  const base = batch.baseTimestampMs;
  const max = batch.maxTimestampMs;
  if (batch.isLogAppendTime) return { kind: "invalid-timestamp", timestampMs: max };
  if (!isPlausible(base) || (base !== NO_TIMESTAMP && base < rules.timestampMsMin)) {
    return { kind: "invalid-timestamp", timestampMs: base };
  }
  if (!isPlausible(max) || (max !== NO_TIMESTAMP && max > rules.timestampMsMax)) {
    return { kind: "invalid-timestamp", timestampMs: max };
  }
  return null;
}

function isPlausible(timestampMs: number): boolean {
  return timestampMs >= NO_TIMESTAMP && Number.isSafeInteger(timestampMs);
}

/** Null when a whole, undamaged batch begins at `start` and ends at or before `limit`. */
export function verifyBatch(bytes: Uint8Array, start: number, limit: number): BatchFault | null {
  if (batchEnd(bytes, start, limit) === -1) return BAD_LENGTH;
  if (magicOf(bytes, start) !== MAGIC) return UNSUPPORTED_MAGIC;
  return hasValidCrc(bytes, start) ? null : BAD_CRC;
}
