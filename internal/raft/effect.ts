// What a machine asks of its driver. The driver carries effects out in order, before it steps the
// machine again.
import type { LogIndex, ReplicaId, Term } from "../model/ids.ts";
import type { Configuration } from "./configuration.ts";
import type { EntryHead, LogBase } from "./entry.ts";
import type { Message } from "./message.ts";

export type Role = "follower" | "pre-candidate" | "candidate" | "leader";

/**
 * `write` numbers the machine's writes 1, 2, 3, …; the driver queues them in order and later
 * reports `{ on: "durable", write }`, which covers all writes up to that number.
 */
export type Effect =
  | {
      readonly do: "append";
      readonly write: number;
      /** Index of the first of `entries`. */
      readonly first: LogIndex;
      readonly entries: readonly EntryHead[];
      /**
       * "request": the payloads are those of the append-request being stepped, from its entry
       * number `skip` on. "proposal": the payload is the proposer's. "own": the machine made the
       * entry (term-start no-op, leaving a joint configuration) and the driver encodes it.
       */
      readonly from: "request" | "proposal" | "own";
      readonly skip: number;
    }
  | { readonly do: "truncate"; readonly write: number; readonly from: LogIndex }
  | {
      readonly do: "hard-state";
      readonly write: number;
      readonly term: Term;
      readonly vote: ReplicaId | 0;
    }
  | {
      readonly do: "install-base";
      readonly write: number;
      readonly base: LogBase;
      readonly configuration: Configuration;
    }
  /** To be sent now: what had to be durable first already is (F1). */
  | { readonly do: "send"; readonly to: ReplicaId; readonly message: Message }
  /**
   * `outgoing(to)` has something: ask it at the end of the turn. Said again only after it returned
   * null.
   */
  | { readonly do: "ready"; readonly to: ReplicaId }
  /** `to` needs entries below this log's base: bulk catch-up, then install-base (F10). */
  | { readonly do: "need-base"; readonly to: ReplicaId }
  /** The commit index moved forward to here. */
  | { readonly do: "commit"; readonly index: LogIndex }
  /**
   * Role, term or known leader changed. Comes before any truncate or append of the new term, so
   * that waiters of the old one fail first (F4). A voter whose `leader` is null is armed (L2).
   */
  | {
      readonly do: "role";
      readonly role: Role;
      readonly term: Term;
      readonly leader: ReplicaId | null;
    }
  /**
   * The configuration in force changed (appended, truncated or installed); `committed` says whether
   * it is committed.
   */
  | {
      readonly do: "configuration";
      readonly configuration: Configuration;
      readonly committed: boolean;
    }
  /** Every other voter has answered a recalling replica: it may make promises again (D3). */
  | { readonly do: "recalled" }
  /** A leadership transfer ended without the target taking over. */
  | { readonly do: "transfer-failed"; readonly to: ReplicaId };
