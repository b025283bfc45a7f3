// Ways in which a well-formed frame is made wrong. Each is a function from a frame (size field included) to bytes.
import type { Random } from "./random.ts";

type Damage = (frame: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const SIZE_BYTES = 4;
/** Where a request header ends at the earliest: size, key, version, correlation id, length of the client id. */
const HEADER_END = 14;
const CORRELATION_AT = 8;
const CLIENT_ID_AT = 12;

function copyOf(frame: Uint8Array): Uint8Array {
  return Uint8Array.from(frame);
}

function put32(bytes: Uint8Array, at: number, value: number): void {
  new DataView(bytes.buffer, bytes.byteOffset).setInt32(at, value);
}

function put16(bytes: Uint8Array, at: number, value: number): void {
  new DataView(bytes.buffer, bytes.byteOffset).setInt16(at, value);
}

/** The size field says what is there. */
function sized(bytes: Uint8Array): Uint8Array {
  put32(bytes, 0, bytes.length - SIZE_BYTES);
  return bytes;
}

/** A place behind the header, or the last byte of a frame that has nothing there. */
function bodyPlace(frame: Uint8Array, random: Random): number {
  return frame.length > HEADER_END
    ? HEADER_END + random.below(frame.length - HEADER_END)
    : frame.length - 1;
}

function overwrite(
  frame: Uint8Array,
  random: Random,
  patterns: readonly (readonly number[])[],
): Uint8Array {
  const bytes = copyOf(frame);
  const at = bodyPlace(frame, random);
  const pattern = random.of(patterns);
  for (let k = 0; k < pattern.length && at + k < bytes.length; k++) {
    bytes[at + k] = pattern[k] as number;
  }
  return bytes;
}

/** Counts and lengths that nothing can back: fixed-width and varint. */
const HUGE = [
  [0x7f, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0xff],
  [0x80, 0x00, 0x00, 0x00],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x7f, 0xff],
  [0xff, 0xfe],
] as const;

const DAMAGES: Readonly<Record<string, Damage>> = {
  "flipped bit": (frame, random) => {
    const bytes = copyOf(frame);
    const at = random.below(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
    return bytes;
  },
  "flipped bits in the body": (frame, random) => {
    const bytes = copyOf(frame);
    for (let k = 1 + random.below(4); k > 0; k--) {
      const at = bodyPlace(frame, random);
      bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
    }
    return bytes;
  },
  "random bytes in the body": (frame, random) => {
    const bytes = copyOf(frame);
    for (let at = HEADER_END; at < bytes.length; at++) {
      if (random.below(8) === 0) bytes[at] = random.below(256);
    }
    return bytes;
  },
  "cut off": (frame, random) => frame.slice(0, 1 + random.below(frame.length)),
  "cut off, with the right size": (frame, random) =>
    sized(frame.slice(0, SIZE_BYTES + random.below(frame.length - SIZE_BYTES + 1))),
  "wrong size": (frame, random) => {
    const bytes = copyOf(frame);
    const right = bytes.length - SIZE_BYTES;
    const wrong = [0, 1, right - 1, right + 1, right + 4096, -1, 0x7fff_ffff, -0x8000_0000];
    put32(bytes, 0, random.of(wrong));
    return bytes;
  },
  "huge count": (frame, random) => overwrite(frame, random, HUGE),
  "bytes behind the body": (frame, random) => {
    const bytes = new Uint8Array(frame.length + 1 + random.below(64));
    bytes.set(frame);
    bytes.set(random.bytes(bytes.length - frame.length), frame.length);
    return sized(bytes);
  },
  "inserted bytes": (frame, random) => {
    const at = bodyPlace(frame, random);
    const more = random.bytes(1 + random.below(8));
    const bytes = new Uint8Array(frame.length + more.length);
    bytes.set(frame.subarray(0, at));
    bytes.set(more, at);
    bytes.set(frame.subarray(at), at + more.length);
    return sized(bytes);
  },
  "removed bytes": (frame, random) => {
    const at = bodyPlace(frame, random);
    const fewer = Math.min(1 + random.below(8), frame.length - at);
    const bytes = new Uint8Array(frame.length - fewer);
    bytes.set(frame.subarray(0, at));
    bytes.set(frame.subarray(at + fewer), at);
    return sized(bytes);
  },
  "unknown API": (frame, random) => {
    const bytes = copyOf(frame);
    put16(bytes, SIZE_BYTES, random.of([-1, -0x8000, 4, 5, 6, 7, 100, 999, 0x7fff]));
    return bytes;
  },
  "another API": (frame, random) => {
    const bytes = copyOf(frame);
    put16(bytes, SIZE_BYTES, random.below(80));
    return bytes;
  },
  // A header of the wrong form comes with it: where flexible versions begin, it gains a tag section.
  "another version": (frame, random) => {
    const bytes = copyOf(frame);
    put16(bytes, SIZE_BYTES + 2, random.below(20));
    return bytes;
  },
  "unknown version": (frame, random) => {
    const bytes = copyOf(frame);
    put16(bytes, SIZE_BYTES + 2, random.of([-1, -0x8000, 99, 1000, 0x7fff]));
    return bytes;
  },
  "wrong client id": (frame, random) => {
    const bytes = copyOf(frame);
    put16(bytes, CLIENT_ID_AT, random.of([-1, -2, 0, 1, 3, 100, 0x7fff]));
    return bytes;
  },
  "any correlation id": (frame, random) => {
    const bytes = copyOf(frame);
    put32(bytes, CORRELATION_AT, random.of([-1, 0, 0x7fff_ffff, -0x8000_0000]));
    return bytes;
  },
  "two frames in one": (frame, random, other) => {
    const from = random.below(other.length);
    const upTo = random.below(frame.length);
    const bytes = new Uint8Array(Math.max(SIZE_BYTES, upTo) + other.length - from);
    bytes.set(frame.subarray(0, upTo));
    bytes.set(other.subarray(from), Math.max(SIZE_BYTES, upTo));
    return sized(bytes);
  },
  garbage: (_frame, random) => random.bytes(1 + random.below(200)),
};

export const DAMAGE_NAMES: readonly string[] = Object.keys(DAMAGES);

export function damaged(
  name: string,
  frame: Uint8Array,
  random: Random,
  other: Uint8Array,
): Uint8Array {
  return (DAMAGES[name] as Damage)(frame, random, other);
}
