// OffsetFetch (key 9) reads a group's committed offsets, of several groups from version 8 on. A
// null topic list asks for everything committed. A partition without an offset answers -1, epoch
// -1, empty metadata and no error.
import type { TopicId } from "../../model/ids.ts";
import { defineApi } from "./api.ts";

export const offsetFetch = defineApi<OffsetFetchRequest, OffsetFetchResponse>({
  key: 9,
  name: "OffsetFetch",
  versions: [1, 10],
  flexibleFrom: 6,
  request: `
    groupId str@≤7, topics[]?(2+)@≤7{name str, partitionIndexes[] i32},
    groups[]@8+{
      groupId str, memberId str?@9+, memberEpoch i32=-1@9+,
      topics[]?{name str@≤9, topicId uuid@10+, partitionIndexes[] i32}
    },
    requireStable bool@7+
  `,
  response: `
    throttleTimeMs i32=0@3+,
    topics[]=[]@≤7{
      name str,
      partitions[]{
        partitionIndex i32, committedOffset i64, committedLeaderEpoch i32=-1@5+, metadata str?,
        errorCode i16
      }
    },
    errorCode i16=0@2-7,
    groups[]=[]@8+{
      groupId str,
      topics[]{
        name str@≤9, topicId uuid@10+,
        partitions[]{
          partitionIndex i32, committedOffset i64, committedLeaderEpoch i32=-1, metadata str?,
          errorCode i16
        }
      },
      errorCode i16
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface OffsetFetchRequest {
  readonly groupId: string;
  readonly topics: readonly OffsetFetchRequestTopics[] | null;
  readonly groups: readonly OffsetFetchRequestGroups[];
  readonly requireStable: boolean;
}

export interface OffsetFetchRequestTopics {
  readonly name: string;
  readonly partitionIndexes: readonly number[];
}

export interface OffsetFetchRequestGroups {
  readonly groupId: string;
  readonly memberId: string | null;
  readonly memberEpoch: number;
  readonly topics: readonly OffsetFetchRequestGroupsTopics[] | null;
}

export interface OffsetFetchRequestGroupsTopics {
  readonly name: string;
  readonly topicId: TopicId;
  readonly partitionIndexes: readonly number[];
}

export interface OffsetFetchResponse {
  readonly throttleTimeMs?: number;
  readonly topics?: readonly OffsetFetchResponseTopics[];
  readonly errorCode?: number;
  readonly groups?: readonly OffsetFetchResponseGroups[];
}

export interface OffsetFetchResponseTopics {
  readonly name: string;
  readonly partitions: readonly OffsetFetchResponsePartitions[];
}

export interface OffsetFetchResponsePartitions {
  readonly partitionIndex: number;
  readonly committedOffset: number;
  readonly committedLeaderEpoch?: number;
  readonly metadata: string | null;
  readonly errorCode: number;
}

export interface OffsetFetchResponseGroups {
  readonly groupId: string;
  readonly topics: readonly OffsetFetchResponseGroupsTopics[];
  readonly errorCode: number;
}

export interface OffsetFetchResponseGroupsTopics {
  readonly name: string;
  readonly topicId: TopicId;
  readonly partitions: readonly OffsetFetchResponseGroupsTopicsPartitions[];
}

export interface OffsetFetchResponseGroupsTopicsPartitions {
  readonly partitionIndex: number;
  readonly committedOffset: number;
  readonly committedLeaderEpoch?: number;
  readonly metadata: string | null;
  readonly errorCode: number;
}
