// A bounds-checked cursor over bytes from outside. It never throws: the first read that cannot be
// satisfied records a fault and moves the cursor to the end, every later read answers an empty
// value, and whoever started the decoding looks at `fault` once, when it is done. Integers are big
// endian. A 64-bit integer is read as two halves into a safe integer; one outside that range is a
// fault. Byte views and ranges are lent: they share the memory that the reader was given.
import { readText } from "./text.ts";
import { readUuid } from "./uuid.ts";

export type DecodeFaultKind =
  | "truncated" // the bytes end inside a value
  | "bad-length" // a negative length, or one beyond what is left
  | "bad-number" // a variable-length number that is too long, or a 64-bit one that is not safe
  | "bad-null" // null where the version has no null
  | "bad-tags" // tags that do not ascend, or a tagged field that is not as long as it says
  | "too-many-items"; // more array items than one message may have

export interface DecodeFault {
  readonly kind: DecodeFaultKind;
  /** The position in the reader's bytes at which decoding stopped. */
  readonly at: number;
}

/** How many array items one message may have, however many its bytes could hold. */
const ITEMS_MAX = 1 << 20;
const NO_BYTES = new Uint8Array(0);
const TWO_32 = 0x1_0000_0000;

export class Reader {
  bytes: Uint8Array;
  /** The next byte to be read. */
  at: number;
  /** The first byte that must not be read. */
  end: number;
  fault: DecodeFault | null = null;
  #view: DataView;
  #itemsMax = ITEMS_MAX;
  #itemsLeft = ITEMS_MAX;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = start;
    this.end = end;
  }

  /** Starts over on other bytes, so that a connection needs one reader and one view per buffer. */
  rebind(bytes: Uint8Array, start: number, end: number): void {
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.at = start;
    this.end = end;
    this.fault = null;
    this.#itemsLeft = this.#itemsMax;
  }

  /** Lowers the limit of array items, for what is read from now on and after each `rebind`. */
  limitItems(itemsMax: number): void {
    this.#itemsMax = Math.min(itemsMax, ITEMS_MAX);
    this.#itemsLeft = this.#itemsMax;
  }

  get remaining(): number {
    return this.end - this.at;
  }

  /** Records the first fault. Answers 0 so that a numeric read can return it. */
  fail(kind: DecodeFaultKind): 0 {
    this.fault ??= { kind, at: this.at };
    this.at = this.end;
    return 0;
  }

  #take(length: number): number {
    const at = this.at;
    if (at + length > this.end) {
      this.fail("truncated");
      return -1;
    }
    this.at = at + length;
    return at;
  }

  i8(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : this.#view.getInt8(at);
  }

  u8(): number {
    return this.at < this.end ? this.bytes[this.at++]! : this.fail("truncated");
  }

  bool(): boolean {
    return this.u8() !== 0;
  }

  i16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : this.#view.getInt16(at);
  }

  u16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : this.#view.getUint16(at);
  }

  i32(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : this.#view.getInt32(at);
  }

  u32(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : this.#view.getUint32(at);
  }

  f64(): number {
    const at = this.#take(8);
    return at < 0 ? 0 : this.#view.getFloat64(at);
  }

  i64(): number {
    const at = this.#take(8);
    if (at < 0) return 0;
    const value = this.#view.getInt32(at) * TWO_32 + this.#view.getUint32(at + 4);
    return Number.isSafeInteger(value) ? value : this.fail("bad-number");
  }

  /** An unsigned 32-bit number in 1 to 5 bytes of 7 bits, low group first. */
  uvarint(): number {
    const first = this.u8();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let shift = 7; shift < 28; shift += 7) {
      const next = this.u8();
      value |= (next & 0x7f) << shift;
      if (next < 0x80) return value;
    }
    const last = this.u8();
    if (last > 0x0f) return this.fail("bad-number");
    return value + last * 0x1000_0000;
  }

  /** A signed 32-bit number, zig-zag encoded. */
  varint(): number {
    const raw = this.uvarint();
    return (raw >>> 1) ^ -(raw & 1);
  }

  /** A signed 64-bit number, zig-zag encoded in up to 10 bytes, as a safe integer. */
  varlong(): number {
    let low = 0;
    let middle = 0;
    let high = 0;
    for (let group = 0; group < 10; group++) {
      const next = this.u8();
      const part = next & 0x7f;
      if (group < 4) low |= part << (7 * group);
      else if (group < 8) middle |= part << (7 * (group - 4));
      else high |= part << (7 * (group - 8));
      if (next < 0x80) {
        const half = (low >>> 1) + middle * 0x800_0000 + high * 2 ** 55;
        const value = (low & 1) === 0 ? half : -half - 1;
        return Number.isSafeInteger(value) ? value : this.fail("bad-number");
      }
    }
    return this.fail("bad-number");
  }

  /** 16 bytes as 22 characters of URL-safe base64; sixteen zero bytes are the empty text. */
  uuid(): string {
    const at = this.#take(16);
    return at < 0 ? "" : readUuid(this.#view, at);
  }

  /** UTF-8 text of a known length. Ill-formed sequences become U+FFFD, as Kafka reads them. */
  text(length: number): string {
    const at = this.#skip(length);
    return at < 0 ? "" : readText(this.bytes, at, at + length);
  }

  /** A view of the next bytes. Lent. */
  view(length: number): Uint8Array {
    const at = this.#skip(length);
    return at < 0 ? NO_BYTES : this.bytes.subarray(at, at + length);
  }

  /** Passes over `length` bytes. */
  skip(length: number): void {
    this.#skip(length);
  }

  #skip(length: number): number {
    if (length < 0 || length > this.end - this.at) {
      this.fail("bad-length");
      return -1;
    }
    const at = this.at;
    this.at = at + length;
    return at;
  }

  /** A string behind a 16-bit length, which must not be the null length. */
  string(): string {
    return this.text(this.#presentLength(this.i16()));
  }

  stringOrNull(): string | null {
    const length = this.i16();
    return length === -1 && this.fault === null ? null : this.text(length);
  }

  compactString(): string {
    return this.text(this.#presentLength(this.compactLength()));
  }

  compactStringOrNull(): string | null {
    const length = this.compactLength();
    return length === -1 && this.fault === null ? null : this.text(length);
  }

  /** The length of a compact string, byte string or array: stored plus one, so that 0 means null (-1). */
  compactLength(): number {
    const stored = this.uvarint();
    return this.fault === null ? stored - 1 : 0;
  }

  #presentLength(length: number): number {
    if (length === -1) return this.fail("bad-null");
    return length;
  }

  /**
   * Accepts an array's count only when that many items of at least `itemBytesMin` bytes can follow, so that a
   * hostile count allocates nothing, and when the whole message stays below its limit of items.
   */
  admitItems(count: number, itemBytesMin: number): number {
    if (count < 0 || count > this.remaining / itemBytesMin) return this.fail("bad-length");
    this.#itemsLeft -= count;
    if (this.#itemsLeft < 0) return this.fail("too-many-items");
    return count;
  }
}
