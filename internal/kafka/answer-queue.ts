// The calls of one connection in the order of their requests, and their answers on the way out. Answers leave in that
// order whatever the order in which they are ready (a client pairs answers and requests by it). Of large answers only a
// window is handed to the system at a time, because what was handed over cannot be taken back from a slow reader.
import type { Connection } from "../ports/wire.ts";
import type { Call } from "./call.ts";

/** Below this part of the window nothing is cut off a larger piece: system calls cost more than bytes. */
const CUT_SHARE_MIN = 4;

export class AnswerQueue {
  /** Bytes of requests that are not answered and of answers that are not taken. */
  bytes = 0;
  /** Bytes handed to the connection and not taken by the system. */
  inFlightBytes = 0;
  /** Bytes that the system has taken. */
  takenBytes = 0;
  readonly #wire: Connection;
  readonly #windowBytes: number;
  readonly #ended: (call: Call) => void;
  readonly #taken: (bytes: number) => void;
  #calls: Call[] = [];
  #first = 0;
  #isDropped = false;

  /** `ended` is told of each call whose answer is out; `taken` whenever the system has taken bytes. */
  constructor(
    wire: Connection,
    windowBytes: number,
    ended: (call: Call) => void,
    taken: (bytes: number) => void,
  ) {
    this.#wire = wire;
    this.#windowBytes = windowBytes;
    this.#ended = ended;
    this.#taken = taken;
  }

  /** Calls whose answers were not wholly handed to the connection. */
  get count(): number {
    return this.#calls.length - this.#first;
  }

  get isEmpty(): boolean {
    return this.count === 0 && this.inFlightBytes === 0;
  }

  /** Bytes of answers that are ready and not taken. Looks at every call. */
  get readyBytes(): number {
    let bytes = this.inFlightBytes;
    for (let at = this.#first; at < this.#calls.length; at++) {
      const call = this.#calls[at] as Call;
      if (call.state === "answered") bytes += call.answerBytes;
    }
    return bytes;
  }

  push(call: Call): void {
    this.#calls.push(call);
    this.bytes += call.requestBytes;
  }

  /** The call has its answer: from now on that is what it weighs. */
  answered(call: Call): void {
    this.bytes += call.answerBytes - call.requestBytes;
  }

  /** Hands over as many answers as are ready and fit. Answers whether there is something to flush. */
  pump(): boolean {
    let wrote = false;
    for (;;) {
      const head = this.#calls[this.#first];
      if (head === undefined || head.state !== "answered") return wrote;
      if (head.answerBytes > 0) {
        if (!this.#hasRoomFor(head)) return wrote;
        wrote = true;
        if (!this.#write(head)) continue;
      }
      this.#shift();
      if (head.answerBytes === 0) this.#finish(head);
    }
  }

  #hasRoomFor(call: Call): boolean {
    const room = this.#windowBytes - this.inFlightBytes;
    const next = call.parts[call.partIndex] as Uint8Array;
    return room >= Math.min(next.length - call.partAt, this.#windowBytes / CUT_SHARE_MIN);
  }

  /** Writes the parts of one answer that fit. True when that was the rest of it. */
  #write(call: Call): boolean {
    const { parts } = call;
    let room = this.#windowBytes - this.inFlightBytes;
    let written = 0;
    let piece: Uint8Array | null = null;
    while (call.partIndex < parts.length && room > 0) {
      const part = parts[call.partIndex] as Uint8Array;
      const start = call.partAt;
      const end = Math.min(part.length, start + room);
      if (piece !== null) this.#wire.write(piece);
      piece = start === 0 && end === part.length ? part : part.subarray(start, end);
      written += end - start;
      room -= end - start;
      call.partAt = end;
      if (end < part.length) break;
      call.partIndex++;
      call.partAt = 0;
    }
    const isWhole = call.partIndex === parts.length;
    this.inFlightBytes += written;
    // What precedes the last piece leaves before it, so its release speaks for all.
    if (piece !== null) this.#wire.write(piece, () => this.#released(call, written, isWhole));
    return isWhole;
  }

  #released(call: Call, bytes: number, isWhole: boolean): void {
    this.inFlightBytes -= bytes;
    this.takenBytes += bytes;
    if (!this.#isDropped) this.bytes -= bytes;
    if (isWhole) this.#finish(call);
    this.#taken(bytes);
  }

  #finish(call: Call): void {
    call.end();
    this.#ended(call);
  }

  #shift(): void {
    this.#first++;
    if (this.#first === this.#calls.length) {
      this.#calls = [];
      this.#first = 0;
    } else if (this.#first >= 512) {
      this.#calls.splice(0, this.#first);
      this.#first = 0;
    }
  }

  /** The connection is over: nothing more is written, and every call ends. */
  drop(): void {
    const calls = this.#calls.slice(this.#first);
    this.#calls = [];
    this.#first = 0;
    this.bytes = 0;
    this.#isDropped = true;
    for (const call of calls) call.end();
  }
}
