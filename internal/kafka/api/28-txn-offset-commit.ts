// TxnOffsetCommit (key 28) stores a group's offsets as part of a transaction.
import { defineApi } from "./api.ts";

export const txnOffsetCommit = defineApi<TxnOffsetCommitRequest, TxnOffsetCommitResponse>({
  key: 28,
  name: "TxnOffsetCommit",
  versions: [0, 5],
  flexibleFrom: 3,
  request: `
    transactionalId str, groupId str, producerId i64, producerEpoch i16, generationId i32=-1@3+,
    memberId str@3+, groupInstanceId str?@3+,
    topics[]{
      name str,
      partitions[]{
        partitionIndex i32, committedOffset i64, committedLeaderEpoch i32=-1@2+,
        committedMetadata str?
      }
    }
  `,
  response: `
    throttleTimeMs i32=0,
    topics[]{
      name str, partitions[]{partitionIndex i32, errorCode i16}
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface TxnOffsetCommitRequest {
  readonly transactionalId: string;
  readonly groupId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly topics: readonly TxnOffsetCommitRequestTopics[];
}

export interface TxnOffsetCommitRequestTopics {
  readonly name: string;
  readonly partitions: readonly TxnOffsetCommitRequestPartitions[];
}

export interface TxnOffsetCommitRequestPartitions {
  readonly partitionIndex: number;
  readonly committedOffset: number;
  readonly committedLeaderEpoch: number;
  readonly committedMetadata: string | null;
}

export interface TxnOffsetCommitResponse {
  readonly throttleTimeMs?: number;
  readonly topics: readonly TxnOffsetCommitResponseTopics[];
}

export interface TxnOffsetCommitResponseTopics {
  readonly name: string;
  readonly partitions: readonly TxnOffsetCommitResponsePartitions[];
}

export interface TxnOffsetCommitResponsePartitions {
  readonly partitionIndex: number;
  readonly errorCode: number;
}
