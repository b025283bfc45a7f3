// Compression comes back, foreign streams are read, and damaged or greedy ones are refused within limits.
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compress } from "./compress.ts";
import { decompress } from "./decompress.ts";
import { fromHex } from "./hex.ts";
import { packBlock } from "./snappy.ts";
import { xxhash32 } from "./xxhash32.ts";

const CODECS = [1, 2, 3, 4] as const;
const LIMIT = 1 << 20;

/** Bytes with repetitions, so that copies of all lengths and distances occur. */
const content = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 90 })))
  .map((parts) => {
    const pieces = parts.flatMap(([piece, times]) => new Array<Uint8Array>(times).fill(piece));
    return new Uint8Array(Buffer.concat(pieces));
  });

function unpacked(codec: number, bytes: Uint8Array, limit = LIMIT): Uint8Array | string {
  const result = decompress(codec, bytes, limit);
  return result.ok ? new Uint8Array(result.value) : result.fault.kind;
}

describe.each(CODECS)("codec %i", (codec) => {
  test("gives back what was compressed", () => {
    fc.assert(
      fc.property(content, (bytes) => {
        expect(unpacked(codec, compress(codec, bytes))).toEqual(bytes);
      }),
    );
    const big = new Uint8Array(300_000).map((_, at) => (at * at) >>> 9);
    expect(unpacked(codec, compress(codec, big))).toEqual(big);
    expect(compress(codec, new Uint8Array(100_000)).length).toBeLessThan(10_000);
  });

  test("refuses an output over the limit, and takes one that just fits", () => {
    const zeros = new Uint8Array(100_000);
    const packed = compress(codec, zeros);
    expect(unpacked(codec, packed, 99_999)).toBe("too-large");
    expect(unpacked(codec, packed, 100_000)).toEqual(zeros);
  });

  test("refuses every truncation", () => {
    const packed = compress(
      codec,
      new TextEncoder().encode("abcabcabcabc, and something else ".repeat(9)),
    );
    const accepted: number[] = [];
    for (let end = 1; end < packed.length; end++) {
      if (typeof unpacked(codec, packed.slice(0, end)) !== "string") accepted.push(end);
    }
    // A xerial stream has no end mark: cut behind its header it is an empty stream.
    expect(accepted).toEqual(codec === 2 ? [16] : []);
  });

  test("never throws or exceeds the limit on damaged input", () => {
    fc.assert(
      fc.property(content, fc.nat(), fc.nat(255), (bytes, place, value) => {
        const packed = Uint8Array.from(compress(codec, bytes));
        packed[place % packed.length] = value;
        const result = decompress(codec, packed, 50_000);
        if (result.ok) expect(result.value.length).toBeLessThanOrEqual(50_000);
      }),
    );
  });
});

describe("snappy", () => {
  test("is also read without the stream framing", () => {
    const bytes = new TextEncoder().encode("snappy snappy snappy snappy");
    expect(unpacked(2, packBlock(bytes))).toEqual(bytes);
  });

  test("reads long literals and copies with four-byte distances", () => {
    // Length 5: the literal "ab" with a two-byte length, then a copy of 3 from 2 back.
    expect(unpacked(2, fromHex("05 f4 0100 6162 0b 02000000"))).toEqual(fromHex("6162616261"));
  });

  test("does not allocate what a hostile length claims", () => {
    // Not "too-large": the claim is seen through before any room is made for it.
    expect(unpacked(2, fromHex("ffffff7f 00 41"), 1000)).toBe("corrupt-compression");
    expect(unpacked(2, fromHex("02 0000 41"))).toBe("corrupt-compression");
    expect(unpacked(2, fromHex("05 00 41 05 02"))).toBe("corrupt-compression");
  });
});

describe("lz4", () => {
  /** Two blocks: the literals "abcd", then a match of 4 from 4 back and the literals "efghi", with more before it. */
  function frameOf(flags: number, second: string, text: string): Uint8Array {
    const descriptor = Uint8Array.from([flags, 0x40, text.length, 0, 0, 0, 0, 0, 0, 0]);
    const sum = (xxhash32(descriptor, 0, descriptor.length) >>> 8) & 0xff;
    const plain = new TextEncoder().encode(text);
    const end = new Uint8Array(4);
    new DataView(end.buffer).setUint32(0, xxhash32(plain, 0, plain.length), true);
    return Buffer.concat([
      fromHex("04224d18"),
      descriptor,
      Uint8Array.of(sum),
      fromHex("05000000 40 61626364"),
      fromHex(second),
      fromHex("00000000"),
      end,
    ]);
  }

  test("reads a frame with content size and checksum", () => {
    const text = "abcdabcdabcdefghi";
    const frame = frameOf(0x6c, "0d000000 40 61626364 0400 50 6566676869", text);
    expect(unpacked(3, frame)).toEqual(new TextEncoder().encode(text));
    const damaged = Uint8Array.from(frame);
    damaged[damaged.length - 1]! ^= 1;
    expect(unpacked(3, damaged)).toBe("corrupt-compression");
  });

  test("refuses blocks that need each other, whatever their frame says of them", () => {
    for (const flags of [0x4c, 0x6c]) {
      const linked = frameOf(flags, "09000000 00 0400 50 6566676869", "abcdabcdefghi");
      expect(unpacked(3, linked)).toBe("corrupt-compression");
    }
  });

  test("refuses a match that reaches back before its block, and a second frame", () => {
    const head = "04224d18 60 40 82";
    const block = (distance: string) => `0a000000 10 61 ${distance}00 50 6263646566`;
    const frame = (distance: string) => fromHex(`${head} ${block(distance)} 00000000`);
    expect(unpacked(3, frame("01"))).toEqual(new TextEncoder().encode("aaaaabcdef"));
    expect(unpacked(3, frame("02"))).toBe("corrupt-compression");
    expect(unpacked(3, Buffer.concat([frame("01"), frame("01")]))).toBe("corrupt-compression");
  });

  test("hashes as XXH32 does", () => {
    const bytes = new TextEncoder().encode("Nobody inspects the spammish repetition");
    expect(xxhash32(bytes, 0, 0)).toBe(0x02cc5d05);
    expect(xxhash32(bytes, 0, bytes.length)).toBe(0xe2293b2f);
  });
});

test("several zstd frames are one stream; of several gzip members some readers see one", () => {
  const a = new TextEncoder().encode("first ");
  const b = new TextEncoder().encode("second");
  const both = new TextEncoder().encode("first second");
  expect(unpacked(4, Buffer.concat([zstdCompressSync(a), zstdCompressSync(b)]))).toEqual(both);
  expect(unpacked(1, Buffer.concat([gzipSync(a), gzipSync(b)]))).toBe("corrupt-compression");
});

test("nothing lies behind a stream", () => {
  const plain = new TextEncoder().encode("a stream and what is behind it");
  for (const codec of [1, 2, 3, 4] as const) {
    for (const more of [Uint8Array.of(0), new Uint8Array(8), Uint8Array.of(1, 2, 3, 4, 5)]) {
      expect(unpacked(codec, Buffer.concat([compress(codec, plain), more]))).toBe(
        "corrupt-compression",
      );
    }
  }
});

test("an unknown codec is unsupported", () => {
  expect(unpacked(5, new Uint8Array(4))).toBe("unsupported-compression");
});
