// One request under way: what its handler answers with, and its place in the connection's queue of answers.
//
// States: waiting (not started: an earlier one of its kind is under way) → running → answered → over. A connection that
// ends takes every call straight to over; an answer that comes later is discarded, and what it lent is given back.
import { assert } from "../base/assert.ts";
import type { AnyApi } from "./api/registry.ts";
import type { CloseCause } from "./probe.ts";

/** What a call needs of its connection. */
export interface CallOwner {
  readonly peerHost: string;
  /** The answer as chunks to be sent; null when it cannot be encoded, which has closed the connection. */
  encode(call: Call, body: unknown): readonly Uint8Array[] | null;
  answered(call: Call): void;
  /** Stops decoding, so that nothing overtakes a parked request, until `release`. */
  hold(): void;
  unhold(): void;
  close(cause: CloseCause, call: Call | null): void;
  /** A bug came to light. */
  fatal(error: unknown): void;
  countError(code: number): void;
}

export type CallState = "waiting" | "running" | "answered" | "over";

const NO_PARTS: readonly Uint8Array[] = [];

/** A call as the handler of an API sees it: it answers with that API's response. */
export type CallOf<Res> = Omit<Call, "answer"> & {
  answer(body: Res, release?: (() => void) | null): void;
};

export class Call {
  readonly owner: CallOwner;
  readonly api: AnyApi;
  readonly version: number;
  readonly correlationId: number;
  readonly clientId: string;
  /** The size of the request, which counts until it is answered. */
  readonly requestBytes: number;
  readonly arrivedMs: number;
  /** The decoded request while it waits for its turn. */
  body: unknown;
  state: CallState = "waiting";
  /** The answer, and how much of it was given to the connection. */
  parts: readonly Uint8Array[] = NO_PARTS;
  partIndex = 0;
  partAt = 0;
  answerBytes = 0;
  /** Ends what is under way for the call; run once when the connection is gone. */
  onDrop: (() => void) | null = null;
  /** Gives back what the answer lends; run once. */
  #release: (() => void) | null = null;

  constructor(
    owner: CallOwner,
    api: AnyApi,
    version: number,
    correlationId: number,
    clientId: string,
    requestBytes: number,
    arrivedMs: number,
  ) {
    this.owner = owner;
    this.api = api;
    this.version = version;
    this.correlationId = correlationId;
    this.clientId = clientId;
    this.requestBytes = requestBytes;
    this.arrivedMs = arrivedMs;
  }

  get isOver(): boolean {
    return this.state === "over";
  }

  /** Answers. `release` gives back what the answer lends: it runs exactly once, when nobody looks at those bytes any more. */
  answer(body: unknown, release: (() => void) | null = null): void {
    if (this.state === "over") {
      release?.();
      return;
    }
    assert(this.state === "running", "a request is answered once");
    this.state = "answered";
    this.onDrop = null;
    this.#release = release;
    const parts = this.owner.encode(this, body);
    if (parts === null) return;
    this.parts = parts;
    for (const part of parts) this.answerBytes += part.length;
    this.owner.answered(this);
  }

  /** Ends the call without a frame: Produce with acks 0. */
  answerNothing(): void {
    if (this.state === "over") return;
    assert(this.state === "running", "a request is answered once");
    this.state = "answered";
    this.owner.answered(this);
  }

  /** Counts an error code that goes into the answer, and answers it; 0, which is none, counts as none. */
  refused(code: number): number {
    if (code !== 0) this.owner.countError(code);
    return code;
  }

  closeConnection(cause: CloseCause): void {
    if (this.state !== "over") this.owner.close(cause, this);
  }

  /** The handler has failed in a way that only a bug explains. */
  fatal(error: unknown): void {
    this.owner.fatal(error);
  }

  /** For the connection: the answer was handed over as a whole, or never will be. */
  end(): void {
    if (this.state === "over") return;
    this.state = "over";
    this.parts = NO_PARTS;
    this.body = null;
    const { onDrop } = this;
    const release = this.#release;
    this.onDrop = null;
    this.#release = null;
    onDrop?.();
    release?.();
  }
}
