// Use cases of consumer groups, protocol-neutral. `done` runs exactly once, possibly inside the call; what it is given
// may share memory with the coordinator and is to be encoded at once.
import type { Result } from "../base/result.ts";
import type { FetchClaim } from "../coordinator/group-offsets.ts";
import type {
  CommitRequest,
  ConsumerBeatAnswer,
  ConsumerBeatRequest,
  ConsumerDescription,
  FetchedOffset,
  GroupDescription,
  GroupFault,
  GroupListing,
  HeartbeatRequest,
  JoinAnswer,
  JoinRequest,
  LeaveAnswer,
  LeaveRequest,
  SyncAnswer,
  SyncRequest,
  TopicName,
} from "../coordinator/group-requests.ts";
import type { BrokerId } from "../model/ids.ts";

export type { FetchClaim } from "../coordinator/group-offsets.ts";
export type {
  CommitRequest,
  ConsumerBeatAnswer,
  ConsumerBeatRequest,
  ConsumerDescription,
  FetchedOffset,
  GroupDescription,
  GroupFault,
  GroupListing,
  HeartbeatRequest,
  JoinAnswer,
  JoinRequest,
  LeaveAnswer,
  LeaveRequest,
  OffsetToCommit,
  SyncAnswer,
  SyncRequest,
  TopicName,
} from "../coordinator/group-requests.ts";

export interface OffsetsAsked extends TopicName {
  readonly partitions: readonly number[];
}

/** Names of partitions, each with what became of it. */
export interface OffsetOutcome extends TopicName {
  readonly partition: number;
  readonly fault: GroupFault | null;
}

export interface GroupService {
  /**
   * The broker that coordinates a group. Makes the internal topic at its first use, and may wait `withinMs` for it
   * (C7).
   */
  coordinatorOf(group: string, withinMs: number): Promise<Result<BrokerId, GroupFault>>;
  join(request: JoinRequest, done: (answer: JoinAnswer) => void): void;
  sync(request: SyncRequest, done: (answer: SyncAnswer) => void): void;
  /** Null: the member lives and nothing changes for it. */
  heartbeat(request: HeartbeatRequest): GroupFault | null;
  leave(request: LeaveRequest, done: (answer: LeaveAnswer) => void): void;
  /** A member of a consumer group joins, lives, or leaves. */
  consumerBeat(request: ConsumerBeatRequest, done: (answer: ConsumerBeatAnswer) => void): void;
  /** The outcomes are in the order of the request's offsets. */
  commit(request: CommitRequest, done: (faults: readonly (GroupFault | null)[]) => void): void;
  /** Null topics: everything that is committed. A fault refuses the group as a whole. */
  fetch(
    group: string,
    topics: readonly OffsetsAsked[] | null,
    done: (outcome: Result<readonly FetchedOffset[], GroupFault>) => void,
    claim?: FetchClaim,
  ): void;
  /** The groups that this broker coordinates. "coordinator-loading" while it does not know all of them. */
  list(): Result<readonly GroupListing[], GroupFault>;
  describe(group: string): Result<GroupDescription, GroupFault>;
  /** Of a consumer group; what is committed of it. */
  describeConsumer(
    group: string,
    done: (outcome: Result<ConsumerDescription, GroupFault>) => void,
  ): void;
  deleteGroup(group: string, done: (fault: GroupFault | null) => void): void;
  deleteOffsets(
    group: string,
    topics: readonly OffsetsAsked[],
    done: (outcome: Result<readonly OffsetOutcome[], GroupFault>) => void,
  ): void;
}
