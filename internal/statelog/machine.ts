// What a record-and-response machine is (C8): handlers that read the state and answer with records and a reply, and
// one function that applies a record. Nothing else ever changes the state. The runtime is StateLog.
import type { Result } from "../base/result.ts";
import type { Entropy } from "../ports/entropy.ts";

/** What a handler may know besides state and request. */
export interface HandlerContext {
  readonly nowMs: number;
  readonly entropy: Entropy;
}

/** `records` of one decision are committed together or not at all. */
export interface Decision<Rec, Reply> {
  readonly records: readonly Rec[];
  readonly reply: Reply;
}

/** Collects, during an apply, the steps that take it back. They run last first. */
export interface UndoList {
  add(step: () => void): void;
}

/** For records that are committed: nothing will be taken back. */
export const NO_UNDO: UndoList = { add: () => undefined };

export interface Machine<State, Request, Reply, Fault, Rec> {
  /** The state before the first record. */
  empty(): State;
  /** Decides; changes nothing. Runs on the speculative state. */
  handle(
    state: Readonly<State>,
    request: Request,
    context: HandlerContext,
  ): Result<Decision<Rec, Reply>, Fault>;
  /** Applies one record, changing `state` in place. Deterministic: the same on every replica and at every replay. */
  apply(state: State, record: Rec, undo: UndoList): void;
  readonly codec: RecordCodec<Rec>;
}

export interface RecordCodec<Rec> {
  /** At least the bytes that this record adds to an entry. */
  bytesMax(record: Rec): number;
  /** One log entry's payload. The result belongs to the caller. */
  encode(records: readonly Rec[]): Uint8Array;
  /** `bytes` are lent: records keep copies. A fault means a newer version wrote it; the CRC has excluded damage. */
  decode(bytes: Uint8Array, start: number, end: number): Result<readonly Rec[], UndecodableEntry>;
}

export interface UndecodableEntry {
  readonly kind: "undecodable";
  readonly detail: string;
}
