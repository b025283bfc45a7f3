// Makes a stream of requests wait while too much of it is under way. The gRPC library reads up to sixteen messages ahead,
// whatever their size; the gate holds its next read until there is room again, and HTTP/2's flow control then stops the
// client. So a stream holds at most its budget and the messages that were already on their way in one read.
import type { Readable } from "node:stream";
import { assert } from "../base/assert.ts";

export class ReadGate {
  readonly #bytesMax: number;
  #bytes = 0;
  #isClosed = false;
  #held: (() => void) | null = null;

  /** Takes over the reads of `stream`; to be called before anything is read. */
  constructor(stream: Readable, bytesMax: number) {
    this.#bytesMax = bytesMax;
    const read = stream._read.bind(stream);
    stream._read = (size) => {
      if (this.#isOpen) read(size);
      else this.#held = () => read(size);
    };
  }

  /** Bytes under way. */
  get bytes(): number {
    return this.#bytes;
  }

  get #isOpen(): boolean {
    return !this.#isClosed && this.#bytes < this.#bytesMax;
  }

  take(bytes: number): void {
    this.#bytes += bytes;
  }

  give(bytes: number): void {
    assert(bytes <= this.#bytes, "a stream gives back what it took");
    this.#bytes -= bytes;
    if (!this.#isOpen || this.#held === null) return;
    const read = this.#held;
    this.#held = null;
    read();
  }

  /** Reads nothing more. */
  close(): void {
    this.#isClosed = true;
  }
}
