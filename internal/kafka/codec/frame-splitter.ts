// Cuts a connection's byte stream into frames: a 32-bit size and that many bytes. A frame that arrived whole is
// handed out where it lies in the received bytes; only the pieces of a cut-up frame are copied, and memory for
// one grows with what has arrived, not with what its size field claims.
//
// Per chunk of received bytes: `push`, then `next` until it returns null, then `settle` before the bytes are
// gone. Whoever stops early, to slow a client down, settles too and goes on with `next` later.
import { takeBack } from "../../base/lent.ts";
import { readI32 } from "../../bytes/integers.ts";

export type FrameFault =
  | { readonly kind: "frame-size"; readonly sizeBytes: number }
  /** The size field is the beginning of a TLS handshake: a TLS client on a plaintext listener. */
  | { readonly kind: "tls-on-plaintext" };

const SIZE_BYTES = 4;
const TLS_HANDSHAKE = 0x1603;
/** Up to here a frame's memory is allocated at once. */
const EAGER_BYTES_MAX = 1 << 20;
/** A buffer up to this size is kept for the next cut-up frame. */
const KEPT_BYTES_MAX = 256 * 1024;
/** From here on memory that nobody uses is given back at once: the collector would leave it for minutes. */
const FREED_BYTES_MIN = 1 << 20;
const NO_BYTES = new Uint8Array(0);

export class FrameSplitter {
  /** The largest frame that is accepted; smaller while a client has not authenticated. */
  frameBytesMax: number;
  fault: FrameFault | null = null;
  /** The frame found last, without its size field. Lent until the next call of any method. */
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;
  /** Copied bytes that have not been handed out: from `#heldStart` to `#heldEnd` of `#held`. */
  #held: Uint8Array = NO_BYTES;
  #heldStart = 0;
  #heldEnd = 0;
  /** Whether a frame in `#held` was handed out: then others may know those bytes. */
  #isShared = false;
  #lent: Uint8Array = NO_BYTES;
  #lentAt = 0;

  constructor(frameBytesMax: number) {
    this.frameBytesMax = frameBytesMax;
  }

  /** Memory that this connection's unfinished frame occupies. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /** Offers received bytes, lent until `settle`. What was offered before has been settled. */
  push(bytes: Uint8Array): void {
    this.#lent = bytes;
    this.#lentAt = 0;
  }

  /** Whether another whole frame was found; then `bytes`, `start` and `end` say where. False after a fault. */
  next(): boolean {
    this.#reclaim();
    if (this.fault !== null) return false;
    return this.#heldEnd > this.#heldStart ? this.#nextHeld() : this.#nextLent();
  }

  /** Nobody reads the frame found last any more. One that lies in what was pushed is the wire's to take back. */
  #reclaim(): void {
    if (this.bytes !== this.#lent) takeBack(this.bytes, this.start, this.end);
    this.bytes = NO_BYTES;
    this.start = 0;
    this.end = 0;
  }

  #nextLent(): boolean {
    const available = this.#lent.length - this.#lentAt;
    if (available < SIZE_BYTES) return false;
    const size = readI32(this.#lent, this.#lentAt);
    if (!this.#admits(size) || available - SIZE_BYTES < size) return false;
    const start = this.#lentAt + SIZE_BYTES;
    this.#lentAt = start + size;
    return this.#found(this.#lent, start, start + size);
  }

  #nextHeld(): boolean {
    if (!this.#topUp(SIZE_BYTES)) return false;
    const size = readI32(this.#held, this.#heldStart);
    if (!this.#admits(size) || !this.#topUp(SIZE_BYTES + size)) return false;
    const start = this.#heldStart + SIZE_BYTES;
    const bytes = this.#held;
    this.#isShared = true;
    this.#heldStart = start + size;
    if (this.#heldStart === this.#heldEnd) {
      this.#heldStart = 0;
      this.#heldEnd = 0;
      if (bytes.length > KEPT_BYTES_MAX) this.#freeHeld();
    }
    return this.#found(bytes, start, start + size);
  }

  /** Moves lent bytes behind the held ones until those are `wanted`. False when there are too few. */
  #topUp(wanted: number): boolean {
    const missing = wanted - (this.#heldEnd - this.#heldStart);
    if (missing <= 0) return true;
    const count = Math.min(missing, this.#lent.length - this.#lentAt);
    this.#hold(count, wanted);
    return count === missing;
  }

  #hold(count: number, wanted: number): void {
    const length = this.#heldEnd - this.#heldStart;
    if (this.#heldEnd + count > this.#held.length) {
      const eager = Math.min(wanted, EAGER_BYTES_MAX);
      const needed = Math.max(length + count, eager);
      // Doubling keeps the copying of a frame that arrives in many pieces linear.
      const isFirst = this.#held.length === 0;
      const room = isFirst ? needed : Math.max(needed, Math.min(wanted, length * 2));
      if (this.#held.length >= room) this.#held.copyWithin(0, this.#heldStart, this.#heldEnd);
      else this.#moveTo(new Uint8Array(room));
      this.#heldStart = 0;
      this.#heldEnd = length;
    }
    this.#held.set(this.#lent.subarray(this.#lentAt, this.#lentAt + count), this.#heldEnd);
    this.#heldEnd += count;
    this.#lentAt += count;
  }

  #moveTo(target: Uint8Array): void {
    target.set(this.#held.subarray(this.#heldStart, this.#heldEnd));
    this.#freeHeld();
    this.#held = target;
  }

  #freeHeld(): void {
    const { buffer, length } = this.#held;
    this.#held = NO_BYTES;
    if (!this.#isShared && length >= FREED_BYTES_MIN) (buffer as ArrayBuffer).transfer(0);
    this.#isShared = false;
  }

  /** Forgets the unfinished frame: the connection is over. */
  drop(): void {
    this.#heldStart = 0;
    this.#heldEnd = 0;
    this.#freeHeld();
  }

  /** Copies what was not handed out. Afterwards the pushed bytes are no longer needed. */
  settle(): void {
    this.#reclaim();
    const rest = this.#lent.length - this.#lentAt;
    if (rest > 0 && this.fault === null) this.#hold(rest, this.#expectedBytes(rest));
    this.#lent = NO_BYTES;
    this.#lentAt = 0;
  }

  /** How much memory the unread bytes will need once the frame that they begin is complete. */
  #expectedBytes(rest: number): number {
    const held = this.#heldEnd - this.#heldStart;
    if (held > 0 || rest < SIZE_BYTES) return held + rest;
    const size = readI32(this.#lent, this.#lentAt);
    return size > 0 && size <= this.frameBytesMax ? Math.max(rest, SIZE_BYTES + size) : rest;
  }

  #admits(size: number): boolean {
    if (size >= 0 && size <= this.frameBytesMax) return true;
    const isTls = size >>> 16 === TLS_HANDSHAKE;
    this.fault = isTls ? { kind: "tls-on-plaintext" } : { kind: "frame-size", sizeBytes: size };
    return false;
  }

  #found(bytes: Uint8Array, start: number, end: number): boolean {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    return true;
  }
}
