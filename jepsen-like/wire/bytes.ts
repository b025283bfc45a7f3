// Kafka's primitive types, for the flexible versions that this program speaks: big-endian integers, unsigned varints,
// compact strings and arrays, tag sections. Offsets and ids are read as numbers; one that does not fit is an error.

/** An answer that does not follow the protocol. */
export class MalformedAnswer extends Error {
  override readonly name = "MalformedAnswer";
}

export class ByteWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(capacity = 512) {
    this.#bytes = Buffer.alloc(capacity);
  }

  #room(bytes: number): number {
    const at = this.#length;
    if (at + bytes > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(this.#bytes.length * 2, at + bytes));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    this.#length = at + bytes;
    return at;
  }

  int8(value: number): this {
    const at = this.#room(1);
    this.#bytes.writeInt8(value, at);
    return this;
  }

  bool(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  int16(value: number): this {
    const at = this.#room(2);
    this.#bytes.writeInt16BE(value, at);
    return this;
  }

  int32(value: number): this {
    const at = this.#room(4);
    this.#bytes.writeInt32BE(value, at);
    return this;
  }

  uint32(value: number): this {
    const at = this.#room(4);
    this.#bytes.writeUInt32BE(value, at);
    return this;
  }

  int64(value: number): this {
    const at = this.#room(8);
    this.#bytes.writeInt32BE(Math.floor(value / 2 ** 32), at);
    this.#bytes.writeUInt32BE(value - Math.floor(value / 2 ** 32) * 2 ** 32, at + 4);
    return this;
  }

  uvarint(value: number): this {
    let rest = value;
    while (rest > 0x7f) {
      const at = this.#room(1);
      this.#bytes.writeUInt8((rest & 0x7f) | 0x80, at);
      rest >>>= 7;
    }
    const at = this.#room(1);
    this.#bytes.writeUInt8(rest, at);
    return this;
  }

  /** Zigzag, 32 bits: what records use. */
  varint(value: number): this {
    return this.uvarint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  raw(bytes: Uint8Array): this {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** A string with a 16-bit length, as in request headers. */
  string16(text: string): this {
    const bytes = Buffer.from(text);
    return this.int16(bytes.length).raw(bytes);
  }

  string(text: string | null): this {
    if (text === null) return this.uvarint(0);
    const bytes = Buffer.from(text);
    return this.uvarint(bytes.length + 1).raw(bytes);
  }

  bytes(bytes: Uint8Array): this {
    return this.uvarint(bytes.length + 1).raw(bytes);
  }

  array<T>(items: readonly T[], write: (item: T) => void): this {
    this.uvarint(items.length + 1);
    for (const item of items) write(item);
    return this;
  }

  nullArray(): this {
    return this.uvarint(0);
  }

  /** The empty tag section that ends every structure. */
  tags(): this {
    return this.uvarint(0);
  }

  /** Overwrites a 32-bit number that was written before. */
  patchUint32(at: number, value: number): void {
    this.#bytes.writeUInt32BE(value, at);
  }

  get length(): number {
    return this.#length;
  }

  /** The bytes so far; valid until the next write. */
  get view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}

export class ByteReader {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  get at(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (bytes < 0 || bytes > this.#end - at) throw new MalformedAnswer("ends too early");
    this.#at = at + bytes;
    return at;
  }

  int8(): number {
    return this.#bytes.readInt8(this.#take(1));
  }

  bool(): boolean {
    return this.int8() !== 0;
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  int64(): number {
    const at = this.#take(8);
    const value = this.#bytes.readInt32BE(at) * 2 ** 32 + this.#bytes.readUInt32BE(at + 4);
    if (!Number.isSafeInteger(value)) throw new MalformedAnswer("holds a number beyond 2^53");
    return value;
  }

  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.#take(1)] as number;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new MalformedAnswer("holds a varint without end");
  }

  varint(): number {
    const raw = this.uvarint();
    return (raw >>> 1) ^ -(raw & 1);
  }

  /** Zigzag, 64 bits: the time of a record relative to its batch. */
  varlong(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#take(1)] as number;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    throw new MalformedAnswer("holds a varint without end");
  }

  /** Views, not copies. */
  raw(length: number): Buffer {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  string(): string | null {
    const length = this.uvarint();
    return length === 0 ? null : this.raw(length - 1).toString();
  }

  bytes(): Buffer | null {
    const length = this.uvarint();
    return length === 0 ? null : this.raw(length - 1);
  }

  /** A null array reads as an empty one. */
  array<T>(read: () => T): T[] {
    const count = this.uvarint() - 1;
    if (count > this.remaining) throw new MalformedAnswer("counts more items than it has bytes");
    const items: T[] = [];
    for (let k = 0; k < count; k++) items.push(read());
    return items;
  }

  /** Skips a tag section; this program needs no tagged field. */
  tags(): void {
    for (let count = this.uvarint(); count > 0; count--) {
      this.uvarint();
      this.raw(this.uvarint());
    }
  }
}
