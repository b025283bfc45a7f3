// Looks through the uncompressed records of a batch that a producer sent: whatever passes can be read by every consumer,
// has the offsets that the header promises, and times that the topic takes. One pass, and nothing is allocated for a
// batch that is sound, because every produced record comes by here.
//
// A record: length varint, attributes i8, timestamp delta varlong, offset delta varint, key length varint (-1 for null)
// and key, value length and value likewise, header count varint, headers (key length, key, value length or -1, value).
import type { ByteRange } from "../bytes/byte-range.ts";

export interface RecordRules {
  /** Every record has a key: the topic is compacted. */
  readonly needsKeys: boolean;
  /** The broker's time takes the place of the records', so theirs may be anything. */
  readonly isStamped: boolean;
  /** Bounds of the records' times; a record without a time, -1, is always within. */
  readonly timestampMsMin: number;
  readonly timestampMsMax: number;
}

/** What the header says of the records. */
export interface RecordsClaim {
  readonly recordCount: number;
  readonly baseTimestampMs: number;
}

export type UnreadableReason =
  | "compression" // not what the codec says, cut off, or with more behind it
  | "count" // fewer or more records than the header says
  | "length" // a record that is longer or shorter than its fields
  | "number" // a variable-length number that does not end
  | "offset" // a record that is not at its place
  | "key"
  | "value"
  | "headers";

export type RecordsFault =
  /** The records cannot be read, although the sum holds: whoever sent them wrote them so. */
  | { readonly kind: "unreadable"; readonly reason: UnreadableReason }
  /** These records (the first of them, by their place) have no key, and need one. */
  | { readonly kind: "keyless"; readonly records: readonly number[] }
  /** The first time that the topic does not take, and the places of all that are at fault. */
  | {
      readonly kind: "invalid-timestamp";
      readonly timestampMs: number;
      readonly records: readonly number[];
    };

/** "too-long": there is more to look at than was allowed. Otherwise the records are sound, or the fault. */
export type Inspection = "sound" | "too-long" | RecordsFault;

/** Records at fault that are named. */
const NAMED_MAX = 1_000;
const NO_TIMESTAMP = -1;

export class RecordInspector {
  /** The latest time of sound records; -1 when none has one. Means nothing where the broker stamps. */
  maxTimestampMs = NO_TIMESTAMP;
  /** Records and headers that were looked at. */
  steps = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** The first byte that must not be read: the end of the payload, then that of the current record. */
  #limit = 0;
  #stepsMax = 0;
  #reason: UnreadableReason | "too-long" | null = null;
  #isKeyless = false;
  #timestampDelta = 0;
  #blamed: number[] | null = null;
  #badTimestampMs: number | null = null;

  /** Stops after `stepsMax` records and headers. */
  inspect(
    payload: ByteRange,
    claim: RecordsClaim,
    rules: RecordRules,
    stepsMax = Number.MAX_SAFE_INTEGER,
  ): Inspection {
    this.#begin(payload, stepsMax);
    const { end } = payload;
    const { recordCount, baseTimestampMs } = claim;
    for (let place = 0; place < recordCount; place++) {
      this.#limit = end;
      this.#passRecord(place);
      if (this.#reason !== null) return this.#refusal(this.#reason);
      if (rules.needsKeys && this.#isKeyless) this.#blame(place);
      else this.#judgeTime(baseTimestampMs, rules, place);
    }
    if (this.#at !== end) return this.#refusal("count");
    return this.#verdict();
  }

  #begin(payload: ByteRange, stepsMax: number): void {
    this.#bytes = payload.bytes;
    this.#at = payload.start;
    this.#stepsMax = stepsMax;
    this.#reason = null;
    this.#blamed = null;
    this.#badTimestampMs = null;
    this.maxTimestampMs = NO_TIMESTAMP;
    this.steps = 0;
  }

  #refusal(reason: UnreadableReason | "too-long"): Inspection {
    return reason === "too-long" ? reason : { kind: "unreadable", reason };
  }

  #verdict(): Inspection {
    const records = this.#blamed;
    if (records === null) return "sound";
    const timestampMs = this.#badTimestampMs;
    // As Kafka has it: one impossible time makes it a matter of times.
    return timestampMs === null
      ? { kind: "keyless", records }
      : { kind: "invalid-timestamp", timestampMs, records };
  }

  #blame(place: number): void {
    this.#blamed ??= [];
    if (this.#blamed.length < NAMED_MAX) this.#blamed.push(place);
  }

  #judgeTime(baseTimestampMs: number, rules: RecordRules, place: number): void {
    const timestampMs = baseTimestampMs + this.#timestampDelta;
    if (!this.#isTaken(timestampMs, baseTimestampMs, rules)) {
      this.#badTimestampMs ??= timestampMs;
      this.#blame(place);
    } else if (timestampMs > this.maxTimestampMs) {
      this.maxTimestampMs = timestampMs;
    }
  }

  #isTaken(timestampMs: number, baseTimestampMs: number, rules: RecordRules): boolean {
    // Readers here know no numbers beyond the safe integers, and a sum of such is not what was sent.
    if (!Number.isSafeInteger(this.#timestampDelta)) return false;
    if (rules.isStamped) return true;
    if (!Number.isSafeInteger(baseTimestampMs) || !Number.isSafeInteger(timestampMs)) return false;
    if (timestampMs <= NO_TIMESTAMP) return timestampMs === NO_TIMESTAMP;
    return timestampMs >= rules.timestampMsMin && timestampMs <= rules.timestampMsMax;
  }

  /** Leaves a reason when the record is not sound. */
  #passRecord(place: number): void {
    if (this.#at === this.#limit) return this.#fail("count");
    if (++this.steps > this.#stepsMax) return this.#fail("too-long");
    const length = this.#varint();
    const end = this.#at + length;
    if (length < 0 || end > this.#limit) return this.#fail("length");
    this.#limit = end;
    this.#at++; // attributes, which mean nothing yet
    this.#timestampDelta = this.#varlong();
    if (this.#varint() !== place) return this.#fail("offset");
    this.#isKeyless = this.#passBlob("key");
    this.#passBlob("value");
    this.#passHeaders(this.#varint());
    if (this.#at !== end) this.#fail("length");
  }

  /** True: there is none. */
  #passBlob(what: UnreadableReason): boolean {
    const length = this.#varint();
    if (length < 0) {
      if (length !== -1) this.#fail(what);
      return true;
    }
    this.#at += length;
    if (this.#at > this.#limit) this.#fail(what);
    return false;
  }

  #passHeaders(count: number): void {
    if (count < 0) return this.#fail("headers");
    for (let passed = 0; passed < count; passed++) {
      if (this.#reason !== null) return;
      if (++this.steps > this.#stepsMax) return this.#fail("too-long");
      const hasKey = !this.#passBlob("headers");
      if (!hasKey) return this.#fail("headers");
      this.#passBlob("headers");
    }
  }

  /** The first reason stands: what follows is read from nowhere. */
  #fail(reason: UnreadableReason | "too-long"): void {
    this.#reason ??= reason;
    this.#at = this.#limit;
  }

  /** A signed 32-bit number, zig-zag encoded. */
  #varint(): number {
    const at = this.#at;
    if (at >= this.#limit) return this.#noNumber();
    const first = this.#bytes[at]!;
    if (first >= 0x80) return this.#longVarint();
    this.#at = at + 1;
    return (first >>> 1) ^ -(first & 1);
  }

  #longVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.#at >= this.#limit) return this.#noNumber();
      const next = this.#bytes[this.#at++]!;
      if (shift === 28 && next > 0x0f) return this.#noNumber();
      value |= (next & 0x7f) << shift;
      if (next < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    return this.#noNumber();
  }

  /** A signed 64-bit number; beyond the safe integers the nearest double. */
  #varlong(): number {
    let low = 0;
    let high = 0;
    for (let group = 0; group < 10; group++) {
      if (this.#at >= this.#limit) return this.#noNumber();
      const next = this.#bytes[this.#at++]!;
      const part = next & 0x7f;
      if (group < 4) low |= part << (7 * group);
      else high += part * 2 ** (7 * (group - 4));
      if (next < 0x80) {
        const half = (low >>> 1) + high * 0x800_0000;
        return (low & 1) === 0 ? half : -half - 1;
      }
    }
    return this.#noNumber();
  }

  #noNumber(): number {
    this.#fail("number");
    return 0;
  }
}
