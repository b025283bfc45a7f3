// What waits to leave on one lane: frames in order, as chunks. Small parts are copied behind their
// header, so that small frames share a chunk; large ones are lent. A block is never written twice,
// so a chunk stays valid for as long as the connection holds it. Every `released` runs exactly
// once.
import { crc32c } from "../bytes/crc32c.ts";
import { FRAME_HEADER_BYTES, writeChecksum, writeHeader } from "./frame.ts";
import type { Connection } from "../ports/wire.ts";

const BLOCK_BYTES = 16 * 1024;
/** From this size on a part is lent; below it, a copy is cheaper than another chunk. */
const LEND_BYTES_MIN = 1024;

type Release = (() => void) | undefined;

export class Outbox {
  /** Bytes put and not yet handed to a connection. */
  queuedBytes = 0;
  #frames = 0;
  #block = new Uint8Array(0);
  #at = 0;
  #chunkStart = 0;
  #chunks: Uint8Array[] = [];
  /** For each chunk, what to call once the connection is done with it. */
  #releases: Release[] = [];
  /** For frames that were copied whole: run at the next flush. */
  #copied: (() => void)[] = [];

  /**
   * `bodyBytes` is the sum of the parts; the first `coveredParts` of them go under the checksum.
   */
  put(
    type: number,
    parts: readonly Uint8Array[],
    bodyBytes: number,
    coveredParts: number,
    released: Release,
  ): void {
    let coveredBytes = 0;
    for (let index = 0; index < coveredParts; index++) coveredBytes += parts[index]!.length;
    const at = this.#reserve(FRAME_HEADER_BYTES);
    let crc = writeHeader(this.#block, at, type, bodyBytes, coveredBytes);
    for (let index = 0; index < coveredParts; index++) {
      crc = crc32c(parts[index]!, 0, parts[index]!.length, crc);
    }
    writeChecksum(this.#block, at, crc);
    let lentLast = -1;
    for (const part of parts) if (this.#append(part)) lentLast = this.#chunks.length - 1;
    if (lentLast >= 0) this.#releases[lentLast] = released;
    else if (released !== undefined) this.#copied.push(released);
    this.queuedBytes += FRAME_HEADER_BYTES + bodyBytes;
    this.#frames++;
  }

  /** Frames put since the last call. */
  takeFrameCount(): number {
    const frames = this.#frames;
    this.#frames = 0;
    return frames;
  }

  /** Lends the part or copies it when it is small. True when it was lent. */
  #append(part: Uint8Array): boolean {
    if (part.length >= LEND_BYTES_MIN) {
      this.#closeChunk();
      this.#chunks.push(part);
      this.#releases.push(undefined);
      return true;
    }
    const at = this.#reserve(part.length);
    this.#block.set(part, at);
    return false;
  }

  /**
   * Room for `length` bytes in one block; a chunk that has no room left behind it is closed first.
   */
  #reserve(length: number): number {
    if (this.#at + length > this.#block.length) {
      this.#closeChunk();
      this.#block = new Uint8Array(Math.max(BLOCK_BYTES, length));
      this.#at = 0;
      this.#chunkStart = 0;
    }
    const at = this.#at;
    this.#at = at + length;
    return at;
  }

  #closeChunk(): void {
    if (this.#at === this.#chunkStart) return;
    this.#chunks.push(this.#block.subarray(this.#chunkStart, this.#at));
    this.#releases.push(undefined);
    this.#chunkStart = this.#at;
  }

  /** Hands everything to the connection and flushes it. Answers how many bytes that were. */
  flushInto(connection: Connection): number {
    this.#closeChunk();
    const bytes = this.queuedBytes;
    const chunks = this.#chunks;
    const releases = this.#releases;
    const copied = this.#copied;
    this.#chunks = [];
    this.#releases = [];
    this.#copied = [];
    this.queuedBytes = 0;
    for (let index = 0; index < chunks.length; index++) {
      const released = releases[index];
      if (released === undefined) connection.write(chunks[index]!);
      else connection.write(chunks[index]!, released);
    }
    connection.flush();
    for (const released of copied) released();
    return bytes;
  }

  /** Forgets everything that was not handed over, and gives the lent parts back. */
  drop(): void {
    const lent = this.#releases;
    const copied = this.#copied;
    this.#chunks = [];
    this.#releases = [];
    this.#copied = [];
    this.#chunkStart = this.#at;
    this.queuedBytes = 0;
    for (const released of lent) released?.();
    for (const released of copied) released();
  }
}
