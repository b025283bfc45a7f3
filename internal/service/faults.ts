// Every way in which a use case refuses, for all front ends. Each front end translates the kinds to its own codes in an
// exhaustive table; `detail`, where there is one, is the sentence that a person reads.
import type { BrokerId, Offset, Term } from "../model/ids.ts";
import type { BatchFault } from "../model/validate-batch.ts";

/** Who leads a partition, for clients that asked the wrong broker (KIP-951). */
export interface LeaderHint {
  readonly leader: BrokerId | null;
  readonly leaderEpoch: Term;
}

/** Why a partition cannot be addressed here. */
export type AddressFault =
  | { readonly kind: "unknown-topic" }
  | { readonly kind: "unknown-topic-id" }
  | { readonly kind: "unknown-partition" }
  /** This broker does not lead the partition, or may not answer for it now (L4, L5). */
  | { readonly kind: "not-leader"; readonly hint: LeaderHint }
  /** The client's leader epoch is older than this leader's. */
  | { readonly kind: "fenced-epoch"; readonly hint: LeaderHint }
  /** The client's leader epoch is newer than what is known here. */
  | { readonly kind: "unknown-epoch" };

export type AppendFault =
  | AddressFault
  | { readonly kind: "batch"; readonly fault: BatchFault }
  | { readonly kind: "out-of-order-sequence"; readonly expected: number }
  | { readonly kind: "invalid-producer-epoch" }
  | { readonly kind: "invalid-acks" }
  /** Fewer replicas in sync than `min.insync.replicas` asks for; nothing was appended. */
  | { readonly kind: "not-enough-replicas" }
  /** The same, noticed after the append: the batch may be committed all the same. */
  | { readonly kind: "not-enough-replicas-after-append" }
  /** Not committed in time; it may be committed later. */
  | { readonly kind: "timed-out" }
  /** The journal is near its limit, or its disk failed. */
  | { readonly kind: "storage-full" }
  /** A conditional append found another end of the log. */
  | { readonly kind: "unexpected-end"; readonly end: Offset }
  | { readonly kind: "internal-topic" };

export type ReadFault =
  | AddressFault
  | { readonly kind: "offset-out-of-range" }
  /** The leader is new and does not know its high watermark yet (F7), or a follower is behind (P8). */
  | { readonly kind: "offset-not-available" }
  /** What was to be read did not come in time: a disk hangs, or too many wait for it. */
  | { readonly kind: "not-read-in-time" }
  /** The bytes on this replica's disk are damaged (D2). */
  | { readonly kind: "storage" };

export type DeleteRecordsFault =
  | AddressFault
  /** Before the log's first offset, or beyond what is committed. */
  | { readonly kind: "offset-out-of-range" }
  /** Not committed in time; it may be committed later. */
  | { readonly kind: "timed-out" }
  | { readonly kind: "storage-full" }
  /** The topic's records do not go by command: it is compacted alone, or an internal one. */
  | { readonly kind: "not-deletable" };
