// The use case of operators who move leadership themselves. Only a replica that has everything can be elected: there is
// no election that could lose records, whoever asks for it.
import type { Result } from "../base/result.ts";

export interface ElectionFault {
  readonly kind:
    | "unknown-topic"
    | "unknown-partition"
    /** The preferred replica leads; or the partition has a leader, and any would do. */
    | "not-needed"
    | "preferred-unavailable"
    /** There is no leader, and none that could become one without a majority. */
    | "no-eligible-leader"
    | "timed-out";
  readonly detail: string;
}

export interface PartitionElection {
  readonly topic: string;
  readonly partition: number;
  readonly outcome: Result<null, ElectionFault>;
}

export interface ElectionService {
  /**
   * "preferred": leadership moves to the first replica of the placement, where that one is in sync. "any": a leader is
   * wanted where there is none, from whatever replica, which is always refused. Null: all partitions, and then those
   * that need no election are left out of the answer.
   */
  elect(
    wanted: "preferred" | "any",
    of: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null,
    withinMs: number,
  ): Promise<readonly PartitionElection[]>;
}
