// What happens to a machine. Time, links and disks speak to it only through these.
import type { LogIndex, ReplicaId, Term } from "../model/ids.ts";
import type { Configuration } from "./configuration.ts";
import type { EntryKind, LogBase } from "./entry.ts";
import type { Message } from "./message.ts";

/**
 * "full": takes part. "quiet": neither votes nor campaigns yet (first silence period after a start,
 * L5; rollback question not answered, D3), but follows and acknowledges. "recalling": its disk may
 * have lost promises, so it makes none until every other voter has said how far it is (D3).
 * "suspect": neither votes, campaigns nor acknowledges (D1). "gone": the same, because the replica
 * leaves its broker.
 */
export type Standing = "full" | "quiet" | "recalling" | "suspect" | "gone";

export type Event =
  | { readonly on: "message"; readonly from: ReplicaId; readonly message: Message }
  /** Everything up to this write is durable (J4). */
  | { readonly on: "durable"; readonly write: number }
  /**
   * The armed list chose this replica to campaign (L2). Ignored by a leader, and while a leader is
   * known.
   */
  | { readonly on: "election-timeout" }
  /** The known leader is silent or no longer asserts its leadership of this term (L1, L3). */
  | { readonly on: "leader-lost" }
  /** A peer said that it led `term` and does not any more: whatever it sent as its leader is void (L1). */
  | { readonly on: "resigned"; readonly peer: ReplicaId; readonly term: Term }
  /** A leader that was left, and is not known to have heard of it, is in reach: it is told again (L5). */
  | { readonly on: "remind"; readonly peer: ReplicaId }
  /** Leader only: this broker must not lead now (L4). The term is never led again. */
  | { readonly on: "resign" }
  /** A peer's broker fell silent; a leader without a reachable quorum steps down (check-quorum). */
  | { readonly on: "peer-lost"; readonly peer: ReplicaId }
  /**
   * A new link session with a peer's broker began: what was in flight to it is void; probe from its
   * match.
   */
  | { readonly on: "peer-back"; readonly peer: ReplicaId }
  /** The data directory that this member lived in exists no more: it will never answer (F5). */
  | { readonly on: "peer-gone"; readonly peer: ReplicaId }
  /** Leader only: append one entry of this kind; the driver has its payload. */
  | { readonly on: "propose"; readonly kind: EntryKind }
  /** Leader only: begin a change to this configuration (see Machine.changeRefusal). */
  | { readonly on: "change"; readonly target: Omit<Configuration, "votersOutgoing"> }
  /** Leader only: hand leadership to a voter. */
  | { readonly on: "transfer"; readonly to: ReplicaId }
  /** The transfer took too long: lead on, or give the term up if the target may have been told. */
  | { readonly on: "transfer-timeout" }
  | { readonly on: "standing"; readonly standing: Standing }
  /**
   * The controller's word on who may be in the group beside this replica, as of after its start. It matters to a sole
   * voter that is recalling (D3).
   */
  | { readonly on: "placed"; readonly others: readonly ReplicaId[] }
  /** The configuration of an entry that this machine booted without, because it was damaged (D1). */
  | {
      readonly on: "configuration-restored";
      readonly index: LogIndex;
      readonly configuration: Configuration;
    }
  /** A checkpoint moved committed entries out of the log (F10). */
  | { readonly on: "checkpoint"; readonly base: LogBase }
  /**
   * Leader only: the bulk copy that `need-base` asked for has arrived, complete through `base`: an
   * entry of this log at or above its base and committed. The machine then sends install-base.
   */
  | { readonly on: "base-copied"; readonly peer: ReplicaId; readonly base: LogBase };

/** What a machine starts from: everything in it is durable. */
export interface Boot {
  readonly self: ReplicaId;
  readonly term: Term;
  readonly vote: ReplicaId | 0;
  readonly base: LogBase;
  /**
   * Terms of the entries after the base, as runs: entries from `first` on have `term`, up to the
   * next run.
   */
  readonly runs: readonly { readonly first: LogIndex; readonly term: Term }[];
  /** The last entry's index; the base's when there is none after it. */
  readonly last: LogIndex;
  /**
   * Configurations in force, oldest first: at the base (index = base.index) and each one appended
   * since.
   */
  readonly configurations: readonly {
    readonly index: LogIndex;
    readonly configuration: Configuration;
  }[];
  readonly standing: Standing;
}

/** Entries to send to a peer: a range of this log, of which the driver may take a prefix. */
export interface Outgoing {
  readonly term: Term;
  readonly prevIndex: LogIndex;
  readonly prevTerm: Term;
  /** First entry to send; `last` < `first` when only the commit position is news. */
  readonly first: LogIndex;
  readonly last: LogIndex;
  readonly commit: LogIndex;
}
