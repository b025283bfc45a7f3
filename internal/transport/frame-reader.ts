// Cuts the byte stream of one connection into frames and checks them (docs/formats/link.md). A
// frame that is whole inside a chunk is handed out where it lies; one that is split is gathered in
// one carry buffer. While held, everything is kept in order and handed out after the release. The
// first fault stops it for good.
import { takeBack } from "../base/lent.ts";
import { crc32c } from "../bytes/crc32c.ts";
import { FRAME_HEADER_BYTES, PREAMBLE_BYTES, preambleVersion, FORMAT_VERSION } from "./frame.ts";
import { HANDSHAKE_BODY_BYTES_MAX } from "./limits.ts";

export type FrameFault =
  | { readonly kind: "not-a-link" }
  | { readonly kind: "version"; readonly version: number }
  | { readonly kind: "too-long"; readonly bodyBytes: number }
  | { readonly kind: "bad-header" }
  | { readonly kind: "bad-checksum" };

export interface FrameSink {
  /** One whole frame's body, lent until this returns. */
  frame(type: number, bytes: Uint8Array, start: number, end: number): void;
  /** The stream cannot be read further. Nothing more is handed out. */
  faulted(fault: FrameFault): void;
}

const CARRY_BYTES_MIN = 4 * 1024;
/** A carry buffer larger than this is given back once its frame was handed out. */
const CARRY_BYTES_KEPT = 2 * 1024 * 1024;
const NOTHING = new Uint8Array(0);

export class FrameReader {
  /** Raised once the handshake is over. */
  bodyBytesMax = HANDSHAKE_BODY_BYTES_MAX;
  readonly #sink: FrameSink;
  #carry: Uint8Array = NOTHING;
  #carried = 0;
  #sawPreamble = false;
  #held = false;
  #stopped = false;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Bytes kept because they are held or the beginning of a frame. */
  get carriedBytes(): number {
    return this.#carried;
  }

  get held(): boolean {
    return this.#held;
  }

  /** Nothing more is handed out, not even the rest of the chunk being read. */
  stop(): void {
    this.#stopped = true;
    this.#carry = NOTHING;
    this.#carried = 0;
  }

  hold(): void {
    this.#held = true;
  }

  /** Hands out what was held. Never called from inside `FrameSink.frame`. */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    if (this.#stopped || this.#carried === 0) return;
    const kept = this.#carry.subarray(0, this.#carried);
    this.#carry = NOTHING;
    this.#carried = 0;
    this.feed(kept);
  }

  feed(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && !this.#stopped) {
      if (this.#held) {
        this.#keep(chunk, at, chunk.length);
        return;
      }
      at = this.#carried > 0 ? this.#finishCarried(chunk, at) : this.#readWhole(chunk, at);
    }
  }

  /**
   * Reads one frame where it lies, or keeps its beginning. Answers the position behind what it
   * took.
   */
  #readWhole(chunk: Uint8Array, at: number): number {
    const needed = this.#needed(chunk, at, chunk.length - at);
    if (this.#stopped) return chunk.length;
    if (needed > chunk.length - at) {
      this.#keep(chunk, at, chunk.length);
      return chunk.length;
    }
    this.#handOut(chunk, at, needed);
    return at + needed;
  }

  /** Adds to the carried beginning of a frame; hands it out when it is whole. */
  #finishCarried(chunk: Uint8Array, at: number): number {
    const before = this.#needed(this.#carry, 0, this.#carried);
    if (this.#stopped) return chunk.length;
    const taken = Math.min(before - this.#carried, chunk.length - at);
    this.#keep(chunk, at, at + taken);
    // With its header complete, the frame may turn out to need more than that.
    const needed = this.#needed(this.#carry, 0, this.#carried);
    if (!this.#stopped && needed === this.#carried) {
      const frame = this.#carry;
      this.#carried = 0;
      this.#handOut(frame, 0, needed);
      takeBack(frame, 0, needed);
      if (this.#carry.length > CARRY_BYTES_KEPT && this.#carried === 0) this.#carry = NOTHING;
    }
    return at + taken;
  }

  /**
   * How many bytes the unit that begins at `at` needs, as far as its first `available` bytes tell.
   */
  #needed(bytes: Uint8Array, at: number, available: number): number {
    if (!this.#sawPreamble) return PREAMBLE_BYTES;
    if (available < FRAME_HEADER_BYTES) return FRAME_HEADER_BYTES;
    const bodyBytes = readU32(bytes, at + 4);
    if (bodyBytes > this.bodyBytesMax) {
      this.#fail({ kind: "too-long", bodyBytes });
      return 0;
    }
    return FRAME_HEADER_BYTES + bodyBytes;
  }

  #handOut(bytes: Uint8Array, at: number, length: number): void {
    if (!this.#sawPreamble) {
      this.#readPreamble(bytes, at);
      return;
    }
    const bodyAt = at + FRAME_HEADER_BYTES;
    const coveredBytes = readU32(bytes, at + 8);
    if (coveredBytes > length - FRAME_HEADER_BYTES || readU32(bytes, at + 12) << 8 !== 0) {
      this.#fail({ kind: "bad-header" });
      return;
    }
    if (crc32c(bytes, at + 4, bodyAt + coveredBytes) !== readU32(bytes, at)) {
      this.#fail({ kind: "bad-checksum" });
      return;
    }
    this.#sink.frame(bytes[at + 12]!, bytes, bodyAt, at + length);
  }

  #readPreamble(bytes: Uint8Array, at: number): void {
    const version = preambleVersion(bytes, at);
    if (version === null) this.#fail({ kind: "not-a-link" });
    else if (version !== FORMAT_VERSION) this.#fail({ kind: "version", version });
    else this.#sawPreamble = true;
  }

  #keep(chunk: Uint8Array, start: number, end: number): void {
    const length = this.#carried + end - start;
    if (length > this.#carry.length) {
      const wanted = this.#held ? length * 2 : this.#wantedFor(chunk, start, length);
      const grown = new Uint8Array(Math.max(CARRY_BYTES_MIN, wanted));
      grown.set(this.#carry.subarray(0, this.#carried));
      this.#carry = grown;
    }
    this.#carry.set(chunk.subarray(start, end), this.#carried);
    this.#carried = length;
  }

  /**
   * Room for the whole frame at once when its header is known, so that it is gathered without
   * growing again.
   */
  #wantedFor(chunk: Uint8Array, start: number, length: number): number {
    if (this.#carried >= FRAME_HEADER_BYTES) {
      return Math.max(length, this.#needed(this.#carry, 0, this.#carried));
    }
    if (this.#carried > 0) return length;
    return Math.max(length, this.#needed(chunk, start, length));
  }

  #fail(fault: FrameFault): void {
    if (this.#stopped) return;
    this.stop();
    this.#sink.faulted(fault);
  }
}

function readU32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  );
}
