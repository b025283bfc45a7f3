// One hostile Kafka connection: it sends a bundle of frames at once and behind them a legal request whose answer tells
// that the broker has judged them all. Counts what was answered, and who ended the connection.
import { connect } from "node:net";
import type { Socket } from "node:net";
import { FrameSplitter } from "../../internal/kafka/codec/frame-splitter.ts";
import type { Address } from "../../internal/ports/wire.ts";
import { SENTINEL, sentinelFrame } from "./seed-frames.ts";

export type AssaultEnd = "broker" | "sentinel" | "silence" | "unreachable";

export interface AssaultOutcome {
  /** Frames that were judged for certain: answered, or refused with the end of the connection. */
  readonly judged: number;
  readonly end: AssaultEnd;
}

const ANSWER_BYTES_MAX = 256 << 20;
const CONNECT_MS_MAX = 5_000;
const SENTINEL_FRAME = sentinelFrame();

/** Ends when the sentinel is answered, the broker hangs up, or nothing has come for `silenceMs`. */
export function assault(
  to: Address,
  frames: readonly Uint8Array[],
  silenceMs: number,
): Promise<AssaultOutcome> {
  return new Assault(to, frames, silenceMs).outcome;
}

class Assault {
  readonly outcome: Promise<AssaultOutcome>;
  readonly #frames: readonly Uint8Array[];
  readonly #socket: Socket;
  readonly #splitter = new FrameSplitter(ANSWER_BYTES_MAX);
  #resolve: ((outcome: AssaultOutcome) => void) | null = null;
  #isOpen = false;
  #answered = 0;

  constructor(to: Address, frames: readonly Uint8Array[], silenceMs: number) {
    this.#frames = frames;
    this.outcome = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    const socket = connect({ host: to.host, port: to.port, noDelay: true });
    this.#socket = socket;
    socket.setTimeout(CONNECT_MS_MAX);
    socket.on("timeout", () => this.#finish(this.#isOpen ? "silence" : "unreachable"));
    socket.on("connect", () => {
      this.#isOpen = true;
      socket.setTimeout(silenceMs);
      socket.write(Buffer.concat([...frames, SENTINEL_FRAME]));
    });
    socket.on("data", (bytes: Buffer) => this.#received(bytes));
    socket.on("error", () => {}); // the close that follows says it
    socket.on("close", () => this.#finish(this.#isOpen ? "broker" : "unreachable"));
  }

  #received(bytes: Uint8Array): void {
    const splitter = this.#splitter;
    splitter.push(bytes);
    while (splitter.next()) {
      if (isSentinel(splitter.bytes, splitter.start, splitter.end)) {
        this.#answered = this.#frames.length;
        this.#finish("sentinel");
        return;
      }
      this.#answered++;
    }
    splitter.settle();
  }

  #finish(end: AssaultEnd): void {
    const resolve = this.#resolve;
    if (resolve === null) return;
    this.#resolve = null;
    // The last one judged has no answer but the end of the connection.
    const judged = end === "broker" ? this.#answered + 1 : this.#answered;
    if (end === "silence") this.#socket.resetAndDestroy();
    else this.#socket.destroy();
    resolve({ judged: Math.min(judged, this.#frames.length), end });
  }
}

function isSentinel(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 4) return false;
  return new DataView(bytes.buffer, bytes.byteOffset + start).getInt32(0) === SENTINEL;
}
