// ShareFetch (key 78) acquires records for a member of a share group and carries acknowledgements.
import type { TopicId } from "../../model/ids.ts";
import type { LentRecords } from "../../schema/message.ts";
import { defineApi } from "./api.ts";

export const shareFetch = defineApi<ShareFetchRequest, ShareFetchResponse>({
  key: 78,
  name: "ShareFetch",
  versions: [1, 2],
  flexibleFrom: 0,
  request: `
    groupId str?, memberId str?, shareSessionEpoch i32, maxWaitMs i32, minBytes i32,
    maxBytes i32, maxRecords i32, batchSize i32, shareAcquireMode i8@2+, isRenewAck bool@2+,
    topics[]{
      topicId uuid,
      partitions[]{
        partitionIndex i32,
        acknowledgementBatches[]{firstOffset i64, lastOffset i64, acknowledgeTypes[] i8}
      }
    },
    forgottenTopicsData[]{topicId uuid, partitions[] i32}
  `,
  response: `
    throttleTimeMs i32=0, errorCode i16, errorMessage str?=null, acquisitionLockTimeoutMs i32,
    responses[]{
      topicId uuid,
      partitions[]{
        partitionIndex i32, errorCode i16, errorMessage str?=null, acknowledgeErrorCode i16,
        acknowledgeErrorMessage str?=null, currentLeader{leaderId i32, leaderEpoch i32},
        records records?, acquiredRecords[]{firstOffset i64, lastOffset i64, deliveryCount i16}
      }
    },
    nodeEndpoints[]{nodeId i32, host str, port i32, rack str?}
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface ShareFetchRequest {
  readonly groupId: string | null;
  readonly memberId: string | null;
  readonly shareSessionEpoch: number;
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxRecords: number;
  readonly batchSize: number;
  readonly shareAcquireMode: number;
  readonly isRenewAck: boolean;
  readonly topics: readonly ShareFetchRequestTopics[];
  readonly forgottenTopicsData: readonly ShareFetchRequestForgottenTopicsData[];
}

export interface ShareFetchRequestTopics {
  readonly topicId: TopicId;
  readonly partitions: readonly ShareFetchRequestPartitions[];
}

export interface ShareFetchRequestPartitions {
  readonly partitionIndex: number;
  readonly acknowledgementBatches: readonly ShareFetchRequestAcknowledgementBatches[];
}

export interface ShareFetchRequestAcknowledgementBatches {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly acknowledgeTypes: readonly number[];
}

export interface ShareFetchRequestForgottenTopicsData {
  readonly topicId: TopicId;
  readonly partitions: readonly number[];
}

export interface ShareFetchResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly acquisitionLockTimeoutMs: number;
  readonly responses: readonly ShareFetchResponseResponses[];
  readonly nodeEndpoints: readonly ShareFetchResponseNodeEndpoints[];
}

export interface ShareFetchResponseResponses {
  readonly topicId: TopicId;
  readonly partitions: readonly ShareFetchResponsePartitions[];
}

export interface ShareFetchResponsePartitions {
  readonly partitionIndex: number;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly acknowledgeErrorCode: number;
  readonly acknowledgeErrorMessage?: string | null;
  readonly currentLeader: ShareFetchResponseCurrentLeader;
  readonly records: LentRecords | null;
  readonly acquiredRecords: readonly ShareFetchResponseAcquiredRecords[];
}

export interface ShareFetchResponseCurrentLeader {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

export interface ShareFetchResponseAcquiredRecords {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly deliveryCount: number;
}

export interface ShareFetchResponseNodeEndpoints {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}
