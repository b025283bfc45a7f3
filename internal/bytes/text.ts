// UTF-8 text in and out of byte buffers. Brokers read the same short names all day (topics, groups,
// client ids), so short ASCII text is looked up in a small direct-mapped table before a new string is
// made: a hit costs no allocation and returns a string whose hash is already known.

const SLOTS = 1024;
const CACHED_LENGTH_MAX = 64;
// A byte order mark is content here: what was written is what is read back.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();
const cached: string[] = new Array<string>(SLOTS).fill("");

/** The text in bytes `start` to `end`. Ill-formed sequences become U+FFFD. */
export function readText(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length === 0) return "";
  if (length > CACHED_LENGTH_MAX) return decoder.decode(bytes.subarray(start, end));
  let hash = length;
  let seen = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    hash = (Math.imul(hash, 31) + byte) | 0;
    seen |= byte;
  }
  if (seen >= 0x80) return decoder.decode(bytes.subarray(start, end));
  const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
  const known = cached[slot]!;
  if (matches(known, bytes, start, length)) return known;
  const text = decoder.decode(bytes.subarray(start, end));
  cached[slot] = text;
  return text;
}

function matches(text: string, bytes: Uint8Array, start: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let index = 0; index < length; index++) {
    if (text.charCodeAt(index) !== bytes[start + index]) return false;
  }
  return true;
}

/** How many bytes the text takes in UTF-8. A lone surrogate counts as the U+FFFD that it is written as. */
export function textBytes(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    bytes += unit < 0x800 ? 1 : 2;
    if (unit >= 0xd800 && unit < 0xdc00 && isLowSurrogate(text.charCodeAt(index + 1))) index++;
  }
  return bytes;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}

/** Writes the text at `at`; the caller has made room for `length` = `textBytes(text)` bytes. */
export function writeText(bytes: Uint8Array, at: number, text: string, length: number): void {
  if (length !== text.length || length > CACHED_LENGTH_MAX) {
    encoder.encodeInto(text, bytes.subarray(at, at + length));
    return;
  }
  for (let index = 0; index < length; index++) bytes[at + index] = text.charCodeAt(index);
}
