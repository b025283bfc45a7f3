// OffsetCommit (key 8) stores a group's offsets. Topics are named up to version 9 and identified
// in 10. From 9 on the generation may be a member epoch of the newer group protocol.
import type { TopicId } from "../../model/ids.ts";
import { defineApi } from "./api.ts";

export const offsetCommit = defineApi<OffsetCommitRequest, OffsetCommitResponse>({
  key: 8,
  name: "OffsetCommit",
  versions: [2, 10],
  flexibleFrom: 8,
  request: `
    groupId str, generationIdOrMemberEpoch i32=-1, memberId str, groupInstanceId str?@7+,
    retentionTimeMs i64=-1@≤4,
    topics[]{
      name str@≤9, topicId uuid@10+,
      partitions[]{
        partitionIndex i32, committedOffset i64, committedLeaderEpoch i32=-1@6+,
        committedMetadata str?
      }
    }
  `,
  response: `
    throttleTimeMs i32=0@3+,
    topics[]{
      name str@≤9, topicId uuid@10+, partitions[]{partitionIndex i32, errorCode i16}
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface OffsetCommitRequest {
  readonly groupId: string;
  readonly generationIdOrMemberEpoch: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly retentionTimeMs: number;
  readonly topics: readonly OffsetCommitRequestTopics[];
}

export interface OffsetCommitRequestTopics {
  readonly name: string;
  readonly topicId: TopicId;
  readonly partitions: readonly OffsetCommitRequestPartitions[];
}

export interface OffsetCommitRequestPartitions {
  readonly partitionIndex: number;
  readonly committedOffset: number;
  readonly committedLeaderEpoch: number;
  readonly committedMetadata: string | null;
}

export interface OffsetCommitResponse {
  readonly throttleTimeMs?: number;
  readonly topics: readonly OffsetCommitResponseTopics[];
}

export interface OffsetCommitResponseTopics {
  readonly name: string;
  readonly topicId: TopicId;
  readonly partitions: readonly OffsetCommitResponsePartitions[];
}

export interface OffsetCommitResponsePartitions {
  readonly partitionIndex: number;
  readonly errorCode: number;
}
