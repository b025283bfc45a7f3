// LZ4 in its frame format, which is what Kafka carries: magic, a descriptor with flags and a header checksum,
// blocks of up to 4 MiB each with a length (its top bit: stored, not compressed), a zero length at the end and
// perhaps a checksum of the content. All integers are little endian. Kafka's clients read one frame, whose blocks do not
// refer to each other: anything else is as good as damaged.
//
// A compressed block is sequences: a token (literal length, match length - 4, 15 meaning "more bytes
// follow"), literals, and a 2-byte distance back; the last sequence has literals only.
import { BoundedOutput } from "./output.ts";
import type { UnpackOutcome } from "./snappy.ts";
import { xxhash32 } from "./xxhash32.ts";

const MAGIC = 0x184d2204;
const VERSION_1 = 0x40;
const FLAG_BLOCK_CHECKSUM = 0x10;
const FLAG_CONTENT_SIZE = 0x08;
const FLAG_CONTENT_CHECKSUM = 0x04;
const FLAGS_RESERVED = 0x03;
const FLAG_INDEPENDENT = 0x20;
const STORED = 0x8000_0000;
const BLOCK_64_KIB = 0x40;
const BLOCK_BYTES = 64 * 1024;
const MATCH_MIN = 4;
/** A match neither begins in the last 12 bytes of a block nor reaches into its last 5. */
const MATCH_START_MARGIN = 12;
const MATCH_END_MARGIN = 5;
const HASH_BITS = 12;

/** Appends the uncompressed bytes of the frame to `output`. */
export function unpackLz4(bytes: Uint8Array, output: BoundedOutput): UnpackOutcome {
  const source = new Source(bytes);
  if (source.word() !== MAGIC) return "corrupt";
  const outcome = unpackFrame(source, output);
  return outcome === "done" && source.at < bytes.length ? "corrupt" : outcome;
}

function unpackFrame(source: Source, output: BoundedOutput): UnpackOutcome {
  const descriptorStart = source.at;
  const flags = source.byte();
  const blockBytesMax = blockBytesIn(source.byte());
  const isKnown = (flags & 0xc0) === VERSION_1 && (flags & FLAGS_RESERVED) === 0;
  if (!isKnown || (flags & FLAG_INDEPENDENT) === 0 || blockBytesMax === 0) return "corrupt";
  if ((flags & FLAG_CONTENT_SIZE) !== 0) source.skip(8);
  const sum = (xxhash32(source.bytes, descriptorStart, source.at) >>> 8) & 0xff;
  if (source.byte() !== sum || source.isShort) return "corrupt";
  const frameStart = output.length;
  for (let size = source.word(); size !== 0; size = source.word()) {
    const outcome = unpackNext(source, size, blockBytesMax, output);
    if (outcome !== "done") return outcome;
    if ((flags & FLAG_BLOCK_CHECKSUM) !== 0) {
      const end = source.at;
      const length = size >= STORED ? size - STORED : size;
      if (source.word() !== xxhash32(source.bytes, end - length, end)) return "corrupt";
    }
  }
  if ((flags & FLAG_CONTENT_CHECKSUM) !== 0) {
    const expected = xxhash32(output.bytes, frameStart, output.length);
    if (source.word() !== expected) return "corrupt";
  }
  return source.isShort ? "corrupt" : "done";
}

/** One block. Readers have room for as much as the descriptor says. */
function unpackNext(
  source: Source,
  size: number,
  blockBytesMax: number,
  output: BoundedOutput,
): UnpackOutcome {
  const start = source.at;
  const isStored = size >= STORED;
  const length = isStored ? size - STORED : size;
  source.skip(length);
  if (source.isShort || length > blockBytesMax) return "corrupt";
  const from = output.length;
  const outcome = isStored
    ? store(source.bytes, start, source.at, output)
    : unpackBlock(source.bytes, start, source.at, output);
  return outcome === "done" && output.length - from > blockBytesMax ? "corrupt" : outcome;
}

/** The largest block, by the descriptor's second byte: 64 KiB, 256 KiB, 1 MiB or 4 MiB; 0 for what means nothing. */
function blockBytesIn(descriptor: number): number {
  const size = descriptor >>> 4;
  return (descriptor & 0x0f) !== 0 || size < 4 || size > 7 ? 0 : 1 << (8 + 2 * size);
}

function store(
  bytes: Uint8Array,
  start: number,
  end: number,
  output: BoundedOutput,
): UnpackOutcome {
  if (!output.reserve(end - start)) return "too-large";
  output.append(bytes, start, end);
  return "done";
}

function unpackBlock(
  bytes: Uint8Array,
  start: number,
  end: number,
  output: BoundedOutput,
): UnpackOutcome {
  const blockStart = output.length;
  let at = start;
  while (at < end) {
    const token = bytes[at++]!;
    let literals = token >>> 4;
    if (literals === 15) {
      for (let more = 255; more === 255 && at < end; literals += more) more = bytes[at++]!;
    }
    if (literals > end - at) return "corrupt";
    if (!output.reserve(literals)) return "too-large";
    output.append(bytes, at, at + literals);
    at += literals;
    if (at === end) return (token & 15) === 0 ? "done" : "corrupt";
    if (end - at < 2) return "corrupt";
    const distance = bytes[at]! | (bytes[at + 1]! << 8);
    at += 2;
    let length = (token & 15) + MATCH_MIN;
    if ((token & 15) === 15) {
      for (let more = 255; more === 255 && at < end; length += more) more = bytes[at++]!;
    }
    if (distance === 0 || distance > output.length - blockStart) return "corrupt";
    if (!output.reserve(length)) return "too-large";
    output.repeat(distance, length);
  }
  return "corrupt";
}

/** A cursor of little-endian reads that notes when it ran out instead of throwing. */
class Source {
  readonly bytes: Uint8Array;
  at = 0;
  isShort = false;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  byte(): number {
    const byte = this.bytes[this.at];
    this.skip(1);
    return byte ?? 0;
  }

  word(): number {
    return this.byte() + this.byte() * 0x100 + this.byte() * 0x1_0000 + this.byte() * 0x100_0000;
  }

  skip(count: number): void {
    if (count <= this.bytes.length - this.at) this.at += count;
    else this.isShort = true;
  }
}

/** The bytes as one frame of independent blocks. Plain greedy matching: meant for clients and tests. */
export function packLz4(bytes: Uint8Array): Uint8Array {
  const output = new BoundedOutput(bytes.length + 64, Number.MAX_SAFE_INTEGER);
  const descriptor = Uint8Array.of(VERSION_1 | FLAG_INDEPENDENT, BLOCK_64_KIB);
  output.reserve(7);
  putWord(output, MAGIC);
  output.append(descriptor, 0, 2);
  output.bytes[output.length++] = (xxhash32(descriptor, 0, 2) >>> 8) & 0xff;
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    const block = bytes.subarray(start, start + BLOCK_BYTES);
    const packed = packBlock(block);
    const isSmaller = packed.length < block.length;
    const stored = isSmaller ? packed : block;
    output.reserve(4 + stored.length);
    putWord(output, isSmaller ? packed.length : block.length + STORED);
    output.append(stored, 0, stored.length);
  }
  output.reserve(4);
  putWord(output, 0);
  return output.view();
}

function putWord(output: BoundedOutput, value: number): void {
  for (let shift = 0; shift < 32; shift += 8)
    output.bytes[output.length++] = (value >>> shift) & 0xff;
}

function packBlock(bytes: Uint8Array): Uint8Array {
  const output = new BoundedOutput(bytes.length + 32, Number.MAX_SAFE_INTEGER);
  const seen = new Int32Array(1 << HASH_BITS).fill(-1);
  const wordAt = (at: number): number =>
    bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  let literalStart = 0;
  let at = 0;
  while (at + MATCH_START_MARGIN <= bytes.length) {
    const word = wordAt(at);
    const slot = Math.imul(word, P_HASH) >>> (32 - HASH_BITS);
    const earlier = seen[slot]!;
    seen[slot] = at;
    if (earlier < 0 || at - earlier > 0xffff || wordAt(earlier) !== word) {
      at++;
      continue;
    }
    let length = MATCH_MIN;
    const lengthMax = bytes.length - MATCH_END_MARGIN - at;
    while (length < lengthMax && bytes[earlier + length] === bytes[at + length]) length++;
    putSequence(output, bytes, literalStart, at, at - earlier, length);
    at += length;
    literalStart = at;
  }
  putSequence(output, bytes, literalStart, bytes.length, 0, MATCH_MIN);
  return output.view();
}

const P_HASH = 0x9e3779b1;

/** A distance of 0 writes the last sequence, which has no match. */
function putSequence(
  output: BoundedOutput,
  bytes: Uint8Array,
  start: number,
  end: number,
  distance: number,
  length: number,
): void {
  const literals = end - start;
  const extra = length - MATCH_MIN;
  output.reserve(literals + 8 + Math.ceil((literals + extra) / 255));
  output.bytes[output.length++] = (Math.min(literals, 15) << 4) | Math.min(extra, 15);
  if (literals >= 15) putMore(output, literals - 15);
  output.append(bytes, start, end);
  if (distance === 0) return;
  output.bytes[output.length++] = distance & 0xff;
  output.bytes[output.length++] = distance >>> 8;
  if (extra >= 15) putMore(output, extra - 15);
}

function putMore(output: BoundedOutput, count: number): void {
  let rest = count;
  for (; rest >= 255; rest -= 255) output.bytes[output.length++] = 255;
  output.bytes[output.length++] = rest;
}
