// What clients ask of a group's coordinator, what it answers, and every way in which it refuses. Byte strings of
// requests are lent until the call returns; the coordinator copies what it keeps.
import type { GroupId, TopicId } from "../model/ids.ts";

/** In a comment: the Kafka code that the front end gives. */
export const GROUP_FAULTS = [
  "coordinator-not-available", // 15: the internal topic is not there yet, or the log takes nothing now
  "coordinator-loading", // 14
  "not-coordinator", // 16: another broker leads the group's partition, or this one may not answer for it now (L5)
  "invalid-group-id", // 24
  "invalid-session-timeout", // 26
  "inconsistent-protocol", // 23
  "unknown-member", // 25
  "member-id-required", // 79
  "illegal-generation", // 22
  "rebalance-in-progress", // 27
  "fenced-instance", // 82
  "group-full", // 81: of members, or this broker of groups
  "group-not-found", // 69
  "group-not-empty", // 68
  "subscribed-topic", // 86
  "unknown-topic", // 3
  "unknown-topic-id", // 100
  "metadata-too-large", // 12
  "commit-too-large", // 28: one request's offsets do not fit into one log entry
  "assignment-too-large", // -1: a group's metadata does not fit into one log entry
  "invalid-request", // 42
  "fenced-epoch", // 110: the member gives up everything and joins again
  "unreleased-instance", // 111: the instance's member is there and has not left
  "unsupported-assignor", // 112
  "stale-epoch", // 113: of a member's offsets; it asks again with the epoch that it has now
  "invalid-regex", // 128
] as const;

export type GroupFault = (typeof GROUP_FAULTS)[number];

export interface GroupProtocol {
  readonly name: string;
  readonly metadata: Uint8Array;
}

export interface JoinRequest {
  readonly group: string;
  /** Empty: a new member. */
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  /** In the order of the member's preference. */
  readonly protocols: readonly GroupProtocol[];
  /** A new dynamic member is told its id first and joins with it (JoinGroup 4 and later). */
  readonly requiresMemberId: boolean;
  /** The client understands that it leads without having to assign (JoinGroup 9 and later). */
  readonly knowsSkip: boolean;
}

export interface JoinedMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly metadata: Uint8Array;
}

export interface JoinAnswer {
  readonly fault: GroupFault | null;
  readonly memberId: string;
  /** -1 with a fault. */
  readonly generation: number;
  readonly protocolType: string | null;
  readonly protocol: string | null;
  readonly leader: string;
  readonly skipAssignment: boolean;
  /** For the leader alone. */
  readonly members: readonly JoinedMember[];
}

/** How a member says who it is. */
export interface MemberClaim {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly generation: number;
}

export interface SyncRequest extends MemberClaim {
  readonly group: string;
  /** Null: the client does not say. */
  readonly protocolType: string | null;
  readonly protocol: string | null;
  /** From the leader alone. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[];
}

export interface SyncAnswer {
  readonly fault: GroupFault | null;
  readonly protocolType: string | null;
  readonly protocol: string | null;
  readonly assignment: Uint8Array;
}

export interface HeartbeatRequest extends MemberClaim {
  readonly group: string;
}

export interface LeavingMember {
  /** May be empty when the instance is named. */
  readonly memberId: string;
  readonly instanceId: string | null;
}

export interface LeaveRequest {
  readonly group: string;
  readonly members: readonly LeavingMember[];
}

export interface LeaveAnswer {
  readonly fault: GroupFault | null;
  /** One for each member of the request, unless the whole was refused. */
  readonly members: readonly (GroupFault | null)[];
}

/** A member of a consumer group says that it lives, and what has changed. Null, and -1 as timeout: unchanged. */
export interface ConsumerBeatRequest {
  readonly group: string;
  /** Empty: a new member of an old client, which is given an id. */
  readonly memberId: string;
  /** 0: joins; -1: leaves; -2: a static member leaves for a while. */
  readonly memberEpoch: number;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly topics: readonly string[] | null;
  /** Empty: none any more. */
  readonly regex: string | null;
  readonly assignor: string | null;
  readonly owned: readonly TopicPartitions[] | null;
  /** Members choose their ids (version 1 and later). */
  readonly choosesId: boolean;
}

export interface TopicPartitions {
  readonly topicId: TopicId;
  readonly partitions: readonly number[];
}

export interface ConsumerBeatAnswer {
  readonly fault: GroupFault | null;
  readonly memberId: string | null;
  readonly memberEpoch: number;
  readonly intervalMs: number;
  /** All that the member may have; null: as before. */
  readonly assignment: readonly TopicPartitions[] | null;
}

/** A topic by name, or by id when `name` is null. */
export interface TopicName {
  readonly name: string | null;
  readonly topicId: TopicId | null;
}

export interface OffsetToCommit extends TopicName {
  readonly partition: number;
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
}

export interface CommitRequest extends MemberClaim {
  readonly group: string;
  /** -1: as long as the broker's own retention says. */
  readonly retentionMs: number;
  readonly offsets: readonly OffsetToCommit[];
}

/** Of an offset that nobody said the log of. */
export const NO_LOG = 0 as GroupId;

export interface CommittedOffset {
  /**
   * The log that it is an offset of: the partition's replica group, which is never that of a topic that is made again under
   * the same name.
   */
  readonly log: GroupId;
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitMs: number;
  /** -1: no expiry of its own. */
  readonly expireMs: number;
}

export interface FetchedOffset extends TopicName {
  readonly partition: number;
  readonly fault: GroupFault | null;
  /** Null: nothing is committed. */
  readonly committed: CommittedOffset | null;
}

export type GroupPhase = "Empty" | "PreparingRebalance" | "CompletingRebalance" | "Stable" | "Dead";

/** Of a consumer group, whose members the coordinator assigns to. */
export type ConsumerPhase = "Empty" | "Assigning" | "Reconciling" | "Stable";

export interface GroupListing {
  readonly group: string;
  readonly type: "classic" | "consumer";
  readonly protocolType: string;
  readonly phase: GroupPhase | ConsumerPhase;
}

export interface DescribedMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** Both empty unless the group is stable. */
  readonly metadata: Uint8Array;
  readonly assignment: Uint8Array;
}

export interface GroupDescription {
  readonly group: string;
  readonly protocolType: string;
  readonly phase: GroupPhase;
  /** Empty unless the group is stable. */
  readonly protocol: string;
  readonly members: readonly DescribedMember[];
}

export interface NamedPartitions extends TopicPartitions {
  readonly topic: string;
}

export interface DescribedConsumer {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly topics: readonly string[];
  readonly regex: string | null;
  readonly epoch: number;
  readonly isClassic: boolean;
  readonly assignment: readonly NamedPartitions[];
  readonly target: readonly NamedPartitions[];
}

export interface ConsumerDescription {
  readonly group: string;
  readonly phase: ConsumerPhase;
  readonly epoch: number;
  readonly targetEpoch: number;
  readonly assignor: string;
  readonly members: readonly DescribedConsumer[];
}
