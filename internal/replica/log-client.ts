// What the owner of one group's log (a partition, or the controller's command log) is told by its replica, on leaders
// and followers alike and also while the journal is replayed at start.
import type { BrokerId, LogIndex, Offset, Term } from "../model/ids.ts";
import type { Role } from "../raft/effect.ts";
import type { EntryKind } from "../raft/entry.ts";

/** One entry as it joins the log. The object and its bytes are lent until the call returns. */
export interface AppendedEntry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly kind: EntryKind;
  readonly baseOffset: Offset;
  /** Offsets that the entry consumes. */
  readonly recordCount: number;
  /** The payload is `bytes` from `start` to `end`; null when it is damaged on this replica (D1). */
  readonly bytes: Uint8Array | null;
  readonly start: number;
  readonly end: number;
}

export interface LogClient {
  /** The entry joined this replica's log. It may be truncated again until it is committed. */
  appended(entry: AppendedEntry): void;
  /**
   * An entry that came without its payload, or whose payload was damaged later, is whole again: here it is (D1). It may
   * be committed, and others follow it in the log.
   */
  repaired(entry: AppendedEntry): void;
  /** `from` and everything after it left the log. */
  truncated(from: LogIndex): void;
  /** Everything up to `index` is committed. Never goes back. */
  committed(index: LogIndex): void;
  /**
   * Role, term or known leader changed. Waiters of the old term fail here, before any truncation or append of
   * the new one (F4). `leader` is the leader's broker, when known.
   */
  roleChanged(role: Role, term: Term, leader: BrokerId | null): void;
  /** This replica leads `term` and its term-start entry is committed: clients may be served (F7). */
  ready(term: Term): void;
  /** A peer's durable position or the in-sync set moved (leader only). */
  progressed(): void;
}

/** What is to be appended by a leader. The payload is copied during the call. */
export interface Proposal {
  readonly kind: EntryKind;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly baseOffset: Offset;
  readonly recordCount: number;
  readonly timestampMax: number;
  /** CRC-32C of the payload; of a batch Kafka's own. */
  readonly checksum: number;
  readonly headSum: number;
}

export type ProposeRefusal =
  | "not-leader"
  /** The arena is full for the moment, or leadership is being handed over: try again. */
  | "busy"
  /** The journal is near its limit. */
  | "storage-full";
