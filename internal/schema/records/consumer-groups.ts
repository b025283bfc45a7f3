// The records of consumer groups of the newer protocol in __consumer_offsets, in Kafka's own schemas (S1). The number
// with which a key begins says which; values begin with their version, 0, and are flexible.
import type { TopicId } from "../../model/ids.ts";
import { Message } from "../message.ts";

/** What a key begins with. */
export const CONSUMER_KEY = {
  group: 3,
  /** The topics that a group reads, as older brokers kept them; never written, and skipped. */
  partitionMetadata: 4,
  member: 5,
  targetEpoch: 6,
  targetMember: 7,
  currentMember: 8,
  /** The topics that match a regular expression, as other brokers keep them; never written, and skipped. */
  regularExpression: 16,
} as const;

export const CONSUMER_VALUE_VERSION = 0;

/** As numbers in `state` of a member's current assignment. */
export const MEMBER_STATE = { stable: 0, unrevoked: 1, unreleased: 2 } as const;

export const consumerGroupKey = new Message<{ readonly group: string }>({
  name: "ConsumerGroupKey",
  flexibleFrom: null,
  fields: `group str`,
});

export const consumerMemberKey = new Message<{
  readonly group: string;
  readonly memberId: string;
}>({
  name: "ConsumerGroupMemberKey",
  flexibleFrom: null,
  fields: `group str, memberId str`,
});

export const consumerGroupMetadataValue = new Message<{
  readonly epoch: number;
  readonly metadataHash: number;
}>({
  name: "ConsumerGroupMetadataValue",
  flexibleFrom: 0,
  fields: `epoch i32, metadataHash i64=0#0`,
});

export interface ConsumerGroupMemberMetadataValue {
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly subscribedTopicNames: readonly string[];
  readonly subscribedTopicRegex: string | null;
  readonly rebalanceTimeoutMs: number;
  readonly serverAssignor: string | null;
  readonly classicMemberMetadata: {
    readonly sessionTimeoutMs: number;
    readonly supportedProtocols: readonly {
      readonly name: string;
      readonly metadata: Uint8Array;
    }[];
  } | null;
}

export const consumerGroupMemberMetadataValue = new Message<ConsumerGroupMemberMetadataValue>({
  name: "ConsumerGroupMemberMetadataValue",
  flexibleFrom: 0,
  fields: `
    instanceId str?, rackId str?, clientId str, clientHost str, subscribedTopicNames[] str,
    subscribedTopicRegex str?, rebalanceTimeoutMs i32=-1, serverAssignor str?,
    classicMemberMetadata?=null#0{
      sessionTimeoutMs i32, supportedProtocols[]{name str, metadata bytes}
    }
  `,
});

export const targetAssignmentMetadataValue = new Message<{ readonly assignmentEpoch: number }>({
  name: "ConsumerGroupTargetAssignmentMetadataValue",
  flexibleFrom: 0,
  fields: `assignmentEpoch i32`,
});

export interface TopicPartitionsValue {
  readonly topicId: TopicId;
  readonly partitions: readonly number[];
}

export const targetAssignmentMemberValue = new Message<{
  readonly topicPartitions: readonly TopicPartitionsValue[];
}>({
  name: "ConsumerGroupTargetAssignmentMemberValue",
  flexibleFrom: 0,
  fields: `topicPartitions[]{topicId uuid, partitions[] i32}`,
});

export interface CurrentMemberAssignmentValue {
  readonly memberEpoch: number;
  readonly previousMemberEpoch: number;
  readonly state: number;
  readonly assignedPartitions: readonly TopicPartitionsValue[];
  readonly partitionsPendingRevocation: readonly TopicPartitionsValue[];
}

export const currentMemberAssignmentValue = new Message<CurrentMemberAssignmentValue>({
  name: "ConsumerGroupCurrentMemberAssignmentValue",
  flexibleFrom: 0,
  fields: `
    memberEpoch i32, previousMemberEpoch i32, state i8,
    assignedPartitions[]{topicId uuid, partitions[] i32},
    partitionsPendingRevocation[]{topicId uuid, partitions[] i32}
  `,
});
