// DescribeTopicPartitions (key 75) describes topics page by page.
import type { TopicId } from "../../model/ids.ts";
import { defineApi } from "./api.ts";

export const describeTopicPartitions = defineApi<
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse
>({
  key: 75,
  name: "DescribeTopicPartitions",
  versions: [0, 0],
  flexibleFrom: 0,
  request: `
    topics[]{name str}, responsePartitionLimit i32=2000,
    cursor?{topicName str, partitionIndex i32}
  `,
  response: `
    throttleTimeMs i32=0,
    topics[]{
      errorCode i16, name str?, topicId uuid, isInternal bool,
      partitions[]{
        errorCode i16, partitionIndex i32, leaderId i32, leaderEpoch i32=-1, replicaNodes[] i32,
        isrNodes[] i32, eligibleLeaderReplicas[]? i32=null, lastKnownElr[]? i32=null,
        offlineReplicas[] i32
      },
      topicAuthorizedOperations i32=-2147483648
    },
    nextCursor?{topicName str, partitionIndex i32}
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface DescribeTopicPartitionsRequest {
  readonly topics: readonly DescribeTopicPartitionsRequestTopics[];
  readonly responsePartitionLimit: number;
  readonly cursor: DescribeTopicPartitionsRequestCursor | null;
}

export interface DescribeTopicPartitionsRequestTopics {
  readonly name: string;
}

export interface DescribeTopicPartitionsRequestCursor {
  readonly topicName: string;
  readonly partitionIndex: number;
}

export interface DescribeTopicPartitionsResponse {
  readonly throttleTimeMs?: number;
  readonly topics: readonly DescribeTopicPartitionsResponseTopics[];
  readonly nextCursor: DescribeTopicPartitionsResponseNextCursor | null;
}

export interface DescribeTopicPartitionsResponseTopics {
  readonly errorCode: number;
  readonly name: string | null;
  readonly topicId: TopicId;
  readonly isInternal: boolean;
  readonly partitions: readonly DescribeTopicPartitionsResponsePartitions[];
  readonly topicAuthorizedOperations?: number;
}

export interface DescribeTopicPartitionsResponsePartitions {
  readonly errorCode: number;
  readonly partitionIndex: number;
  readonly leaderId: number;
  readonly leaderEpoch?: number;
  readonly replicaNodes: readonly number[];
  readonly isrNodes: readonly number[];
  readonly eligibleLeaderReplicas?: readonly number[] | null;
  readonly lastKnownElr?: readonly number[] | null;
  readonly offlineReplicas: readonly number[];
}

export interface DescribeTopicPartitionsResponseNextCursor {
  readonly topicName: string;
  readonly partitionIndex: number;
}
