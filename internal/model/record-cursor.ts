// Walks the records of one uncompressed payload without making an object for each. After `next` returns true
// the fields describe the current record by positions in `bytes`; whoever needs bytes takes a view.
//
// A record: length varint, attributes i8, timestamp delta varlong, offset delta varint, key length varint (-1
// for null) and key, value length and value likewise, header count varint, headers (key length, key, value
// length or -1, value).
import type { ByteRange } from "../bytes/byte-range.ts";
import { Reader } from "../bytes/reader.ts";

export interface RecordHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

export class RecordCursor {
  readonly bytes: Uint8Array;
  /** Where the current record's length field is, and the first byte behind the record. */
  recordStart = 0;
  recordEnd = 0;
  offsetDelta = 0;
  timestampDelta = 0;
  /** -1 when the key is null. */
  keyStart = -1;
  keyEnd = -1;
  /** -1 when the value is null: a tombstone. */
  valueStart = -1;
  valueEnd = -1;
  headerCount = 0;
  /** True once a record did not parse; the cursor then stays at its end. */
  isCorrupt = false;
  #left: number;
  readonly #reader: Reader;
  readonly #headers: Reader;

  /** `payload` holds `recordCount` records, as the batch's header says. */
  constructor(payload: ByteRange, recordCount: number) {
    this.bytes = payload.bytes;
    this.#left = recordCount;
    this.#reader = new Reader(payload.bytes, payload.start, payload.end);
    this.#headers = new Reader(payload.bytes, payload.start, payload.start);
  }

  /** Moves to the next record. False behind the last one and after a corrupt one: look at `isCorrupt`. */
  next(): boolean {
    const reader = this.#reader;
    if (this.isCorrupt) return false;
    if (this.#left <= 0) {
      if (reader.remaining !== 0) this.isCorrupt = true;
      return false;
    }
    this.#left--;
    this.recordStart = reader.at;
    const length = reader.varint();
    if (reader.fault !== null || length < 0 || length > reader.remaining) return this.#refuse();
    const payloadEnd = reader.end;
    reader.end = reader.at + length;
    this.recordEnd = reader.end;
    this.#readFields(reader);
    if (reader.fault !== null || reader.at !== this.recordEnd) return this.#refuse();
    reader.end = payloadEnd;
    return true;
  }

  #readFields(reader: Reader): void {
    reader.i8();
    this.timestampDelta = reader.varlong();
    this.offsetDelta = reader.varint();
    const keyLength = reader.varint();
    this.keyStart = keyLength < 0 ? -1 : reader.at;
    this.keyEnd = keyLength < 0 ? -1 : reader.at + keyLength;
    if (keyLength > 0) reader.skip(keyLength);
    const valueLength = reader.varint();
    this.valueStart = valueLength < 0 ? -1 : reader.at;
    this.valueEnd = valueLength < 0 ? -1 : reader.at + valueLength;
    if (valueLength > 0) reader.skip(valueLength);
    if (keyLength < -1 || valueLength < -1) reader.fail("bad-length");
    this.headerCount = reader.varint();
    this.#headers.rebind(this.bytes, reader.at, reader.end);
    if (this.headerCount < 0) reader.fail("bad-length");
    for (let read = 0; read < this.headerCount && reader.fault === null; read++) {
      reader.skip(reader.varint());
      const length = reader.varint();
      if (length !== -1) reader.skip(length);
    }
  }

  #refuse(): boolean {
    this.isCorrupt = true;
    return false;
  }

  /** The current record's key. Lent. */
  keyView(): Uint8Array | null {
    return this.keyStart < 0 ? null : this.bytes.subarray(this.keyStart, this.keyEnd);
  }

  /** The current record's value. Lent. */
  valueView(): Uint8Array | null {
    return this.valueStart < 0 ? null : this.bytes.subarray(this.valueStart, this.valueEnd);
  }

  /** The current record's headers, in order, duplicates kept. Values are lent; may be asked for once. */
  readHeaders(): readonly RecordHeader[] {
    const headers: RecordHeader[] = [];
    const reader = this.#headers;
    for (let read = 0; read < this.headerCount; read++) {
      const key = reader.text(reader.varint());
      const length = reader.varint();
      headers.push({ key, value: length < 0 ? null : reader.view(length) });
    }
    return headers;
  }
}
