// Record batches that are wrong inside requests that are right: the broker must judge each and answer, and the
// connection goes on. Some are legal on purpose, so that the road behind the checks is travelled too.
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import {
  ATTRIBUTES_AT,
  BASE_SEQUENCE_AT,
  BASE_TIMESTAMP_AT,
  BATCH_HEADER_BYTES,
  CRC_AT,
  LAST_OFFSET_DELTA_AT,
  LENGTH_AT,
  MAGIC_AT,
  MAX_TIMESTAMP_AT,
  PRODUCER_EPOCH_AT,
  PRODUCER_ID_AT,
  RECORD_COUNT_AT,
  sealCrc,
} from "../../internal/model/record-batch.ts";
import type { Random } from "./random.ts";

type Make = (random: Random) => Uint8Array | null;

function plain(random: Random, more: Parameters<typeof encodeBatch>[1] = {}): Uint8Array {
  const records = Array.from({ length: 1 + random.below(4) }, () => ({
    key: random.below(2) === 0 ? null : random.bytes(random.below(10)),
    value: random.bytes(random.below(60)),
    timestampMs: Date.now(),
  }));
  return encodeBatch(records, more);
}

/** A batch with some header fields overwritten; the checksum is right unless it is told to stay. */
function altered(
  random: Random,
  change: (view: DataView, batch: Uint8Array) => void,
  seals = true,
): Uint8Array {
  const batch = plain(random);
  change(new DataView(batch.buffer, batch.byteOffset, batch.length), batch);
  if (seals) sealCrc(batch, 0);
  return batch;
}

function joined(...batches: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(batches));
}

const ODD_COUNTS = [0, -1, 2, 1_000_000, 0x7fff_ffff, -0x8000_0000];
const ODD_TIMES = [-2n, -(1n << 63n), (1n << 63n) - 1n, 1n << 53n];

export const BAD_BATCHES: Readonly<Record<string, Make>> = {
  "no records": () => null,
  "empty records": () => new Uint8Array(0),
  "a few bytes": (random) => random.bytes(1 + random.below(60)),
  "garbage of a batch's size": (random) => random.bytes(61 + random.below(200)),
  "bad checksum": (random) =>
    altered(random, (view) => view.setUint32(CRC_AT, random.below(0xffff_ffff)), false),
  "a flipped bit": (random) =>
    altered(
      random,
      (_view, batch) => {
        const at = ATTRIBUTES_AT + random.below(batch.length - ATTRIBUTES_AT);
        batch[at] = (batch[at] as number) ^ (1 << random.below(8));
      },
      false,
    ),
  "an older magic": (random) => altered(random, (view) => view.setInt8(MAGIC_AT, random.below(2))),
  "an unknown magic": (random) =>
    altered(random, (view) => view.setInt8(MAGIC_AT, random.of([-1, 3, 127]))),
  "wrong record count": (random) =>
    altered(random, (view) => view.setInt32(RECORD_COUNT_AT, random.of(ODD_COUNTS))),
  "wrong last offset": (random) =>
    altered(random, (view) => view.setInt32(LAST_OFFSET_DELTA_AT, random.of(ODD_COUNTS))),
  // Both agree with each other and not with the records.
  "more records than there are": (random) =>
    altered(random, (view) => {
      const count = random.of([100, 1_000_000, 0x7fff_fffe]);
      view.setInt32(RECORD_COUNT_AT, count);
      view.setInt32(LAST_OFFSET_DELTA_AT, count - 1);
    }),
  "several batches": (random) => joined(plain(random), plain(random)),
  "a batch and a half": (random) => joined(plain(random), plain(random).subarray(0, 40)),
  "negative size": (random) =>
    altered(random, (view) => view.setInt32(LENGTH_AT, random.of([-1, -13, -0x8000_0000])), false),
  "size beyond the end": (random) =>
    altered(random, (view) => view.setInt32(LENGTH_AT, random.of([10_000, 0x7fff_ffff])), false),
  "size of less than a header": (random) =>
    altered(random, (view) => view.setInt32(LENGTH_AT, random.below(49)), false),
  "a base offset": (random) =>
    altered(random, (view) => view.setBigInt64(0, random.of([1n, -1n, (1n << 63n) - 1n]))),
  "a control batch": (random) => plain(random, { isControl: true }),
  "a transaction without a producer": (random) => plain(random, { isTransactional: true }),
  "a transaction that nobody began": (random) =>
    plain(random, {
      isTransactional: true,
      producerId: random.below(100),
      producerEpoch: 0,
      baseSequence: 0,
    }),
  "log append time": (random) => plain(random, { isLogAppendTime: true }),
  "odd timestamps": (random) =>
    altered(random, (view) =>
      view.setBigInt64(random.of([BASE_TIMESTAMP_AT, MAX_TIMESTAMP_AT]), random.of(ODD_TIMES)),
    ),
  "unknown codec": (random) =>
    altered(random, (view) => view.setInt16(ATTRIBUTES_AT, 5 + random.below(3))),
  "unknown attributes": (random) =>
    altered(random, (view) => view.setInt16(ATTRIBUTES_AT, random.of([0x80, 0x4000, -0x8000]))),
  "compressed garbage": (random) =>
    altered(random, (view, batch) => {
      view.setInt16(ATTRIBUTES_AT, 1 + random.below(4));
      batch.set(random.bytes(batch.length - BATCH_HEADER_BYTES), BATCH_HEADER_BYTES);
    }),
  "garbage instead of records": (random) =>
    altered(random, (_view, batch) => {
      batch.set(random.bytes(batch.length - BATCH_HEADER_BYTES), BATCH_HEADER_BYTES);
    }),
  "a producer without a sequence": (random) =>
    altered(random, (view) => {
      view.setBigInt64(PRODUCER_ID_AT, random.of([7n, (1n << 63n) - 1n, -2n]));
      view.setInt16(PRODUCER_EPOCH_AT, random.of([-1, 0, -2]));
      view.setInt32(BASE_SEQUENCE_AT, random.of([-1, -2, 0x7fff_ffff]));
    }),
  "a producer out of sequence": (random) =>
    plain(random, { producerId: random.below(50), producerEpoch: 0, baseSequence: 1_000 }),
  "another new producer": (random) =>
    plain(random, { producerId: 1_000 + random.below(1e9), producerEpoch: 0, baseSequence: 0 }),
  "a legal batch": (random) => plain(random),
  "a legal compressed batch": (random) => plain(random, { codec: random.of([1, 2, 3, 4]) }),
};

export const BAD_BATCH_NAMES: readonly string[] = Object.keys(BAD_BATCHES);

/** A small batch that becomes 32 MiB when it is decompressed. */
export function bomb(): Uint8Array {
  const record = { key: null, value: new Uint8Array(32 << 20), timestampMs: 0 };
  return encodeBatch([record], { codec: 1 });
}
