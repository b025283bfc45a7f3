// The memory that holds the newest payloads: a ring which is written by `copy`, to the disk and to sockets straight
// from it, and read by consumers of the tail. A payload lies at its stream position modulo the size of the ring.
// A segment of the ring is overwritten only when what it held is durable and nobody has pinned it.
import { assert } from "../base/assert.ts";
import type { PayloadPosition } from "../model/ids.ts";

const SEGMENT_BYTES_MAX = 1 << 20;
const SEGMENTS_MIN = 8;

export class Arena {
  readonly bytes: Uint8Array;
  readonly #segmentBytes: number;
  readonly #segments: number;
  /** How many readers hold each segment of the ring. */
  readonly #pins: Int32Array;
  /** Where the next payload goes. */
  #position = 0;
  /** Number of the last segment of the stream (not of the ring) that was entered; -1 before the first. */
  #entered: number;
  #durable = 0;
  /** Before this position nothing was ever here. */
  readonly #oldest: number;

  /** `start` is the stream position to begin at; what lies before it was never in this arena. */
  constructor(bytes: Uint8Array, start: number) {
    const size = bytes.length;
    this.bytes = bytes;
    this.#segmentBytes = Math.min(SEGMENT_BYTES_MAX, size / SEGMENTS_MIN);
    this.#segments = size / this.#segmentBytes;
    assert(Number.isInteger(this.#segments), "the arena is a number of whole segments");
    this.#pins = new Int32Array(this.#segments);
    this.#position = Math.ceil(start / size) * size;
    this.#durable = this.#position;
    this.#entered = this.#position / this.#segmentBytes - 1;
    this.#oldest = this.#position;
  }

  get position(): PayloadPosition {
    return this.#position as PayloadPosition;
  }

  /** Bytes that no write has made durable yet. */
  get waitingBytes(): number {
    return this.#position - this.#durable;
  }

  /** True when the next `length` bytes would not follow the last ones in memory: then `skip` comes first. */
  wraps(length: number): boolean {
    const at = this.#position % this.bytes.length;
    return at === 0 || at + length > this.bytes.length;
  }

  /** Goes on at the ring's start. */
  skip(): void {
    this.#position = this.#ringStart();
  }

  /** True when a payload of `length` bytes and `marginBytes` after it could be put here now. */
  hasRoom(length: number, marginBytes: number): boolean {
    const start = this.wraps(length) ? this.#ringStart() : this.#position;
    // What a skip leaves out waits for no write: else what is longer than the rest of the ring might never fit.
    const durable = this.#durable === this.#position ? start : this.#durable;
    return this.#isFreeUpTo(start + length + marginBytes, durable);
  }

  /** Takes the next `length` bytes, which `hasRoom` found free; what they held is no longer found by `view`. */
  enter(length: number): void {
    const last = Math.floor((this.#position + length - 1) / this.#segmentBytes);
    if (last > this.#entered) this.#entered = last;
  }

  #ringStart(): number {
    return Math.ceil(this.#position / this.bytes.length) * this.bytes.length;
  }

  /** Segments that a skip leaves out count too: `view` must find what is pinned or not durable. */
  #isFreeUpTo(end: number, durable: number): boolean {
    const last = Math.floor((end - 1) / this.#segmentBytes);
    for (let each = this.#entered + 1; each <= last; each++) {
      if (this.#pins[each % this.#segments] !== 0) return false;
      const overwrittenEnd = (each + 1 - this.#segments) * this.#segmentBytes;
      if (overwrittenEnd > durable) return false;
    }
    return true;
  }

  /** Copies a payload to the position; `enter` took it before. */
  copy(from: Uint8Array, start: number, end: number): PayloadPosition {
    const position = this.#position;
    const whole = start === 0 && end === from.length;
    this.bytes.set(whole ? from : from.subarray(start, end), position % this.bytes.length);
    this.#position = position + (end - start);
    return position as PayloadPosition;
  }

  /** Everything before `position` is on disk. */
  durableUpTo(position: number): void {
    this.#durable = position;
  }

  /** The part of the ring that a range of the stream lies in; the caller knows that it is still there. */
  slice(start: number, end: number): Uint8Array {
    const at = start % this.bytes.length;
    return this.bytes.subarray(at, at + (end - start));
  }

  view(position: PayloadPosition, length: number): Uint8Array | null {
    if (!this.#holds(position, length)) return null;
    return this.slice(position, position + length);
  }

  /**
   * Whether a payload may be pinned: it is here, and in the half of the ring that is overwritten last. Were older ones
   * pinned too, readers that come one after another could keep the segment that is needed next for ever.
   */
  lends(position: PayloadPosition, length: number): boolean {
    return this.#holds(position, length) && position >= this.#position - this.bytes.length / 2;
  }

  pin(position: PayloadPosition, length: number): void {
    assert(this.lends(position, length), "pinned bytes are in the arena's newer half");
    this.#count(position, length, 1);
  }

  /** True when a segment became free. */
  unpin(position: PayloadPosition, length: number): boolean {
    return this.#count(position, length, -1);
  }

  #holds(position: number, length: number): boolean {
    if (position < this.#oldest || position + length > this.#position) return false;
    return Math.floor(position / this.#segmentBytes) > this.#entered - this.#segments;
  }

  #count(position: number, length: number, change: 1 | -1): boolean {
    const last = Math.floor((position + Math.max(length, 1) - 1) / this.#segmentBytes);
    let freed = false;
    for (let each = Math.floor(position / this.#segmentBytes); each <= last; each++) {
      const count = this.#pins[each % this.#segments]! + change;
      assert(count >= 0, "every unpin follows its pin");
      this.#pins[each % this.#segments] = count;
      if (count === 0) freed = true;
    }
    return freed;
  }
}
