// The vocabulary of appending to a partition: what the topic's configs ask for, and how an append ends.
import type { Result } from "../base/result.ts";
import type { Offset } from "../model/ids.ts";
import type { BatchFault } from "../model/validate-batch.ts";

/** The topic's configs, as the partition needs them. */
export interface PartitionRules {
  readonly batchBytesMax: number;
  /** Bounds of create times around now, milliseconds. */
  readonly timestampBeforeMsMax: number;
  readonly timestampAfterMsMax: number;
  readonly logAppendTime: boolean;
  /** `min.insync.replicas`; without effect up to the majority (P3). */
  readonly minInSync: number;
  /** Every record has a key: the topic is compacted (P5). */
  readonly needsKeys: boolean;
  /** `acks.one=leader` (P4). */
  readonly acksOneLeader: boolean;
}

export interface AppendCommand {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly acks: number;
  readonly timeoutMs: number;
  readonly allowsZstd: boolean;
  /** Whose it is, for what is shared out between clients. */
  readonly client?: object | undefined;
  /** The log must end here; null for any end. */
  readonly expectedEnd: Offset | null;
}

export type PartitionAppendFault =
  | { readonly kind: "not-leader" }
  | { readonly kind: "batch"; readonly fault: BatchFault }
  | { readonly kind: "out-of-order-sequence"; readonly expected: number }
  | { readonly kind: "invalid-producer-epoch" }
  | { readonly kind: "not-enough-replicas" }
  | { readonly kind: "not-enough-replicas-after-append" }
  | { readonly kind: "timed-out" }
  | { readonly kind: "storage-full" }
  | { readonly kind: "unexpected-end"; readonly end: Offset };

export type AppendOutcome = Result<
  { readonly baseOffset: Offset; readonly appendTimeMs: number; readonly logStart: Offset },
  PartitionAppendFault
>;

/** Bugs that tests plant on purpose. Production passes none. */
export interface PartitionFaults {
  /** Waiters survive a change of leader and are answered by position alone (breaks F4). */
  readonly waiterAcrossLeaders: boolean;
  /** A new leader forgets the producers of its uncommitted tail (breaks F8). */
  readonly tailForgotten: boolean;
}

export type DeleteFault =
  | { readonly kind: "not-leader" }
  | { readonly kind: "offset-out-of-range" }
  | { readonly kind: "timed-out" }
  | { readonly kind: "storage-full" };

/** The log start afterwards. */
export type DeleteOutcome = Result<Offset, DeleteFault>;
