// ShareAcknowledge (key 79) acknowledges records of a share group.
import type { TopicId } from "../../model/ids.ts";
import { defineApi } from "./api.ts";

export const shareAcknowledge = defineApi<ShareAcknowledgeRequest, ShareAcknowledgeResponse>({
  key: 79,
  name: "ShareAcknowledge",
  versions: [1, 2],
  flexibleFrom: 0,
  request: `
    groupId str?, memberId str?, shareSessionEpoch i32, isRenewAck bool@2+,
    topics[]{
      topicId uuid,
      partitions[]{
        partitionIndex i32,
        acknowledgementBatches[]{firstOffset i64, lastOffset i64, acknowledgeTypes[] i8}
      }
    }
  `,
  response: `
    throttleTimeMs i32=0, errorCode i16, errorMessage str?=null,
    acquisitionLockTimeoutMs i32@2+,
    responses[]{
      topicId uuid,
      partitions[]{
        partitionIndex i32, errorCode i16, errorMessage str?=null,
        currentLeader{leaderId i32, leaderEpoch i32}
      }
    },
    nodeEndpoints[]{nodeId i32, host str, port i32, rack str?}
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface ShareAcknowledgeRequest {
  readonly groupId: string | null;
  readonly memberId: string | null;
  readonly shareSessionEpoch: number;
  readonly isRenewAck: boolean;
  readonly topics: readonly ShareAcknowledgeRequestTopics[];
}

export interface ShareAcknowledgeRequestTopics {
  readonly topicId: TopicId;
  readonly partitions: readonly ShareAcknowledgeRequestPartitions[];
}

export interface ShareAcknowledgeRequestPartitions {
  readonly partitionIndex: number;
  readonly acknowledgementBatches: readonly ShareAcknowledgeRequestAcknowledgementBatches[];
}

export interface ShareAcknowledgeRequestAcknowledgementBatches {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly acknowledgeTypes: readonly number[];
}

export interface ShareAcknowledgeResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly acquisitionLockTimeoutMs: number;
  readonly responses: readonly ShareAcknowledgeResponseResponses[];
  readonly nodeEndpoints: readonly ShareAcknowledgeResponseNodeEndpoints[];
}

export interface ShareAcknowledgeResponseResponses {
  readonly topicId: TopicId;
  readonly partitions: readonly ShareAcknowledgeResponsePartitions[];
}

export interface ShareAcknowledgeResponsePartitions {
  readonly partitionIndex: number;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly currentLeader: ShareAcknowledgeResponseCurrentLeader;
}

export interface ShareAcknowledgeResponseCurrentLeader {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

export interface ShareAcknowledgeResponseNodeEndpoints {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}
