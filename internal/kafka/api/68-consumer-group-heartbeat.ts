// ConsumerGroupHeartbeat (key 68) joins, keeps and leaves a group of the newer protocol (KIP-848).
// Null means unchanged in a request and, for the assignment, nothing new in the answer.
import type { TopicId } from "../../model/ids.ts";
import { defineApi } from "./api.ts";

export const consumerGroupHeartbeat = defineApi<
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse
>({
  key: 68,
  name: "ConsumerGroupHeartbeat",
  versions: [0, 1],
  flexibleFrom: 0,
  request: `
    groupId str, memberId str, memberEpoch i32, instanceId str?, rackId str?,
    rebalanceTimeoutMs i32=-1, subscribedTopicNames[]? str, subscribedTopicRegex str?@1+,
    serverAssignor str?, topicPartitions[]?{topicId uuid, partitions[] i32}
  `,
  response: `
    throttleTimeMs i32=0, errorCode i16, errorMessage str?=null, memberId str?, memberEpoch i32,
    heartbeatIntervalMs i32,
    assignment?{
      topicPartitions[]{topicId uuid, partitions[] i32}
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface ConsumerGroupHeartbeatRequest {
  readonly groupId: string;
  readonly memberId: string;
  readonly memberEpoch: number;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly rebalanceTimeoutMs: number;
  readonly subscribedTopicNames: readonly string[] | null;
  readonly subscribedTopicRegex: string | null;
  readonly serverAssignor: string | null;
  readonly topicPartitions: readonly ConsumerGroupHeartbeatRequestTopicPartitions[] | null;
}

export interface ConsumerGroupHeartbeatRequestTopicPartitions {
  readonly topicId: TopicId;
  readonly partitions: readonly number[];
}

export interface ConsumerGroupHeartbeatResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly memberId: string | null;
  readonly memberEpoch: number;
  readonly heartbeatIntervalMs: number;
  readonly assignment: ConsumerGroupHeartbeatResponseAssignment | null;
}

export interface ConsumerGroupHeartbeatResponseAssignment {
  readonly topicPartitions: readonly ConsumerGroupHeartbeatResponseTopicPartitions[];
}

export interface ConsumerGroupHeartbeatResponseTopicPartitions {
  readonly topicId: TopicId;
  readonly partitions: readonly number[];
}
