// Kafka's record batch of magic 2, the only form in which records are stored, replicated and served. A batch
// is looked at in place: (bytes, start) is its address, and nothing here copies or decodes its records.
//
//  off size field                off size field                      off size field
//    0    8 base offset           17    4 CRC-32C of byte 21 on       43    8 producer id
//    8    4 length from here on   21    2 attributes                  51    2 producer epoch
//   12    4 leader epoch          23    4 last offset delta           53    4 base sequence
//   16    1 magic                 27    8 base timestamp              57    4 record count
//                                 35    8 max timestamp               61      records
import { crc32c } from "../bytes/crc32c.ts";
import { readI16, readI32, readI64, readU32 } from "../bytes/integers.ts";
import { writeI16, writeI32, writeI64 } from "../bytes/integers.ts";
import type { Offset, Term } from "./ids.ts";

/** Bytes of a batch's header; the records follow. */
export const BATCH_HEADER_BYTES = 61;
/** The part of the header that the length field does not count. */
export const BATCH_LENGTH_END = 12;
export const MAGIC = 2;

export const CODEC_NONE = 0;
export const CODEC_ZSTD = 4;

export const ATTRIBUTE_CODEC = 0x07;
export const ATTRIBUTE_LOG_APPEND_TIME = 0x08;
export const ATTRIBUTE_TRANSACTIONAL = 0x10;
export const ATTRIBUTE_CONTROL = 0x20;
export const ATTRIBUTE_DELETE_HORIZON = 0x40;

/** Where the fields of a header lie. */
export const LENGTH_AT = 8;
export const LEADER_EPOCH_AT = 12;
export const MAGIC_AT = 16;
export const CRC_AT = 17;
export const ATTRIBUTES_AT = 21;
export const LAST_OFFSET_DELTA_AT = 23;
export const BASE_TIMESTAMP_AT = 27;
export const MAX_TIMESTAMP_AT = 35;
export const PRODUCER_ID_AT = 43;
export const PRODUCER_EPOCH_AT = 51;
export const BASE_SEQUENCE_AT = 53;
export const RECORD_COUNT_AT = 57;
/** The first byte that the CRC covers. */
export const CRC_COVERS_FROM = 21;
const TWO_31 = 0x8000_0000;

/** A batch's header, readable by name. Reusable: `moveTo` points it at another batch. Borrows the bytes. */
export class RecordBatchView {
  bytes: Uint8Array;
  start: number;

  /** The caller knows that at least a header's bytes follow `start`. */
  constructor(bytes: Uint8Array, start: number) {
    this.bytes = bytes;
    this.start = start;
  }

  moveTo(bytes: Uint8Array, start: number): this {
    this.bytes = bytes;
    this.start = start;
    return this;
  }

  get baseOffset(): Offset {
    return readI64(this.bytes, this.start) as Offset;
  }

  /** All bytes of the batch, header included. */
  get sizeBytes(): number {
    return batchBytes(this.bytes, this.start);
  }

  /** The first byte behind the batch. */
  get end(): number {
    return this.start + this.sizeBytes;
  }

  get leaderEpoch(): Term {
    return readI32(this.bytes, this.start + LEADER_EPOCH_AT) as Term;
  }

  get magic(): number {
    return magicOf(this.bytes, this.start);
  }

  get crc(): number {
    return readU32(this.bytes, this.start + CRC_AT);
  }

  get attributes(): number {
    return readI16(this.bytes, this.start + ATTRIBUTES_AT);
  }

  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd; 5 to 7 mean nothing. */
  get codec(): number {
    return this.attributes & ATTRIBUTE_CODEC;
  }

  get isLogAppendTime(): boolean {
    return (this.attributes & ATTRIBUTE_LOG_APPEND_TIME) !== 0;
  }

  get isTransactional(): boolean {
    return (this.attributes & ATTRIBUTE_TRANSACTIONAL) !== 0;
  }

  get isControl(): boolean {
    return (this.attributes & ATTRIBUTE_CONTROL) !== 0;
  }

  /** Whether the base timestamp holds the time from which on tombstones may go. */
  get hasDeleteHorizon(): boolean {
    return (this.attributes & ATTRIBUTE_DELETE_HORIZON) !== 0;
  }

  get lastOffsetDelta(): number {
    return readI32(this.bytes, this.start + LAST_OFFSET_DELTA_AT);
  }

  get lastOffset(): Offset {
    return (this.baseOffset + this.lastOffsetDelta) as Offset;
  }

  /** The offset that follows the batch. */
  get nextOffset(): Offset {
    return (this.baseOffset + this.lastOffsetDelta + 1) as Offset;
  }

  get baseTimestampMs(): number {
    return readI64(this.bytes, this.start + BASE_TIMESTAMP_AT);
  }

  get maxTimestampMs(): number {
    return readI64(this.bytes, this.start + MAX_TIMESTAMP_AT);
  }

  /** -1 when the producer is not idempotent. */
  get producerId(): number {
    return readI64(this.bytes, this.start + PRODUCER_ID_AT);
  }

  get producerEpoch(): number {
    return readI16(this.bytes, this.start + PRODUCER_EPOCH_AT);
  }

  get baseSequence(): number {
    return readI32(this.bytes, this.start + BASE_SEQUENCE_AT);
  }

  /** Sequences wrap from 2^31 - 1 to 0. */
  get lastSequence(): number {
    return (this.baseSequence + this.lastOffsetDelta) % TWO_31;
  }

  get recordCount(): number {
    return readI32(this.bytes, this.start + RECORD_COUNT_AT);
  }

  /** The first byte of the records, which are one compressed blob unless the codec is 0. */
  get recordsStart(): number {
    return this.start + BATCH_HEADER_BYTES;
  }
}

/** What the length field says; the caller compares it with what is there. */
function batchBytes(bytes: Uint8Array, start: number): number {
  return readI32(bytes, start + LENGTH_AT) + BATCH_LENGTH_END;
}

/** The magic byte has the same place in all versions of the format. */
export function magicOf(bytes: Uint8Array, start: number): number {
  return (bytes[start + MAGIC_AT]! << 24) >> 24;
}

/** Where the batch at `start` ends; -1 when no whole batch fits before `limit`. Says nothing about its CRC. */
export function batchEnd(bytes: Uint8Array, start: number, limit: number): number {
  if (limit - start < BATCH_HEADER_BYTES) return -1;
  const size = batchBytes(bytes, start);
  return size < BATCH_HEADER_BYTES || size > limit - start ? -1 : start + size;
}

/** Whether the stored checksum is that of bytes 21 to the end. The batch lies within its buffer. */
export function hasValidCrc(bytes: Uint8Array, start: number): boolean {
  return readU32(bytes, start + CRC_AT) === coveredCrc(bytes, start);
}

function coveredCrc(bytes: Uint8Array, start: number): number {
  return crc32c(bytes, start + CRC_COVERS_FROM, start + batchBytes(bytes, start));
}

/** Not covered by the CRC: the leader assigns it. */
export function setBaseOffset(bytes: Uint8Array, start: number, offset: Offset): void {
  writeI64(bytes, start, offset);
}

/** Not covered by the CRC: the leader writes the term in which it proposes the batch. */
export function setLeaderEpoch(bytes: Uint8Array, start: number, epoch: Term): void {
  writeI32(bytes, start + LEADER_EPOCH_AT, epoch);
}

/**
 * Stamps the batch with the time of its append, for topics with LogAppendTime, and renews the CRC. The
 * records stay as they are, compressed or not: readers take the maximum timestamp for each of them.
 */
export function setLogAppendTime(bytes: Uint8Array, start: number, appendTimeMs: number): void {
  const attributes = readI16(bytes, start + ATTRIBUTES_AT) | ATTRIBUTE_LOG_APPEND_TIME;
  writeI16(bytes, start + ATTRIBUTES_AT, attributes);
  writeI64(bytes, start + MAX_TIMESTAMP_AT, appendTimeMs);
  sealCrc(bytes, start);
}

/** Takes the stamp away again, as if the batch had just come. The client's own latest time is forgotten. */
export function clearLogAppendTime(bytes: Uint8Array, start: number): void {
  const attributes = readI16(bytes, start + ATTRIBUTES_AT) & ~ATTRIBUTE_LOG_APPEND_TIME;
  writeI16(bytes, start + ATTRIBUTES_AT, attributes);
  sealCrc(bytes, start);
}

/** Puts right what the header says of its records' latest time, and renews the CRC. */
export function setMaxTimestamp(bytes: Uint8Array, start: number, maxTimestampMs: number): void {
  writeI64(bytes, start + MAX_TIMESTAMP_AT, maxTimestampMs);
  sealCrc(bytes, start);
}

/** Computes and stores the CRC of a batch whose other fields are final. */
export function sealCrc(bytes: Uint8Array, start: number): void {
  writeI32(bytes, start + CRC_AT, coveredCrc(bytes, start));
}

/** A checksum of the first 21 bytes, which Kafka's CRC leaves out. // P6 */
export function uncoveredSum(bytes: Uint8Array, start: number): number {
  return crc32c(bytes, start, start + CRC_COVERS_FROM);
}

/** The header fields of a batch under construction. */
export interface BatchHeader {
  readonly baseOffset: number;
  readonly leaderEpoch: number;
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;
}

/** Writes the header of a batch of `sizeBytes` at `start`, whose records are already there, and seals it. */
export function writeBatchHeader(
  bytes: Uint8Array,
  start: number,
  sizeBytes: number,
  header: BatchHeader,
): void {
  writeI64(bytes, start, header.baseOffset);
  writeI32(bytes, start + LENGTH_AT, sizeBytes - BATCH_LENGTH_END);
  writeI32(bytes, start + LEADER_EPOCH_AT, header.leaderEpoch);
  bytes[start + MAGIC_AT] = MAGIC;
  writeI16(bytes, start + ATTRIBUTES_AT, header.attributes);
  writeI32(bytes, start + LAST_OFFSET_DELTA_AT, header.lastOffsetDelta);
  writeI64(bytes, start + BASE_TIMESTAMP_AT, header.baseTimestampMs);
  writeI64(bytes, start + MAX_TIMESTAMP_AT, header.maxTimestampMs);
  writeI64(bytes, start + PRODUCER_ID_AT, header.producerId);
  writeI16(bytes, start + PRODUCER_EPOCH_AT, header.producerEpoch);
  writeI32(bytes, start + BASE_SEQUENCE_AT, header.baseSequence);
  writeI32(bytes, start + RECORD_COUNT_AT, header.recordCount);
  sealCrc(bytes, start);
}
