// The inspector against the decoder, which reads the same bytes in another way: what one takes the other can read.
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeBatch } from "./decode-batch.ts";
import type { DecodedRecord } from "./decode-batch.ts";
import { encodeBatch } from "./encode-batch.ts";
import { RecordInspector } from "./inspect-records.ts";
import type { Inspection, RecordRules } from "./inspect-records.ts";
import { RecordBatchView, sealCrc } from "./record-batch.ts";

const T = 1_700_000_000_000;
const RULES: RecordRules = {
  needsKeys: false,
  isStamped: false,
  timestampMsMin: Number.NEGATIVE_INFINITY,
  timestampMsMax: Number.POSITIVE_INFINITY,
};
const inspector = new RecordInspector();

function inspect(bytes: Uint8Array, rules: Partial<RecordRules> = {}, steps?: number): Inspection {
  const batch = new RecordBatchView(bytes, 0);
  const payload = { bytes, start: batch.recordsStart, end: batch.end };
  return inspector.inspect(payload, batch, { ...RULES, ...rules }, steps);
}

function isInOrder(records: readonly DecodedRecord[]): boolean {
  return records.every(
    ({ offset, timestampMs }, place) =>
      offset === place && timestampMs >= -1 && Number.isSafeInteger(timestampMs),
  );
}

const blob = fc.option(fc.uint8Array({ maxLength: 80 }));
const headers = fc.array(fc.record({ key: fc.string(), value: blob }), { maxLength: 3 });
const timestampMs = fc.integer({ min: -1, max: 2 ** 45 });
const batches = fc
  .array(fc.record({ key: blob, value: blob, timestampMs, headers }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((records) => encodeBatch(records));

test("what was encoded is sound, and its latest time is found", () => {
  fc.assert(
    fc.property(batches, (bytes) => {
      expect(inspect(bytes)).toBe("sound");
      expect(inspector.maxTimestampMs).toBe(new RecordBatchView(bytes, 0).maxTimestampMs);
    }),
  );
});

test("damaged in any byte, a batch is sound exactly when the decoder reads all of it", () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(batches, damage, (bytes, changes) => {
      for (const [at, value] of changes) bytes[61 + (at % (bytes.length - 61))] = value;
      sealCrc(bytes, 0);
      const decoded = decodeBatch({ bytes, start: 0, end: bytes.length });
      const isReadable = decoded.ok && isInOrder(decoded.value);
      expect(inspect(bytes) === "sound").toBe(isReadable);
      if (!decoded.ok || !isReadable) return;
      const latest = Math.max(-1, ...decoded.value.map((record) => record.timestampMs));
      expect(inspector.maxTimestampMs).toBe(latest);
    }),
    { numRuns: 2_000 },
  );
});

test("it stops where it is told to, by records and by headers", () => {
  const record = { key: null, value: null, timestampMs: T };
  const records = encodeBatch(Array.from({ length: 100 }, () => record));
  expect([inspect(records, {}, 100), inspect(records, {}, 99)]).toEqual(["sound", "too-long"]);
  const list = Array.from({ length: 99 }, () => ({ key: "h", value: null }));
  const crowded = encodeBatch([{ ...record, headers: list }]);
  expect([inspect(crowded, {}, 100), inspect(crowded, {}, 99)]).toEqual(["sound", "too-long"]);
  expect(inspector.steps).toBe(100);
});

test("records at fault are named, and no more than a thousand", () => {
  const of = (times: readonly number[]) =>
    encodeBatch(times.map((at) => ({ key: null, value: null, timestampMs: at })));
  const late = of([T, T + 9, T + 2, T + 8]);
  const refused = { kind: "invalid-timestamp", timestampMs: T + 9, records: [1, 3] };
  expect(inspect(late, { timestampMsMax: T + 5 })).toEqual(refused);
  expect(inspect(of([-1, T]), { timestampMsMin: T })).toBe("sound");
  const many = inspect(of(Array.from({ length: 1_200 }, () => T)), { needsKeys: true });
  expect(many).toMatchObject({ kind: "keyless" });
  expect(many).toHaveProperty("records.length", 1_000);
});
