// Compressed streams with choices that no client makes, for tests of what brokers accept.
import { writeI32 } from "../../internal/bytes/integers.ts";
import { packBlock } from "../../internal/bytes/snappy.ts";
import { xxhash32 } from "../../internal/bytes/xxhash32.ts";
import { zigZag } from "./raw-batch.ts";

/** A small number in one byte more than it needs. */
export function zigZagPadded(value: number): number[] {
  const [first = 0] = zigZag(value);
  return [first | 0x80, 0];
}

/** Snappy chunks in the stream framing of the Java clients. */
export function snappyStream(chunks: readonly Uint8Array[]): Uint8Array {
  const head = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0);
  const parts: Uint8Array[] = [head, bigEndian(1), bigEndian(1)];
  for (const chunk of chunks) {
    const packed = packBlock(chunk);
    parts.push(bigEndian(packed.length), packed);
  }
  return new Uint8Array(Buffer.concat(parts));
}

export interface Lz4Choices {
  readonly isStored?: boolean;
  readonly isLinked?: boolean;
  readonly blockSums?: boolean;
  readonly contentSum?: boolean;
  readonly contentSize?: boolean;
  /** So many zeros follow in the same block, whatever the frame's header says of its size: it says 64 KiB. */
  readonly zeros?: number;
}

/** A frame of one block, which holds literals and zeros. */
export function lz4Frame(bytes: Uint8Array, choices: Lz4Choices = {}): Uint8Array {
  const { isStored = false, isLinked = false, blockSums = false } = choices;
  const { contentSum = false, contentSize = false, zeros = 0 } = choices;
  const flags =
    0x40 |
    (isLinked ? 0 : 0x20) |
    (blockSums ? 0x10 : 0) |
    (contentSize ? 0x08 : 0) |
    (contentSum ? 0x04 : 0);
  const size = contentSize ? [...littleEndian(bytes.length), 0, 0, 0, 0] : [];
  const descriptor = Uint8Array.of(flags, 0x40, ...size);
  const parts: Uint8Array[] = [littleEndian(0x184d2204), descriptor];
  parts.push(Uint8Array.of((xxhash32(descriptor, 0, descriptor.length) >>> 8) & 0xff));
  const block = isStored ? bytes : packed(bytes, zeros);
  parts.push(littleEndian(isStored ? block.length + 0x8000_0000 : block.length), block);
  if (blockSums) parts.push(littleEndian(xxhash32(block, 0, block.length)));
  parts.push(littleEndian(0));
  if (contentSum) parts.push(littleEndian(xxhash32(bytes, 0, bytes.length)));
  return new Uint8Array(Buffer.concat(parts));
}

function packed(bytes: Uint8Array, zeros: number): Uint8Array {
  if (zeros === 0) return sequence(bytes, 0);
  // One zero is written, copied over and over from one back, and the last five of them are literals again.
  const head = sequence(Uint8Array.of(...bytes, 0), zeros - 6);
  return Uint8Array.of(...head, ...sequence(new Uint8Array(5), 0));
}

/** Literals, and a match of so many bytes at distance 1 when there are any. */
function sequence(literals: Uint8Array, match: number): Uint8Array {
  const [short, more] = length(literals.length);
  const [shortMatch, moreMatch] = match === 0 ? [0, []] : length(match - 4);
  const tail = match === 0 ? [] : [1, 0, ...moreMatch];
  return Uint8Array.of((short << 4) | shortMatch, ...more, ...literals, ...tail);
}

/** The four bits of a token, and the bytes that go on where they are not enough. */
function length(value: number): readonly [number, readonly number[]] {
  if (value < 15) return [value, []];
  const more = new Array<number>(Math.floor((value - 15) / 255)).fill(255);
  return [15, [...more, (value - 15) % 255]];
}

function littleEndian(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}

function bigEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeI32(bytes, 0, value);
  return bytes;
}
