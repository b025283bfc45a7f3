// ShareGroupHeartbeat (key 76) joins, keeps and leaves a share group (KIP-932).
import type { TopicId } from "../../model/ids.ts";
import { defineApi } from "./api.ts";

export const shareGroupHeartbeat = defineApi<
  ShareGroupHeartbeatRequest,
  ShareGroupHeartbeatResponse
>({
  key: 76,
  name: "ShareGroupHeartbeat",
  versions: [1, 1],
  flexibleFrom: 0,
  request: `
    groupId str, memberId str, memberEpoch i32, rackId str?, subscribedTopicNames[]? str
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
export interface ShareGroupHeartbeatRequest {
  readonly groupId: string;
  readonly memberId: string;
  readonly memberEpoch: number;
  readonly rackId: string | null;
  readonly subscribedTopicNames: readonly string[] | null;
}

export interface ShareGroupHeartbeatResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly memberId: string | null;
  readonly memberEpoch: number;
  readonly heartbeatIntervalMs: number;
  readonly assignment: ShareGroupHeartbeatResponseAssignment | null;
}

export interface ShareGroupHeartbeatResponseAssignment {
  readonly topicPartitions: readonly ShareGroupHeartbeatResponseTopicPartitions[];
}

export interface ShareGroupHeartbeatResponseTopicPartitions {
  readonly topicId: TopicId;
  readonly partitions: readonly number[];
}
