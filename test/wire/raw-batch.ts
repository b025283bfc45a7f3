// Record batches whose every field may lie, for tests of what brokers accept. Unlike the encoder of the brokers this one
// has no opinion: what a case asks for is what is written. The sum is right unless the case is about sums.
import { BATCH_HEADER_BYTES, sealCrc } from "../../internal/model/record-batch.ts";
import { compress } from "../../internal/bytes/compress.ts";

export interface RawHeader {
  readonly key: string | null;
  readonly value: string | null;
  readonly keyLength?: number;
  readonly valueLength?: number;
}

export interface RawRecord {
  readonly attributes?: number;
  readonly timestampDelta?: number | bigint;
  /** Its place in the list when left out. */
  readonly offsetDelta?: number;
  readonly key?: string | null;
  readonly value?: string | null;
  readonly headers?: readonly RawHeader[];
  /** What the length fields say, when it is not the truth. */
  readonly length?: number;
  readonly keyLength?: number;
  readonly valueLength?: number;
  readonly headerCount?: number;
  /** Bytes behind the last header that the length counts. */
  readonly tail?: readonly number[];
  /** The record's body, instead of all fields above. */
  readonly body?: readonly number[];
}

export type Codec = 0 | 1 | 2 | 3 | 4;

export interface RawBatch {
  readonly codec?: Codec;
  readonly baseOffset?: bigint;
  /** Bytes more than there are. */
  readonly lengthMore?: number;
  readonly leaderEpoch?: number;
  readonly magic?: number;
  readonly attributes?: number;
  readonly lastOffsetDelta?: number;
  readonly baseTimestamp?: number | bigint;
  readonly maxTimestamp?: number | bigint;
  readonly producerId?: bigint;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly count?: number;
  /** Bytes behind the last record, compressed with it. */
  readonly tail?: readonly number[];
  /** What becomes of the records instead of what the codec says. */
  readonly pack?: (plain: Uint8Array) => Uint8Array;
  readonly breaksSum?: boolean;
}

const encoder = new TextEncoder();

/** A signed number of up to 64 bits, zig-zag encoded. */
export function zigZag(value: number | bigint): number[] {
  const big = BigInt(value);
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, (big << 1n) ^ (big >> 63n));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return bytes;
}

function blob(text: string | null | undefined, length: number | undefined): number[] {
  const bytes = text === null || text === undefined ? [] : [...encoder.encode(text)];
  const natural = text === null || text === undefined ? -1 : bytes.length;
  return [...zigZag(length ?? natural), ...bytes];
}

function recordBytes(record: RawRecord, place: number): number[] {
  const headers = record.headers ?? [];
  const body = record.body ?? [
    record.attributes ?? 0,
    ...zigZag(record.timestampDelta ?? 0),
    ...zigZag(record.offsetDelta ?? place),
    ...blob(record.key, record.keyLength),
    ...blob(record.value === undefined ? "v" : record.value, record.valueLength),
    ...zigZag(record.headerCount ?? headers.length),
    ...headers.flatMap((of) => [...blob(of.key, of.keyLength), ...blob(of.value, of.valueLength)]),
    ...(record.tail ?? []),
  ];
  return [...zigZag(record.length ?? body.length), ...body];
}

/** The records as they are before they are compressed. */
export function plainRecords(
  records: readonly RawRecord[],
  tail: readonly number[] = [],
): Uint8Array {
  return Uint8Array.from([...records.flatMap(recordBytes), ...tail]);
}

export function rawBatch(records: readonly RawRecord[], batch: RawBatch = {}): Uint8Array {
  const plain = plainRecords(records, batch.tail);
  const codec = batch.codec ?? 0;
  const natural = (bytes: Uint8Array): Uint8Array => (codec === 0 ? bytes : compress(codec, bytes));
  const payload = (batch.pack ?? natural)(plain);
  const bytes = new Uint8Array(BATCH_HEADER_BYTES + payload.length);
  bytes.set(payload, BATCH_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  const count = batch.count ?? records.length;
  view.setBigInt64(0, batch.baseOffset ?? 0n);
  view.setInt32(8, bytes.length - 12);
  view.setInt32(12, batch.leaderEpoch ?? -1);
  view.setInt8(16, batch.magic ?? 2);
  view.setInt16(21, (batch.attributes ?? 0) | codec);
  view.setInt32(23, batch.lastOffsetDelta ?? count - 1);
  view.setBigInt64(27, BigInt(batch.baseTimestamp ?? -1));
  view.setBigInt64(35, BigInt(batch.maxTimestamp ?? batch.baseTimestamp ?? -1));
  view.setBigInt64(43, batch.producerId ?? -1n);
  view.setInt16(51, batch.producerEpoch ?? -1);
  view.setInt32(53, batch.baseSequence ?? -1);
  view.setInt32(57, count);
  sealCrc(bytes, 0);
  if (batch.breaksSum === true) view.setInt32(17, view.getInt32(17) ^ 1);
  view.setInt32(8, bytes.length - 12 + (batch.lengthMore ?? 0));
  return bytes;
}
