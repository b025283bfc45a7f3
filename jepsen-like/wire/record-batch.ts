// Kafka's record batches (magic 2), written and taken apart. Reading is strict: a batch whose checksum, lengths or counts
// do not agree is reported and not guessed at, because finding one is what this program is for.
import { gunzipSync, gzipSync } from "node:zlib";
import { ByteReader, ByteWriter, MalformedAnswer } from "./bytes.ts";
import { crc32c } from "./crc32c.ts";

const BATCH_HEADER_BYTES = 61;
const CRC_POSITION = 17;
const CRC_STARTS = 21;

/** Who wrote a batch, for the broker's duplicate detection; -1 everywhere for a plain producer. */
export interface BatchProducer {
  readonly id: number;
  readonly epoch: number;
  readonly baseSequence: number;
}

export const NO_PRODUCER: BatchProducer = { id: -1, epoch: -1, baseSequence: -1 };

export interface BatchHeader {
  readonly baseOffset: number;
  /** The whole batch, with the twelve bytes before its length counts. */
  readonly bytes: number;
  readonly leaderEpoch: number;
  readonly crc: number;
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;
}

export const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
export type Codec = (typeof CODECS)[number];

export function codecOf(header: BatchHeader): Codec | null {
  return CODECS[header.attributes & 7] ?? null;
}

/** One batch of records that have only a value. */
export function encodeBatch(
  values: readonly Uint8Array[],
  timestampMs: number,
  producer: BatchProducer,
  codec: "none" | "gzip" = "none",
): Buffer {
  const records = new ByteWriter(values.length * 128 + 64);
  const record = new ByteWriter(256);
  values.forEach((value, k) => {
    const start = record.length;
    record.int8(0).varint(0).varint(k).varint(-1).varint(value.length).raw(value).varint(0);
    const body = record.view.subarray(start);
    records.varint(body.length).raw(body);
  });
  const packed = codec === "gzip" ? gzipSync(records.view) : records.view;
  const batch = new ByteWriter(BATCH_HEADER_BYTES + packed.length);
  batch.int64(0);
  batch.int32(BATCH_HEADER_BYTES + packed.length - 12);
  batch.int32(-1).int8(2).uint32(0);
  batch.int16(codec === "gzip" ? 1 : 0);
  batch.int32(values.length - 1);
  batch.int64(timestampMs).int64(timestampMs);
  batch.int64(producer.id).int16(producer.epoch).int32(producer.baseSequence);
  batch.int32(values.length).raw(packed);
  batch.patchUint32(CRC_POSITION, crc32c(batch.view, CRC_STARTS));
  return batch.view;
}

/**
 * The complete batches at the front of what a fetch returned; a broker may cut the last one off. Checks each checksum.
 * @throws MalformedAnswer when bytes cannot be what a broker stored.
 */
export function* readBatches(fetched: Buffer): Generator<[header: BatchHeader, whole: Buffer]> {
  let at = 0;
  while (fetched.length - at >= BATCH_HEADER_BYTES) {
    const bytes = fetched.readInt32BE(at + 8) + 12;
    if (bytes < BATCH_HEADER_BYTES) throw new MalformedAnswer("holds a batch without a header");
    if (at + bytes > fetched.length) return;
    const whole = fetched.subarray(at, at + bytes);
    yield [readHeader(whole), whole];
    at += bytes;
  }
}

function readHeader(whole: Buffer): BatchHeader {
  const reader = new ByteReader(whole);
  const baseOffset = reader.int64();
  const bytes = reader.int32() + 12;
  const leaderEpoch = reader.int32();
  const magic = reader.int8();
  const crc = reader.uint32();
  if (magic !== 2) throw new MalformedAnswer(`holds a batch of format ${magic}`);
  if (crc32c(whole, CRC_STARTS) !== crc) {
    throw new MalformedAnswer(`holds a batch at ${baseOffset} whose checksum is wrong`);
  }
  const attributes = reader.int16();
  const lastOffsetDelta = reader.int32();
  reader.raw(16);
  const producerId = reader.int64();
  const producerEpoch = reader.int16();
  const baseSequence = reader.int32();
  const recordCount = reader.int32();
  return {
    baseOffset,
    bytes,
    leaderEpoch,
    crc,
    attributes,
    lastOffsetDelta,
    producerId,
    producerEpoch,
    baseSequence,
    recordCount,
  };
}

/** The values of a batch that is not compressed or compressed with gzip, with their offsets. */
export function readValues(
  header: BatchHeader,
  whole: Buffer,
): { readonly offset: number; readonly value: Buffer | null }[] {
  const codec = codecOf(header);
  const packed = whole.subarray(BATCH_HEADER_BYTES);
  if (codec !== "none" && codec !== "gzip") {
    throw new MalformedAnswer(`holds a batch compressed with ${codec ?? "an unknown codec"}`);
  }
  const reader = new ByteReader(codec === "gzip" ? gunzipSync(packed) : packed);
  const values: { offset: number; value: Buffer | null }[] = [];
  for (let k = 0; k < header.recordCount; k++) {
    const length = reader.varint();
    const end = reader.at + length;
    reader.int8();
    reader.varlong();
    const offset = header.baseOffset + reader.varint();
    takeNullable(reader);
    const value = takeNullable(reader);
    for (let headers = reader.varint(); headers > 0; headers--) {
      takeNullable(reader);
      takeNullable(reader);
    }
    if (reader.at !== end) throw new MalformedAnswer(`holds a record at ${offset} of wrong length`);
    values.push({ offset, value });
  }
  if (reader.remaining !== 0) throw new MalformedAnswer("holds more bytes than records");
  return values;
}

function takeNullable(reader: ByteReader): Buffer | null {
  const length = reader.varint();
  return length < 0 ? null : reader.raw(length);
}
