// What a leader checks in the header of a batch that a producer sent, in Kafka's order, and the smaller check for
// batches that come from a broker's own disk or link. A fault names the reason; the front end turns it into a code. The
// records themselves are the business of `RecordInspector`: nothing of what the header says of them is believed here.
import type { ByteRange } from "../bytes/byte-range.ts";
import type { RecordsFault } from "./inspect-records.ts";
import {
  ATTRIBUTE_CODEC,
  ATTRIBUTE_CONTROL,
  ATTRIBUTE_LOG_APPEND_TIME,
  ATTRIBUTE_TRANSACTIONAL,
  CODEC_ZSTD,
  MAGIC,
  RecordBatchView,
  batchEnd,
  hasValidCrc,
} from "./record-batch.ts";
import { BATCH_HEADER_BYTES, BATCH_LENGTH_END, LENGTH_AT, magicOf } from "./record-batch.ts";
import { readI32 } from "../bytes/integers.ts";

export interface BatchRules {
  /** `max.message.bytes` of the topic: the size of the batch as it was sent. */
  readonly batchBytesMax: number;
  /** Whether the sender's protocol version knows zstd (Produce 7 and later). */
  readonly allowsZstd: boolean;
}

export type BatchFault =
  | { readonly kind: "no-batch" }
  | { readonly kind: "unsupported-magic" }
  | { readonly kind: "several-batches" }
  | { readonly kind: "unsupported-codec" }
  | { readonly kind: "too-large"; readonly sizeBytes: number }
  | { readonly kind: "corrupt"; readonly reason: "length" | "magic" | "crc" }
  | { readonly kind: "invalid"; readonly reason: InvalidBatchReason }
  /** There are no transactions yet. */
  | { readonly kind: "transactional" }
  /** Producers say when a record was made; when it was appended is the broker's to say. */
  | { readonly kind: "log-append-time" }
  /** The records decompress to more than is accepted. */
  | { readonly kind: "bomb"; readonly bytesMax: number }
  | RecordsFault;

export type InvalidBatchReason =
  | "base-offset" // producers send 0
  | "record-count" // not positive, or not the last offset delta plus one
  | "control" // producers may not send control batches
  | "attributes" // what only a broker may set, or what means nothing yet
  | "producer"; // an id without a sequence or epoch

const NO_BATCH: BatchFault = { kind: "no-batch" };
const UNSUPPORTED_MAGIC: BatchFault = { kind: "unsupported-magic" };
const SEVERAL_BATCHES: BatchFault = { kind: "several-batches" };
const UNSUPPORTED_CODEC: BatchFault = { kind: "unsupported-codec" };
const BAD_LENGTH: BatchFault = { kind: "corrupt", reason: "length" };
const BAD_MAGIC: BatchFault = { kind: "corrupt", reason: "magic" };
const BAD_CRC: BatchFault = { kind: "corrupt", reason: "crc" };
const TRANSACTIONAL: BatchFault = { kind: "transactional" };
const LOG_APPEND_TIME: BatchFault = { kind: "log-append-time" };
/** The magic byte ends here. */
const MAGIC_END = 17;
/** What Kafka calls the least length of a message of any version: less is damage and not a batch that was cut off. */
const LENGTH_MIN = 14;
const ATTRIBUTES_JUDGED =
  ATTRIBUTE_CODEC | ATTRIBUTE_LOG_APPEND_TIME | ATTRIBUTE_TRANSACTIONAL | ATTRIBUTE_CONTROL;

const view = new RecordBatchView(new Uint8Array(BATCH_HEADER_BYTES), 0);

/** Null when the records of one partition of a Produce request are one batch whose header may be appended. */
export function validateBatch(records: ByteRange | null, rules: BatchRules): BatchFault | null {
  if (records === null || records.start === records.end) return NO_BATCH;
  const { bytes, start, end } = records;
  const frameFault = faultOfFrame(bytes, start, end);
  if (frameFault !== null) return frameFault;
  view.moveTo(bytes, start);
  const codec = view.codec;
  if (codec > CODEC_ZSTD || (codec === CODEC_ZSTD && !rules.allowsZstd)) return UNSUPPORTED_CODEC;
  if (end - start > rules.batchBytesMax) return { kind: "too-large", sizeBytes: end - start };
  if (!hasValidCrc(bytes, start)) return BAD_CRC;
  if (view.end < end) return SEVERAL_BATCHES;
  const reason = invalidReason(view);
  if (reason !== null) return { kind: "invalid", reason };
  if (view.isTransactional) return TRANSACTIONAL;
  return view.isLogAppendTime ? LOG_APPEND_TIME : null;
}

/** Is there a whole batch of magic 2? Kafka tells what was cut off (no batch) from what is damaged. */
function faultOfFrame(bytes: Uint8Array, start: number, end: number): BatchFault | null {
  if (end - start < BATCH_LENGTH_END) return NO_BATCH;
  const length = readI32(bytes, start + LENGTH_AT);
  if (length < LENGTH_MIN) return BAD_LENGTH;
  if (end - start < MAGIC_END) return NO_BATCH;
  const magic = magicOf(bytes, start);
  if (magic < 0 || magic > MAGIC) return BAD_MAGIC;
  if (magic !== MAGIC) return UNSUPPORTED_MAGIC;
  const size = length + BATCH_LENGTH_END;
  if (size > end - start) return NO_BATCH;
  return size < BATCH_HEADER_BYTES ? BAD_LENGTH : null;
}

function invalidReason(batch: RecordBatchView): InvalidBatchReason | null {
  if (batch.baseOffset !== 0) return "base-offset";
  const count = batch.recordCount;
  if (count <= 0 || count !== batch.lastOffsetDelta + 1) return "record-count";
  if (batch.isControl) return "control";
  if ((batch.attributes & ~ATTRIBUTES_JUDGED) !== 0) return "attributes";
  return hasPlausibleProducer(batch) ? null : "producer";
}

function hasPlausibleProducer(batch: RecordBatchView): boolean {
  const id = batch.producerId;
  if (id < 0) return id === -1;
  return Number.isSafeInteger(id) && batch.baseSequence >= 0 && batch.producerEpoch >= 0;
}

/** Null when a whole, undamaged batch begins at `start` and ends at or before `limit`. */
export function verifyBatch(bytes: Uint8Array, start: number, limit: number): BatchFault | null {
  if (batchEnd(bytes, start, limit) === -1) return BAD_LENGTH;
  if (magicOf(bytes, start) !== MAGIC) return UNSUPPORTED_MAGIC;
  return hasValidCrc(bytes, start) ? null : BAD_CRC;
}
