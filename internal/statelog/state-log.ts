// The runtime of one record-and-response machine (C8). On the leader, a request's records are applied speculatively
// as soon as its handler returned them, so the next handler sees them; all records of one turn go to the log as one
// entry; answers wait until everything they may depend on is committed. On every replica committed entries are applied
// in log order. When leadership is lost, waiters fail (F4) and the undo list takes the state back to what is committed.
//
//   following --leading(term)--> leading --deposed--> following
import { assert } from "../base/assert.ts";
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { LogIndex, Term } from "../model/ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { CommandFollower, CommandLog, ProposeRefusal } from "./command-log.ts";
import type { Machine } from "./machine.ts";
import { NO_UNDO } from "./machine.ts";

/** "outcome-unknown": proposed, then leadership was lost; it may still be committed. Any other: nothing happened. */
export type StateLogFault = {
  readonly kind: ProposeRefusal | "outcome-unknown" | "too-large";
};

export interface StateLogLimits {
  /**
   * Of one entry, as counted by the codec's bytesMax: at most what the log takes as one payload. A request that
   * needs more is refused with "too-large".
   */
  readonly entryBytesMax: number;
  /** Entries proposed and not yet committed. */
  readonly entriesMax: number;
  /** Their bytes, and those of the entry that this turn builds. */
  readonly bytesMax: number;
  /** Requests and reads that wait for an answer. */
  readonly waitersMax: number;
}

export const STATE_LOG_LIMITS: StateLogLimits = {
  entryBytesMax: 1_536 << 10,
  entriesMax: 256,
  bytesMax: 8 << 20,
  waitersMax: 10_000,
};

export interface StateLogEvents<Rec> {
  /** An entry is committed and applied; its waiters are answered right after. On every replica, in log order. */
  committed?(index: LogIndex, records: readonly Rec[]): void;
  /** Requests are accepted from now on. */
  leading?(term: Term): void;
  /** They no longer are; the state is what is committed. Waiters failed before. */
  deposed?(): void;
  /** A committed entry cannot be understood: this broker cannot go on (a newer version wrote it). */
  undecodable(index: LogIndex, detail: string): void;
}

export interface StateLogWorld {
  readonly clock: Clock;
  readonly entropy: Entropy;
}

/** Bugs planted by tests, to see that the checks which must find them do. */
export interface StateLogBugs {
  /** Records are applied when committed instead of when proposed. */
  readonly speculationOff?: boolean;
  /** Losing leadership leaves the speculative state in place. */
  readonly undoOff?: boolean;
  /** Answers do not wait for the commit. */
  readonly answerEarly?: boolean;
  /** What was speculative is taken back only when the machine leads again, over what others did meanwhile. */
  readonly undoLate?: boolean;
}

/** `at`: the answer depends on nothing later than this entry. */
export type Answer<T, F> = (outcome: Result<T, F | StateLogFault>, at: LogIndex) => void;

interface Waiter {
  /** Whether a record of this request may be in the log. */
  readonly changes: boolean;
  answer(at: LogIndex): void;
  fail(fault: StateLogFault): void;
}

/** The records of one turn: one log entry once proposed. */
interface Batch<Rec> {
  readonly records: Rec[];
  readonly undo: (() => void)[];
  readonly waiters: Waiter[];
  bytes: number;
  index: LogIndex;
}

export class StateLog<State, Request, Reply, Fault, Rec> implements CommandFollower {
  readonly #machine: Machine<State, Request, Reply, Fault, Rec>;
  readonly #log: CommandLog;
  readonly #world: StateLogWorld;
  readonly #limits: StateLogLimits;
  readonly #events: StateLogEvents<Rec>;
  readonly #bugs: StateLogBugs;
  readonly #state: State;
  #term: Term | null = null;
  #appliedIndex = 0 as LogIndex;
  /** Proposed and not yet committed, in log order. */
  readonly #inFlight: Batch<Rec>[] = [];
  /** What this turn gathers. */
  #open: Batch<Rec> | null = null;
  #turnEndAsked = false;
  #waiterCount = 0;
  #pendingBytes = 0;
  /** With `undoLate`: what is not taken back yet. */
  #leftOver: (() => void)[] = [];

  constructor(
    machine: Machine<State, Request, Reply, Fault, Rec>,
    log: CommandLog,
    world: StateLogWorld,
    events: StateLogEvents<Rec>,
    limits: StateLogLimits = STATE_LOG_LIMITS,
    bugs: StateLogBugs = {},
  ) {
    assert(limits.entryBytesMax <= limits.bytesMax, "an entry fits into what may be pending");
    this.#machine = machine;
    this.#log = log;
    this.#world = world;
    this.#events = events;
    this.#limits = limits;
    this.#bugs = bugs;
    this.#state = machine.empty();
    log.attach(this);
  }

  /** The term in which requests are served, or null. */
  get leadingTerm(): Term | null {
    return this.#term;
  }

  /** The last committed entry that is in the state. */
  get appliedIndex(): LogIndex {
    return this.#appliedIndex;
  }

  /** Whether the state holds what is not committed yet. */
  get isSpeculative(): boolean {
    return this.#open !== null || this.#inFlight.length > 0;
  }

  /**
   * Handles a request on the speculative state. `done` runs once: inside this call when the request is refused at
   * once, else when everything the outcome depends on is committed (faults of the handler and replies without
   * records too, for they may rest on what earlier requests of this leader did).
   */
  submit(request: Request, done: Answer<Reply, Fault>): void {
    const refusal = this.#refusal();
    if (refusal !== null) return done(failed(refusal), this.#appliedIndex);
    let outcome = this.#handle(request);
    let bytes = outcome.ok ? this.#bytesOf(outcome.value.records) : 0;
    if (this.#open !== null && this.#open.bytes + bytes > this.#limits.entryBytesMax) {
      // The turn's entry is full. Proposing it may fail and be undone, so the decision is made again.
      this.#propose();
      const now = this.#refusal();
      if (now !== null) return done(failed(now), this.#appliedIndex);
      outcome = this.#handle(request);
      bytes = outcome.ok ? this.#bytesOf(outcome.value.records) : 0;
    }
    if (bytes > this.#limits.entryBytesMax) {
      return done(failed({ kind: "too-large" }), this.#appliedIndex);
    }
    const records = outcome.ok ? outcome.value.records : [];
    const reply = outcome.ok ? ok(outcome.value.reply) : outcome;
    this.#gather(records, bytes, {
      changes: records.length > 0,
      answer: (at) => done(reply, at),
      fail: (fault) => done(failed(fault), this.#appliedIndex),
    });
  }

  /**
   * A read that sees everything this leader was asked before, and is answered when that is committed. `query`
   * runs inside this call; its value must share nothing with the state that a later record changes.
   */
  read<T>(query: (state: Readonly<State>) => T, done: Answer<T, never>): void {
    const refusal = this.#refusal();
    if (refusal !== null) return done(failed(refusal), this.#appliedIndex);
    const value = query(this.#state);
    this.#gather([], 0, {
      changes: false,
      answer: (at) => done(ok(value), at),
      fail: (fault) => done(failed(fault), this.#appliedIndex),
    });
  }

  applied(index: LogIndex, term: Term, bytes: Uint8Array, start: number, end: number): void {
    assert(index > this.#appliedIndex, "commands are applied once, in log order");
    const own = this.#inFlight.shift();
    if (own === undefined) {
      assert(this.#term === null, "a leader's commands are its own");
      return this.#applyForeign(index, bytes, start, end);
    }
    assert(own.index === index && term === this.#term, "own commands commit in the order proposed");
    this.#pendingBytes -= own.bytes;
    if (this.#bugs.speculationOff === true) this.#applyAll(own.records, NO_UNDO);
    this.#appliedIndex = index;
    this.#events.committed?.(index, own.records);
    this.#answer(own.waiters, index);
  }

  leading(term: Term): void {
    assert(this.#term === null, "leading follows deposed");
    assert(this.#open === null && this.#inFlight.length === 0, "a new leader has nothing pending");
    this.#term = term;
    for (const step of this.#leftOver.splice(0)) step();
    this.#events.leading?.(term);
  }

  deposed(): void {
    assert(this.#term !== null, "deposed follows leading");
    this.#term = null;
    const open = this.#open;
    const inFlight = this.#inFlight.splice(0);
    this.#open = null;
    this.#pendingBytes = 0;
    if (open !== null) this.#takeBack(open);
    for (const batch of inFlight.toReversed()) this.#takeBack(batch);
    for (const batch of inFlight) this.#fail(batch.waiters, { kind: "outcome-unknown" });
    if (open !== null) this.#fail(open.waiters, { kind: "not-leader" });
    this.#events.deposed?.();
  }

  #refusal(): StateLogFault | null {
    if (this.#term === null) return { kind: "not-leader" };
    const { entriesMax, bytesMax, waitersMax } = this.#limits;
    const isFull =
      this.#inFlight.length >= entriesMax ||
      this.#pendingBytes >= bytesMax ||
      this.#waiterCount >= waitersMax;
    return isFull ? { kind: "busy" } : null;
  }

  #handle(request: Request): ReturnType<Machine<State, Request, Reply, Fault, Rec>["handle"]> {
    const context = { nowMs: this.#world.clock.nowMs(), entropy: this.#world.entropy };
    return this.#machine.handle(this.#state, request, context);
  }

  #bytesOf(records: readonly Rec[]): number {
    let bytes = 0;
    for (const record of records) bytes += this.#machine.codec.bytesMax(record);
    return bytes;
  }

  #gather(records: readonly Rec[], bytes: number, waiter: Waiter): void {
    this.#open ??= { records: [], undo: [], waiters: [], bytes: 0, index: 0 as LogIndex };
    const batch = this.#open;
    batch.bytes += bytes;
    this.#pendingBytes += bytes;
    for (const record of records) batch.records.push(record);
    if (this.#bugs.speculationOff !== true) {
      this.#applyAll(records, { add: (step) => batch.undo.push(step) });
    }
    if (this.#bugs.answerEarly === true) waiter.answer(this.#appliedIndex);
    else {
      batch.waiters.push(waiter);
      this.#waiterCount++;
    }
    if (this.#turnEndAsked) return;
    this.#turnEndAsked = true;
    this.#world.clock.turnEnd(() => {
      this.#turnEndAsked = false;
      this.#propose();
    });
  }

  /** Makes what this turn gathered one entry of the log. */
  #propose(): void {
    const batch = this.#open;
    if (batch === null) return;
    this.#open = null;
    if (batch.records.length === 0) return this.#settle(batch);
    const proposed = this.#log.propose(this.#machine.codec.encode(batch.records));
    if (!proposed.ok) {
      this.#pendingBytes -= batch.bytes;
      this.#takeBack(batch);
      return this.#fail(batch.waiters, { kind: proposed.fault });
    }
    assert(proposed.term === this.#term, "a proposal is of the term that is served");
    batch.index = proposed.index;
    this.#inFlight.push(batch);
  }

  /**
   * Nothing to propose: the answers wait for what was proposed before them, if that is not committed yet. If it is, they
   * rest on the lease: a leader that has a successor says "exists" of what the successor has deleted.
   */
  #settle(batch: Batch<Rec>): void {
    const last = this.#inFlight.at(-1);
    if (last !== undefined) for (const waiter of batch.waiters) last.waiters.push(waiter);
    else if (this.#log.mayAnswer()) this.#answer(batch.waiters, this.#appliedIndex);
    else this.#fail(batch.waiters, { kind: "not-leader" });
  }

  #applyForeign(index: LogIndex, bytes: Uint8Array, start: number, end: number): void {
    const decoded = this.#machine.codec.decode(bytes, start, end);
    if (!decoded.ok) return this.#events.undecodable(index, decoded.fault.detail);
    this.#applyAll(decoded.value, NO_UNDO);
    this.#appliedIndex = index;
    this.#events.committed?.(index, decoded.value);
  }

  #applyAll(records: readonly Rec[], undo: { add(step: () => void): void }): void {
    for (const record of records) this.#machine.apply(this.#state, record, undo);
  }

  #takeBack(batch: Batch<Rec>): void {
    if (this.#bugs.undoOff === true) return;
    if (this.#bugs.undoLate === true) this.#leftOver.push(...batch.undo.toReversed());
    else for (const step of batch.undo.toReversed()) step();
  }

  #answer(waiters: readonly Waiter[], at: LogIndex): void {
    this.#waiterCount -= waiters.length;
    for (const waiter of waiters) waiter.answer(at);
  }

  /** A request whose outcome is unknown but which wrote nothing simply met no leader. */
  #fail(waiters: readonly Waiter[], fault: StateLogFault): void {
    this.#waiterCount -= waiters.length;
    for (const waiter of waiters) waiter.fail(waiter.changes ? fault : notChanged(fault));
  }
}

function notChanged(fault: StateLogFault): StateLogFault {
  return fault.kind === "outcome-unknown" ? { kind: "not-leader" } : fault;
}
