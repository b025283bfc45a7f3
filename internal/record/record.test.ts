import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RECORD_HEADER_BYTES, decodeRecordHeader, encodeRecordHeader } from "./record.ts";
import type { RecordHeader, RecordType } from "./record.ts";

const TYPES: readonly RecordType[] = [
  "append",
  "hard-state",
  "truncate",
  "configuration",
  "copy-forward",
  "install-base",
  "drop-group",
  "checkpoint",
  "seal",
];

const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const safe = fc.maxSafeNat();

const header = fc
  .record({
    type: fc.constantFrom(...TYPES),
    kind: fc.integer({ min: 0, max: 3 }),
    group: safe,
    partition: uint32,
    replica: safe,
    term: safe,
    index: safe,
    baseOffset: safe,
    recordCount: uint32,
    length: uint32,
    checksum: uint32,
    headSum: uint32,
    vote: safe,
  })
  .map((each) => ({
    ...each,
    // They share a place: only a hard state has a vote, and it has no offset.
    baseOffset: each.type === "hard-state" ? 0 : each.baseOffset,
    vote: each.type === "hard-state" ? each.vote : 0,
  })) as unknown as fc.Arbitrary<RecordHeader>;

function encoded(each: RecordHeader, at: number): DataView {
  const view = new DataView(new ArrayBuffer(at + RECORD_HEADER_BYTES));
  encodeRecordHeader(each, view, at);
  return view;
}

describe("a record header", () => {
  it("comes back as it was", () => {
    fc.assert(
      fc.property(header, fc.integer({ min: 0, max: 9 }), (each, at) => {
        expect(decodeRecordHeader(encoded(each, at), at)).toEqual({ ok: true, value: each });
      }),
    );
  });

  it("has one form on disk and on links, for ever", () => {
    const each = {
      type: "append",
      kind: 2,
      group: 0x1_0000_0002,
      partition: 3,
      replica: 4,
      term: 5,
      index: 6,
      baseOffset: 7,
      recordCount: 8,
      length: 9,
      checksum: 0xdeadbeef,
      headSum: 0xcafe,
      vote: 0,
    } as unknown as RecordHeader;
    const bytes = new Uint8Array(encoded(each, 0).buffer);
    expect([...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")).toBe(
      "0102000000000003" + // type, kind, reserved, partition
        "0000000900000008" + // length, record count
        "deadbeef0000cafe" + // payload sum, head sum
        "0000000100000002" + // group
        "0000000000000004" + // replica
        "0000000000000005" + // term
        "0000000000000006" + // index
        "0000000000000007", // base offset, or vote
    );
  });

  it("is refused when it cannot be one", () => {
    const good = encoded(
      { type: "append", kind: 0, group: 1, vote: 0 } as unknown as RecordHeader,
      0,
    );
    const change = (at: number, byte: number): unknown => {
      const view = new DataView(good.buffer.slice(0));
      view.setUint8(at, byte);
      const decoded = decodeRecordHeader(view, 0);
      return decoded.ok ? "accepted" : decoded.fault.reason;
    };
    expect(change(0, 0)).toBe("type");
    expect(change(0, 10)).toBe("type");
    expect(change(1, 4)).toBe("entry-kind");
    for (const field of [24, 32, 40, 48, 56]) expect(change(field + 1, 0x20)).toBe("number");
    expect(change(25, 0x1f)).toBe("accepted");
  });

  it("decodes any bytes to a header or a fault", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (bytes) => {
        const decoded = decodeRecordHeader(new DataView(bytes.buffer, bytes.byteOffset), 0);
        if (decoded.ok) expect(Number.isSafeInteger(decoded.value.index)).toBe(true);
      }),
    );
  });
});
