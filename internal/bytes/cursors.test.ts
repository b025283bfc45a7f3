// Reader and Writer undo each other, agree with the known encodings, and refuse what is cut off or hostile.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "./hex.ts";
import { Reader } from "./reader.ts";
import type { DecodeFaultKind } from "./reader.ts";
import { textBytes } from "./text.ts";
import { isUuid } from "./uuid.ts";
import { uvarintBytes, varintBytes, varlongBytes } from "./varint.ts";
import { Writer } from "./writer.ts";

function written(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer(16);
  write(writer);
  expect(writer.fault).toBeNull();
  return writer.takeJoined();
}

function faultOf(hex: string, read: (reader: Reader) => unknown): DecodeFaultKind | undefined {
  const reader = new Reader(fromHex(hex));
  read(reader);
  return reader.fault?.kind;
}

const safeInteger = fc.maxSafeInteger();
const int32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const wellFormed = fc.string({ unit: "grapheme", maxLength: 100 });

describe("variable-length numbers", () => {
  test.each([
    [0, "00"],
    [-1, "01"],
    [1, "02"],
    [63, "7e"],
    [-64, "7f"],
    [64, "8001"],
    [300, "d804"],
    [-300, "d704"],
  ])("varint and varlong of %i are %s", (value, hex) => {
    expect(toHex(written((writer) => writer.varint(value)))).toBe(hex);
    expect(toHex(written((writer) => writer.varlong(value)))).toBe(hex);
    expect(new Reader(fromHex(hex)).varint()).toBe(value);
    expect(new Reader(fromHex(hex)).varlong()).toBe(value);
  });

  test.each([
    [127, "7f"],
    [128, "8001"],
    [300, "ac02"],
  ])("uvarint of %i is %s", (value, hex) => {
    expect(toHex(written((writer) => writer.uvarint(value)))).toBe(hex);
    expect(new Reader(fromHex(hex)).uvarint()).toBe(value);
  });

  test("come back, and take the bytes that were computed beforehand", () => {
    fc.assert(
      fc.property(int32, uint32, safeInteger, (signed, unsigned, long) => {
        const a = written((writer) => writer.varint(signed));
        const b = written((writer) => writer.uvarint(unsigned));
        const c = written((writer) => writer.varlong(long));
        expect(new Reader(a).varint()).toBe(signed);
        expect(new Reader(b).uvarint()).toBe(unsigned);
        expect(new Reader(c).varlong()).toBe(long);
        expect([a.length, b.length, c.length]).toEqual([
          varintBytes(signed),
          uvarintBytes(unsigned),
          varlongBytes(long),
        ]);
      }),
    );
  });

  test("at the edge of the safe integers are exact, and beyond it refused", () => {
    for (const value of [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
      expect(new Reader(written((writer) => writer.varlong(value))).varlong()).toBe(value);
    }
    expect(faultOf("ffffffffffffffffff01", (reader) => reader.varlong())).toBe("bad-number");
    expect(faultOf("ffffffffffffffffffff01", (reader) => reader.varlong())).toBe("bad-number");
    expect(faultOf("ffffffff10", (reader) => reader.uvarint())).toBe("bad-number");
    expect(new Reader(fromHex("ffffffff0f")).uvarint()).toBe(0xffff_ffff);
  });
});

describe("fixed-size numbers", () => {
  test("come back", () => {
    fc.assert(
      fc.property(safeInteger, int32, uint32, fc.double(), (long, signed, unsigned, double) => {
        const bytes = written((writer) => {
          writer.i64(long);
          writer.i32(signed);
          writer.u32(unsigned);
          writer.f64(double);
          writer.i16(signed >> 16);
          writer.u16(unsigned & 0xffff);
          writer.i8(signed >> 24);
          writer.bool(signed < 0);
        });
        const reader = new Reader(bytes);
        expect(reader.i64()).toBe(long === 0 ? 0 : long);
        expect(reader.i32()).toBe(signed);
        expect(reader.u32()).toBe(unsigned);
        expect(reader.f64()).toBe(double);
        expect(reader.i16()).toBe(signed >> 16);
        expect(reader.u16()).toBe(unsigned & 0xffff);
        expect(reader.i8()).toBe(signed >> 24);
        expect(reader.bool()).toBe(signed < 0);
        expect(reader.remaining).toBe(0);
        expect(reader.fault).toBeNull();
      }),
    );
  });

  test("of 64 bits outside the safe integers are a fault", () => {
    expect(faultOf("0020000000000000", (reader) => reader.i64())).toBe("bad-number");
    expect(faultOf("8000000000000000", (reader) => reader.i64())).toBe("bad-number");
    expect(new Reader(fromHex("001fffffffffffff")).i64()).toBe(Number.MAX_SAFE_INTEGER);
    expect(new Reader(fromHex("ffe0000000000001")).i64()).toBe(Number.MIN_SAFE_INTEGER);
  });

  test("that do not fit are refused by the writer", () => {
    expect(() => new Writer().i16(40_000)).toThrow("a written i16 fits");
    expect(() => new Writer().i64(2 ** 60)).toThrow("safe integer");
    expect(() => new Writer().i32(1.5)).toThrow("a written i32 fits");
  });
});

describe("text", () => {
  test("comes back in both forms, from the cache and past it", () => {
    fc.assert(
      fc.property(wellFormed, fc.boolean(), (text, isLong) => {
        const value = isLong ? text.repeat(7) : text;
        const bytes = written((writer) => {
          writer.string(value);
          writer.compactString(value);
        });
        expect(textBytes(value)).toBe(new TextEncoder().encode(value).length);
        for (let round = 0; round < 2; round++) {
          const reader = new Reader(bytes);
          expect(reader.stringOrNull()).toBe(value);
          expect(reader.compactString()).toBe(value);
          expect(reader.fault).toBeNull();
        }
      }),
    );
  });

  test("keeps a byte order mark, and replaces ill-formed UTF-8 and lone surrogates", () => {
    const marked = written((writer) => writer.string("\ufeffx"));
    expect(new Reader(marked).string()).toBe("\ufeffx");
    expect(new Reader(fromHex("0002ff41")).string()).toBe("\ufffdA");
    const lone = written((writer) => writer.string("a\ud800"));
    expect(toHex(lone)).toBe("000461efbfbd");
  });

  test("is null only where null is allowed", () => {
    expect(new Reader(fromHex("ffff")).stringOrNull()).toBeNull();
    expect(new Reader(fromHex("00")).compactStringOrNull()).toBeNull();
    expect(faultOf("ffff", (reader) => reader.string())).toBe("bad-null");
    expect(faultOf("00", (reader) => reader.compactString())).toBe("bad-null");
    expect(faultOf("fffe", (reader) => reader.stringOrNull())).toBe("bad-length");
    expect(faultOf("000541", (reader) => reader.string())).toBe("bad-length");
  });

  test("too long for its length field is a fault of the frame, not a bug", () => {
    const writer = new Writer();
    writer.string("x".repeat(32_768));
    expect(writer.fault).toEqual({ kind: "too-long" });
    writer.discard();
    expect([writer.fault, writer.length]).toEqual([null, 0]);
  });
});

describe("uuids", () => {
  test("are 22 characters, and the empty text when all bytes are zero", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (raw) => {
        const text = new Reader(raw).uuid();
        const expected = Buffer.from(raw).toString("base64url");
        expect(text).toBe(raw.some((byte) => byte !== 0) ? expected : "");
        expect(text === "" || isUuid(text)).toBe(true);
        expect(written((writer) => writer.uuid(text))).toEqual(raw);
      }),
    );
  });

  test("in another form are refused", () => {
    for (const text of ["x", "A".repeat(23), "A".repeat(21) + "B", "A".repeat(21) + "="]) {
      const writer = new Writer();
      writer.uuid(text);
      expect(writer.fault).toEqual({ kind: "bad-uuid" });
    }
  });
});

describe("a reader", () => {
  test("stays at its first fault and answers empty values after it", () => {
    const reader = new Reader(fromHex("0001"));
    expect(reader.i32()).toBe(0);
    expect([reader.i8(), reader.string(), reader.uuid(), reader.view(0).length]).toEqual([
      0,
      "",
      "",
      0,
    ]);
    expect(reader.fault).toEqual({ kind: "truncated", at: 0 });
  });

  test("admits no more items than can follow, and no more than a message may have", () => {
    expect(faultOf("0000000000", (reader) => reader.admitItems(2, 4))).toBe("bad-length");
    expect(faultOf("00", (reader) => reader.admitItems(-2, 1))).toBe("bad-length");
    const reader = new Reader(new Uint8Array(3 << 20));
    expect(reader.admitItems(1 << 20, 1)).toBe(1 << 20);
    expect(reader.admitItems(1, 1)).toBe(0);
    expect(reader.fault?.kind).toBe("too-many-items");
  });

  test("serves another buffer after rebind", () => {
    const reader = new Reader(fromHex("ff"));
    reader.i16();
    reader.rebind(fromHex("00000007"), 2, 4);
    expect(reader.i16()).toBe(7);
    expect(reader.fault).toBeNull();
  });
});

describe("a writer", () => {
  test("puts sizes in front, across growth, nesting and lent ranges", () => {
    const lent = new Uint8Array(5000).fill(7);
    const writer = new Writer(16);
    const outer = writer.beginSized();
    writer.i8(1);
    const inner = writer.beginSized();
    writer.copy(new Uint8Array(100), 0, 100);
    writer.lend(lent, 10, 4010);
    writer.endSized(inner);
    writer.i8(2);
    writer.endSized(outer);
    const chunks = writer.take();
    expect(chunks.some((chunk) => chunk.buffer === lent.buffer)).toBe(true);
    const joined = Buffer.concat(chunks);
    expect(joined.readInt32BE(0)).toBe(joined.length - 4);
    expect(joined.readInt32BE(5)).toBe(4100);
    expect([joined[4], joined.at(-1), joined.length]).toEqual([1, 2, 4110]);
  });

  test("never writes again into chunks that it gave away", () => {
    const writer = new Writer(64);
    const given: { readonly chunk: Uint8Array; readonly copy: Uint8Array }[] = [];
    for (let frame = 0; frame < 50; frame++) {
      const mark = writer.beginSized();
      writer.string(`frame ${frame}`);
      writer.endSized(mark);
      for (const chunk of writer.take()) given.push({ chunk, copy: chunk.slice() });
    }
    for (const { chunk, copy } of given) expect(chunk).toEqual(copy);
  });
});
