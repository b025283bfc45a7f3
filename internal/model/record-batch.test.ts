// Record batches: known bytes, what a leader refuses and in which order, rewriting in place, and round trips.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compress } from "../bytes/compress.ts";
import { fromHex, toHex } from "../bytes/hex.ts";
import { writeI16, writeI32, writeI64 } from "../bytes/integers.ts";
import { controlTypeOf, decodeBatch } from "./decode-batch.ts";
import { splitBatches } from "./decode-batch.ts";
import { MARKER_COMMIT, encodeBatch, encodeMarker } from "./encode-batch.ts";
import type { NewRecord } from "./encode-batch.ts";
import type { Offset, Term } from "./ids.ts";
import { RecordBatchView, batchEnd, hasValidCrc, sealCrc, setBaseOffset } from "./record-batch.ts";
import { setLeaderEpoch, setLogAppendTime, uncoveredSum } from "./record-batch.ts";
import { validateBatch, verifyBatch } from "./validate-batch.ts";
import type { BatchRules } from "./validate-batch.ts";

const TWO_RECORDS =
  "000000000000000000000048ffffffff02601d12660000000000010000018bcfe568000000018bcfe56805" +
  "ffffffffffffffffffffffffffff000000021a000000026b047631020268027810000a020104763200";
const COMMIT =
  "000000000000000000000042ffffffff02ce4cf28e0030000000000000018bcfe568000000018bcfe5680000000000" +
  "00000fa00003ffffffff000000012000000008000000010c00000000000700";
const T = 1_700_000_000_000;
const RULES: BatchRules = {
  batchBytesMax: 1_048_588,
  allowsZstd: true,
};

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const whole = (bytes: Uint8Array) => ({ bytes, start: 0, end: bytes.length });
const twoRecords: readonly NewRecord[] = [
  { key: utf8("k"), value: utf8("v1"), timestampMs: T, headers: [{ key: "h", value: utf8("x") }] },
  { key: null, value: utf8("v2"), timestampMs: T + 5 },
];

/** The batch after a change, with a CRC that fits again. */
function resealed(
  change: (bytes: Uint8Array) => void,
  bytes = encodeBatch(twoRecords),
): Uint8Array {
  change(bytes);
  sealCrc(bytes, 0);
  return bytes;
}

describe("known bytes", () => {
  test("two records, one with a header, encode to them and decode from them", () => {
    expect(toHex(encodeBatch(twoRecords))).toBe(TWO_RECORDS);
    const decoded = decodeBatch(whole(fromHex(TWO_RECORDS)));
    expect(
      decoded.ok && decoded.value.map(({ offset, timestampMs }) => [offset, timestampMs]),
    ).toEqual([
      [0, T],
      [1, T + 5],
    ]);
    expect(decoded.ok && decoded.value[0]).toMatchObject({
      key: utf8("k"),
      value: utf8("v1"),
      headers: [{ key: "h", value: utf8("x") }],
    });
    expect(decoded.ok && decoded.value[1]).toMatchObject({
      key: null,
      value: utf8("v2"),
      headers: [],
    });
  });

  test("a commit marker encodes to them", () => {
    const marker = encodeMarker({
      type: MARKER_COMMIT,
      producerId: 4000,
      producerEpoch: 3,
      coordinatorEpoch: 7,
      timestampMs: T,
    });
    expect(toHex(marker)).toBe(COMMIT);
    const view = new RecordBatchView(marker, 0);
    expect([view.isControl, view.isTransactional, controlTypeOf(view)]).toEqual([true, true, 1]);
    expect([view.producerId, view.producerEpoch, view.baseSequence]).toEqual([4000, 3, -1]);
  });
});

describe("RecordBatchView", () => {
  test("names every header field, wherever the batch lies", () => {
    const batch = encodeBatch(twoRecords, {
      baseOffset: 2 ** 40,
      leaderEpoch: 9,
      producerId: 2 ** 33 + 1,
      producerEpoch: 12,
      baseSequence: 0x7fff_ffff,
      isTransactional: true,
    });
    const shifted = new Uint8Array(batch.length + 7);
    shifted.set(batch, 3);
    const view = new RecordBatchView(shifted, 3);
    expect(view.baseOffset).toBe(2 ** 40);
    expect([view.lastOffset, view.nextOffset]).toEqual([2 ** 40 + 1, 2 ** 40 + 2]);
    expect([view.sizeBytes, view.end, view.recordsStart]).toEqual([
      batch.length,
      batch.length + 3,
      64,
    ]);
    expect([view.leaderEpoch, view.magic, view.codec, view.recordCount]).toEqual([9, 2, 0, 2]);
    expect([view.baseTimestampMs, view.maxTimestampMs]).toEqual([T, T + 5]);
    expect([view.producerId, view.producerEpoch]).toEqual([2 ** 33 + 1, 12]);
    expect([view.baseSequence, view.lastSequence]).toEqual([0x7fff_ffff, 0]);
    expect([view.isTransactional, view.isControl, view.isLogAppendTime]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe("rewriting in place", () => {
  test("base offset and leader epoch leave the CRC valid and change the uncovered sum", () => {
    const bytes = encodeBatch(twoRecords);
    const sum = uncoveredSum(bytes, 0);
    setBaseOffset(bytes, 0, 123_456_789_012 as Offset);
    const moved = uncoveredSum(bytes, 0);
    setLeaderEpoch(bytes, 0, 5 as Term);
    expect(hasValidCrc(bytes, 0)).toBe(true);
    expect(new Set([sum, moved, uncoveredSum(bytes, 0)]).size).toBe(3);
    const view = new RecordBatchView(bytes, 0);
    expect([view.baseOffset, view.leaderEpoch]).toEqual([123_456_789_012, 5]);
  });

  test("an append time becomes the time of every record and the CRC fits again", () => {
    const bytes = encodeBatch(twoRecords, { codec: 3 });
    setLogAppendTime(bytes, 0, T + 99);
    const decoded = decodeBatch(whole(bytes));
    expect(decoded.ok && decoded.value.map((record) => record.timestampMs)).toEqual([
      T + 99,
      T + 99,
    ]);
  });
});

describe("validateBatch", () => {
  const good = encodeBatch(twoRecords);
  const fault = (bytes: Uint8Array, rules: Partial<BatchRules> = {}) =>
    validateBatch(whole(bytes), { ...RULES, ...rules });

  test("accepts what producers send", () => {
    expect(fault(good)).toBeNull();
    expect(
      fault(
        encodeBatch(twoRecords, { codec: 4, producerId: 1, producerEpoch: 0, baseSequence: 0 }),
      ),
    ).toBeNull();
  });

  test("refuses nothing, another magic and several batches", () => {
    expect(validateBatch(null, RULES)).toEqual({ kind: "no-batch" });
    expect(fault(new Uint8Array(0))).toEqual({ kind: "no-batch" });
    expect(fault(resealed((bytes) => bytes.fill(1, 16, 17)))).toEqual({
      kind: "unsupported-magic",
    });
    expect(fault(Buffer.concat([good, good]))).toEqual({ kind: "several-batches" });
  });

  test("refuses zstd from old senders, unknown codecs and batches that are too large", () => {
    const zstd = encodeBatch(twoRecords, { codec: 4 });
    expect(fault(zstd, { allowsZstd: false })).toEqual({ kind: "unsupported-codec" });
    expect(fault(resealed((bytes) => writeI16(bytes, 21, 5)))).toEqual({
      kind: "unsupported-codec",
    });
    expect(fault(good, { batchBytesMax: 83 })).toEqual({ kind: "too-large", sizeBytes: 84 });
    expect(fault(good, { batchBytesMax: 84 })).toBeNull();
  });

  test("refuses damage anywhere that the CRC covers, and every truncation", () => {
    for (let at = 17; at < good.length; at++) {
      const damaged = good.slice();
      damaged[at]! ^= 0x10;
      expect(fault(damaged)).not.toBeNull();
    }
    for (let end = 1; end < good.length; end++) {
      expect(fault(good.slice(0, end))).toEqual({ kind: "no-batch" });
    }
  });

  test("refuses headers that lie", () => {
    const invalid = (reason: string) => ({ kind: "invalid", reason });
    expect(fault(resealed((bytes) => writeI64(bytes, 0, 7)))).toEqual(invalid("base-offset"));
    expect(fault(resealed((bytes) => writeI32(bytes, 57, 3)))).toEqual(invalid("record-count"));
    expect(fault(resealed((bytes) => writeI32(bytes, 57, 0)))).toEqual(invalid("record-count"));
    for (const attributes of [0x40, 0x80, -0x8000]) {
      const odd = resealed((bytes) => writeI16(bytes, 21, attributes));
      expect(fault(odd)).toEqual(invalid("attributes"));
    }
    expect(fault(encodeBatch(twoRecords, { isControl: true }))).toEqual(invalid("control"));
    const producer = { producerId: 5, producerEpoch: 0 };
    expect(fault(encodeBatch(twoRecords, producer))).toEqual(invalid("producer"));
    expect(
      fault(encodeBatch(twoRecords, { ...producer, producerEpoch: -1, baseSequence: 0 })),
    ).toEqual(invalid("producer"));
    const transactional = encodeBatch(twoRecords, { isTransactional: true });
    expect(fault(transactional)).toEqual({ kind: "transactional" });
    const huge = resealed((bytes) => bytes.fill(0x7f, 43, 51));
    expect(fault(huge)).toEqual(invalid("producer"));
  });

  test("refuses a client's own append time", () => {
    const stamped = encodeBatch(twoRecords, { isLogAppendTime: true });
    expect(fault(stamped)).toEqual({ kind: "log-append-time" });
  });

  test("never throws on arbitrary bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const found = fault(bytes);
        expect(found === null || typeof found.kind === "string").toBe(true);
        if (found === null) expect(verifyBatch(bytes, 0, bytes.length)).toBeNull();
      }),
    );
  });
});

const blob = fc.option(fc.uint8Array({ maxLength: 300 }));
const records = fc.array(
  fc.record({
    key: blob,
    value: blob,
    timestampMs: fc.integer({ min: -1, max: 2 ** 45 }),
    headers: fc.array(fc.record({ key: fc.string({ unit: "grapheme" }), value: blob }), {
      maxLength: 3,
    }),
  }),
  { minLength: 1, maxLength: 20 },
);

describe("records", () => {
  test("come back through every codec", () => {
    fc.assert(
      fc.property(records, fc.constantFrom(0, 1, 2, 3, 4), fc.nat(), (list, codec, baseOffset) => {
        const bytes = encodeBatch(list, { codec: codec as 0 | 1 | 2 | 3 | 4, baseOffset });
        const decoded = decodeBatch(whole(bytes));
        const expected = list.map((record, index) => ({ offset: baseOffset + index, ...record }));
        const plain = (value: Uint8Array | null) => (value === null ? null : toHex(value));
        const comparable = (record: (typeof expected)[number]) => ({
          ...record,
          key: plain(record.key),
          value: plain(record.value),
          headers: record.headers.map(({ key, value }) => ({ key, value: plain(value) })),
        });
        expect(decoded.ok && decoded.value.map((record) => comparable(record as never))).toEqual(
          expected.map(comparable),
        );
      }),
    );
  });

  test("of a damaged payload are refused, never read past the end", () => {
    const payload = encodeBatch(twoRecords).subarray(61);
    fc.assert(
      fc.property(
        fc.nat(payload.length - 1),
        fc.nat(255),
        fc.nat(payload.length),
        (at, value, end) => {
          const bytes = new Uint8Array(61 + end);
          bytes.set(encodeBatch(twoRecords).subarray(0, 61));
          bytes.set(payload.subarray(0, end), 61);
          if (at < end) bytes[61 + at] = value;
          writeI32(bytes, 8, bytes.length - 12);
          sealCrc(bytes, 0);
          const decoded = decodeBatch(whole(bytes));
          if (decoded.ok) expect(decoded.value.length).toBe(2);
          else expect(decoded.fault.kind).toBe("corrupt");
        },
      ),
    );
  });

  test("that decompress to more than the limit are refused", () => {
    const big = [{ key: null, value: new Uint8Array(50_000), timestampMs: T }];
    const decoded = decodeBatch(whole(encodeBatch(big, { codec: 4 })), 10_000);
    expect(decoded).toEqual({ ok: false, fault: { kind: "too-large" } });
    expect(compress(4, new Uint8Array(50_000)).length).toBeLessThan(100);
  });
});

test("a compacted batch keeps its place, its times and its gaps, and may be empty", () => {
  const options = {
    baseOffset: 10,
    lastOffsetDelta: 9,
    maxTimestampMs: T + 70,
    deleteHorizonMs: T - 5,
  };
  const bytes = encodeBatch([{ ...twoRecords[0]!, offsetDelta: 4 }], options);
  const view = new RecordBatchView(bytes, 0);
  expect([view.lastOffset, view.maxTimestampMs, view.hasDeleteHorizon]).toEqual([19, T + 70, true]);
  const decoded = decodeBatch(whole(bytes));
  expect(decoded.ok && decoded.value.map((record) => [record.offset, record.timestampMs])).toEqual([
    [14, T],
  ]);
  const empty = encodeBatch([], { baseOffset: 10, lastOffsetDelta: 9, maxTimestampMs: T });
  expect(decodeBatch(whole(empty))).toEqual({ ok: true, value: [] });
});

test("splitBatches and batchEnd find whole batches and leave a cut-off one out", () => {
  const one = encodeBatch(twoRecords);
  const blobOfTwo = Buffer.concat([one, one, one.subarray(0, 70)]);
  const ends = splitBatches({ bytes: blobOfTwo, start: 0, end: blobOfTwo.length }).map(
    (range) => range.end,
  );
  expect(ends).toEqual([84, 168]);
  expect(batchEnd(blobOfTwo, 168, blobOfTwo.length)).toBe(-1);
  expect(verifyBatch(blobOfTwo, 84, blobOfTwo.length)).toBeNull();
});
