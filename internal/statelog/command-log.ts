// The log under a record-and-response machine, as the machine's runtime sees it: commands go in on the leader, and
// committed commands come out, in order, on every replica. The replica layer implements it for group 0.
import type { LogIndex, Term } from "../model/ids.ts";

export type ProposeRefusal = "not-leader" | "busy" | "storage-full";

export interface CommandLog {
  /**
   * Appends one command entry to the group's log. The log keeps `payload`: the caller never changes it again.
   * Refused when this replica does not lead, or may not take more now; nothing was appended then.
   * Never calls the follower inside this call.
   */
  propose(
    payload: Uint8Array,
  ):
    | { readonly ok: true; readonly term: Term; readonly index: LogIndex }
    | { readonly ok: false; readonly fault: ProposeRefusal };
  /**
   * Whether no other leader can have committed anything by now (L5): only then may what the state
   * says be told without a commit of this leader.
   */
  mayAnswer(): boolean;
  /** Names the one follower. Called once, before the group starts. */
  attach(follower: CommandFollower): void;
}

export interface CommandFollower {
  /**
   * A committed command, in log order, on every replica, from the first entry on (replayed after a restart).
   * `bytes` are lent until the call returns.
   */
  applied(index: LogIndex, term: Term, bytes: Uint8Array, start: number, end: number): void;
  /** This replica leads `term`, and its term-start entry and all before it are applied (F7): requests may be served. */
  leading(term: Term): void;
  /** It no longer leads: fail waiters first (F4). Always comes after leading, before any applied of a later term. */
  deposed(): void;
}
