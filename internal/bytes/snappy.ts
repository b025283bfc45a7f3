// Snappy, as Kafka clients send it: either a raw block, or blocks in the "xerial" stream framing
// (82 'SNAPPY' 0, two version numbers, then a 32-bit length and a raw block, repeated).
//
// A raw block is the uncompressed length as a varint and then elements. The low two bits of an element's
// first byte say what it is: 0 a literal, 1 to 3 a copy from an earlier place with a 1, 2 or 4 byte distance.
import { readI32 } from "./integers.ts";
import { writeI32 } from "./integers.ts";
import { BoundedOutput } from "./output.ts";
import { Reader } from "./reader.ts";

export type UnpackOutcome = "done" | "corrupt" | "too-large";

const XERIAL_MAGIC = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0);
const XERIAL_HEADER_BYTES = 16;
const XERIAL_BLOCK_BYTES = 32 * 1024;
/** A copy of 64 bytes takes three bytes, so no valid block grows by more than this. */
const GROWTH_MAX = 22;
const HASH_BITS = 12;

/** Appends the uncompressed bytes to `output`. */
export function unpackSnappy(bytes: Uint8Array, output: BoundedOutput): UnpackOutcome {
  if (!isXerial(bytes, 0)) return unpackBlock(bytes, 0, bytes.length, output);
  let at = 0;
  while (at < bytes.length) {
    if (isXerial(bytes, at)) {
      at += XERIAL_HEADER_BYTES;
      continue;
    }
    if (bytes.length - at < 4) return "corrupt";
    const length = readI32(bytes, at);
    at += 4;
    if (length < 0 || length > bytes.length - at) return "corrupt";
    const outcome = unpackBlock(bytes, at, at + length, output);
    if (outcome !== "done") return outcome;
    at += length;
  }
  return at === bytes.length ? "done" : "corrupt";
}

function isXerial(bytes: Uint8Array, at: number): boolean {
  if (bytes.length - at < XERIAL_MAGIC.length) return false;
  return XERIAL_MAGIC.every((byte, index) => bytes[at + index] === byte);
}

function unpackBlock(
  bytes: Uint8Array,
  start: number,
  end: number,
  output: BoundedOutput,
): UnpackOutcome {
  const reader = new Reader(bytes, start, end);
  const length = reader.uvarint();
  if (reader.fault !== null || length > (end - start) * GROWTH_MAX) return "corrupt";
  if (!output.reserve(length)) return "too-large";
  const from = output.length;
  const to = from + length;
  let at = reader.at;
  while (at < end) {
    const tag = bytes[at]!;
    at =
      (tag & 3) === 0
        ? literal(bytes, at, end, output, to)
        : copy(bytes, at, end, output, from, to);
    if (at < 0) return "corrupt";
  }
  return output.length === to ? "done" : "corrupt";
}

/** The element at `at`, whose tag says that it is a literal. Answers where the next one begins; -1: corrupt. */
function literal(
  bytes: Uint8Array,
  at: number,
  end: number,
  output: BoundedOutput,
  to: number,
): number {
  const short = bytes[at]! >>> 2;
  const more = short < 60 ? 0 : short - 59;
  const start = at + 1 + more;
  if (start > end) return -1;
  const length = (more === 0 ? short : littleEndian(bytes, at + 1, more)) + 1;
  if (length > end - start || length > to - output.length) return -1;
  output.append(bytes, start, start + length);
  return start + length;
}

/** The same for a copy. */
function copy(
  bytes: Uint8Array,
  at: number,
  end: number,
  output: BoundedOutput,
  from: number,
  to: number,
): number {
  const tag = bytes[at]!;
  const kind = tag & 3;
  const more = kind === 3 ? 4 : kind;
  if (at + more >= end) return -1;
  const length = kind === 1 ? 4 + ((tag >>> 2) & 7) : (tag >>> 2) + 1;
  const distance =
    kind === 1 ? ((tag >>> 5) << 8) | bytes[at + 1]! : littleEndian(bytes, at + 1, more);
  if (distance === 0 || distance > output.length - from || length > to - output.length) return -1;
  output.repeat(distance, length);
  return at + 1 + more;
}

function littleEndian(bytes: Uint8Array, at: number, byteCount: number): number {
  let value = 0;
  for (let index = byteCount - 1; index >= 0; index--) value = value * 256 + bytes[at + index]!;
  return value;
}

/** The bytes as a xerial stream. Plain greedy matching: meant for clients and tests, not for speed. */
export function packSnappy(bytes: Uint8Array): Uint8Array {
  const blocks = Math.ceil(bytes.length / XERIAL_BLOCK_BYTES);
  const output = new BoundedOutput(bytes.length + 64, Number.MAX_SAFE_INTEGER);
  output.reserve(XERIAL_HEADER_BYTES);
  output.append(XERIAL_MAGIC, 0, XERIAL_MAGIC.length);
  output.append(Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 1), 0, 8);
  for (let block = 0; block < blocks; block++) {
    const start = block * XERIAL_BLOCK_BYTES;
    const packed = packBlock(bytes.subarray(start, start + XERIAL_BLOCK_BYTES));
    const length = new Uint8Array(4);
    writeI32(length, 0, packed.length);
    output.reserve(4 + packed.length);
    output.append(length, 0, 4);
    output.append(packed, 0, packed.length);
  }
  return output.view();
}

/** One raw block of at most 64 KiB. */
export function packBlock(bytes: Uint8Array): Uint8Array {
  const output = new BoundedOutput(bytes.length + 32, Number.MAX_SAFE_INTEGER);
  const put = (...values: readonly number[]): void => {
    output.reserve(values.length);
    for (const value of values) output.bytes[output.length++] = value;
  };
  let rest = bytes.length;
  for (; rest >= 0x80; rest >>>= 7) put((rest & 0x7f) | 0x80);
  put(rest);
  const putLiteral = (start: number, end: number): void => {
    const last = end - start - 1;
    if (last < 0) return;
    if (last < 60) put(last << 2);
    else put(61 << 2, last & 0xff, last >>> 8);
    output.reserve(end - start);
    output.append(bytes, start, end);
  };
  const seen = new Int32Array(1 << HASH_BITS).fill(-1);
  let literalStart = 0;
  let at = 0;
  while (at + 4 <= bytes.length) {
    const word = readI32(bytes, at);
    const slot = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS);
    const earlier = seen[slot]!;
    seen[slot] = at;
    if (earlier < 0 || readI32(bytes, earlier) !== word) {
      at++;
      continue;
    }
    let length = 4;
    while (
      length < 64 &&
      bytes[earlier + length] === bytes[at + length] &&
      at + length < bytes.length
    ) {
      length++;
    }
    putLiteral(literalStart, at);
    const distance = at - earlier;
    if (length < 12 && distance < 2048)
      put(((distance >>> 8) << 5) | ((length - 4) << 2) | 1, distance & 0xff);
    else put(((length - 1) << 2) | 2, distance & 0xff, distance >>> 8);
    at += length;
    literalStart = at;
  }
  putLiteral(literalStart, bytes.length);
  return output.view();
}
