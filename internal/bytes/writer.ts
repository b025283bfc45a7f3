// A growing output of frames. Small values are written into a block; large byte ranges are lent to the
// output instead of being copied, which is why the result is a list of chunks. A writer serves any
// number of connections one frame after another: chunks of small frames share a block, and a block is
// never written twice, so a chunk stays valid for as long as a socket holds it.
// Writing numbers out of range is a bug and asserts. Text too long for its length field is a fault,
// because a hostile name can get that far: the frame is dropped and `fault` says so.
import { assert } from "../base/assert.ts";
import { textBytes, writeText } from "./text.ts";
import { writeUuid } from "./uuid.ts";

export type EncodeFault = { readonly kind: "too-long" } | { readonly kind: "bad-uuid" };

const BLOCK_BYTES = 16 * 1024;
/** From this size on a byte range is lent; below it, a copy is cheaper than another chunk. */
const LEND_BYTES_MIN = 1024;
const TWO_32 = 0x1_0000_0000;
const I16_MAX = 0x7fff;

export class Writer {
  fault: EncodeFault | null = null;
  #block: Uint8Array;
  #view: DataView;
  #at = 0;
  /** Where in the block the open chunk begins. */
  #chunkStart = 0;
  #chunks: Uint8Array[] = [];
  #closedBytes = 0;

  constructor(blockBytes = BLOCK_BYTES) {
    this.#block = new Uint8Array(blockBytes);
    this.#view = new DataView(this.#block.buffer);
  }

  /** Bytes written since the last `take`. */
  get length(): number {
    return this.#closedBytes + this.#at - this.#chunkStart;
  }

  #reserve(length: number): number {
    const at = this.#at;
    if (at + length <= this.#block.length) {
      this.#at = at + length;
      return at;
    }
    return this.#grow(length);
  }

  #grow(length: number): number {
    const open = this.#block.subarray(this.#chunkStart, this.#at);
    const needed = open.length + length;
    const block = new Uint8Array(Math.max(BLOCK_BYTES, this.#block.length, needed * 2));
    block.set(open);
    this.#block = block;
    this.#view = new DataView(block.buffer);
    this.#chunkStart = 0;
    this.#at = needed;
    return open.length;
  }

  #closeChunk(): void {
    if (this.#at === this.#chunkStart) return;
    this.#chunks.push(this.#block.subarray(this.#chunkStart, this.#at));
    this.#closedBytes += this.#at - this.#chunkStart;
    this.#chunkStart = this.#at;
  }

  /** Everything written since the last call, given away. The writer goes on behind it. */
  take(): Uint8Array[] {
    this.#closeChunk();
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#closedBytes = 0;
    this.fault = null;
    return chunks;
  }

  /** The same as one array, with room in front; for tests, clients and small values. */
  takeJoined(room = 0): Uint8Array {
    const joined = new Uint8Array(room + this.length);
    if (this.#chunks.length === 0) {
      joined.set(this.#block.subarray(this.#chunkStart, this.#at), room);
      this.discard(); // nobody holds what was copied
      return joined;
    }
    let at = room;
    for (const chunk of this.take()) {
      joined.set(chunk, at);
      at += chunk.length;
    }
    return joined;
  }

  /** Forgets everything written since the last `take`, and the fault. */
  discard(): void {
    this.#chunks = [];
    this.#closedBytes = 0;
    this.#at = this.#chunkStart;
    this.fault = null;
  }

  fail(fault: EncodeFault): void {
    this.fault ??= fault;
  }

  i8(value: number): void {
    assert(value === (value << 24) >> 24, "a written i8 fits");
    const at = this.#reserve(1);
    this.#block[at] = value;
  }

  u8(value: number): void {
    assert(value === (value & 0xff), "a written u8 fits");
    const at = this.#reserve(1);
    this.#block[at] = value;
  }

  bool(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  i16(value: number): void {
    assert(value === (value << 16) >> 16, "a written i16 fits");
    const at = this.#reserve(2);
    this.#view.setInt16(at, value);
  }

  u16(value: number): void {
    assert(value === (value & 0xffff), "a written u16 fits");
    const at = this.#reserve(2);
    this.#view.setUint16(at, value);
  }

  i32(value: number): void {
    assert(value === (value | 0), "a written i32 fits");
    const at = this.#reserve(4);
    this.#view.setInt32(at, value);
  }

  u32(value: number): void {
    assert(value === value >>> 0, "a written u32 fits");
    const at = this.#reserve(4);
    this.#view.setUint32(at, value);
  }

  i64(value: number): void {
    assert(Number.isSafeInteger(value), "a written i64 is a safe integer");
    const at = this.#reserve(8);
    this.#view.setInt32(at, Math.floor(value / TWO_32));
    this.#view.setUint32(at + 4, value >>> 0);
  }

  f64(value: number): void {
    const at = this.#reserve(8);
    this.#view.setFloat64(at, value);
  }

  uvarint(value: number): void {
    assert(value === value >>> 0, "a written uvarint is an unsigned 32-bit number");
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.u8(rest);
  }

  varint(value: number): void {
    assert(value === (value | 0), "a written varint fits in 32 bits");
    this.uvarint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  varlong(value: number): void {
    assert(Number.isSafeInteger(value), "a written varlong is a safe integer");
    const sign = value < 0 ? 1 : 0;
    let rest = value < 0 ? -(value + 1) : value;
    // The first byte carries the sign and six bits, so nothing is ever doubled beyond 2^53.
    let part = (rest % 64) * 2 + sign;
    rest = Math.floor(rest / 64);
    while (rest > 0) {
      this.u8(part | 0x80);
      part = rest % 128;
      rest = Math.floor(rest / 128);
    }
    this.u8(part);
  }

  /** 22 characters of URL-safe base64, or the empty text for "none". */
  uuid(text: string): void {
    const at = this.#reserve(16);
    if (!writeUuid(this.#block, at, text)) this.fail({ kind: "bad-uuid" });
  }

  /** The UTF-8 bytes alone, `length` = `textBytes(text)` of them. */
  text(text: string, length: number): void {
    const at = this.#reserve(length);
    writeText(this.#block, at, text, length);
  }

  string(text: string): void {
    const length = textBytes(text);
    if (length > I16_MAX) {
      this.fail({ kind: "too-long" });
      return;
    }
    this.i16(length);
    this.text(text, length);
  }

  compactString(text: string): void {
    const length = textBytes(text);
    this.uvarint(length + 1);
    this.text(text, length);
  }

  /** A copy of the bytes. */
  copy(bytes: Uint8Array, start: number, end: number): void {
    const at = this.#reserve(end - start);
    if (start === 0 && end === bytes.length) this.#block.set(bytes, at);
    else this.#block.set(bytes.subarray(start, end), at);
  }

  /** The bytes themselves when they are many: they must not change until the chunks are flushed. */
  lend(bytes: Uint8Array, start: number, end: number): void {
    if (end - start < LEND_BYTES_MIN) {
      this.copy(bytes, start, end);
      return;
    }
    this.#closeChunk();
    this.#chunks.push(bytes.subarray(start, end));
    this.#closedBytes += end - start;
  }

  /**
   * Leaves room for a 32-bit length in front of what follows and answers a mark for `endSized`. Marks
   * may be nested, and chunks may be lent between the two calls.
   */
  beginSized(): SizedMark {
    const mark = { chunk: this.#chunks.length, at: 0, from: 0 };
    const at = this.#reserve(4);
    mark.at = at - this.#chunkStart;
    mark.from = this.length;
    return mark;
  }

  /** Writes the number of bytes since `beginSized` into the room left there. */
  endSized(mark: SizedMark): void {
    const size = this.length - mark.from;
    const closed = this.#chunks[mark.chunk];
    if (closed === undefined) {
      this.#view.setInt32(this.#chunkStart + mark.at, size);
      return;
    }
    closed[mark.at] = size >>> 24;
    closed[mark.at + 1] = size >>> 16;
    closed[mark.at + 2] = size >>> 8;
    closed[mark.at + 3] = size;
  }
}

/** Where a length will be written: the chunk it is in, and its offset there. */
interface SizedMark {
  readonly chunk: number;
  readonly at: number;
  readonly from: number;
}
