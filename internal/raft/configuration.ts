// Who is in a group. A configuration takes effect when it is appended (F9); during a change it is
// joint: decisions then need a majority of `voters` and a majority of `votersOutgoing` (Raft
// dissertation, section 4.3).
import type { ReplicaId } from "../model/ids.ts";

export interface Configuration {
  /** Sorted, without repeats. */
  readonly voters: readonly ReplicaId[];
  /** The voters being replaced; empty outside a joint phase. */
  readonly votersOutgoing: readonly ReplicaId[];
  /** Receive the log, are never counted. */
  readonly learners: readonly ReplicaId[];
  /** The controller's target that this configuration implements (C4). Grows. */
  readonly revision: number;
}
