// OffsetForLeaderEpoch (key 23) tells where a leader epoch ended: the largest epoch up to the one
// asked for and the start of the next, or the log's end; -1 and -1 when it is unknown.
import { defineApi } from "./api.ts";

export const offsetForLeaderEpoch = defineApi<
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse
>({
  key: 23,
  name: "OffsetForLeaderEpoch",
  versions: [2, 4],
  flexibleFrom: 4,
  request: `
    replicaId i32=-2@3+,
    topics[]{
      topic str, partitions[]{partition i32, currentLeaderEpoch i32=-1, leaderEpoch i32}
    }
  `,
  response: `
    throttleTimeMs i32=0,
    topics[]{
      topic str,
      partitions[]{errorCode i16, partition i32, leaderEpoch i32=-1, endOffset i64=-1}
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface OffsetForLeaderEpochRequest {
  readonly replicaId: number;
  readonly topics: readonly OffsetForLeaderEpochRequestTopics[];
}

export interface OffsetForLeaderEpochRequestTopics {
  readonly topic: string;
  readonly partitions: readonly OffsetForLeaderEpochRequestPartitions[];
}

export interface OffsetForLeaderEpochRequestPartitions {
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly leaderEpoch: number;
}

export interface OffsetForLeaderEpochResponse {
  readonly throttleTimeMs?: number;
  readonly topics: readonly OffsetForLeaderEpochResponseTopics[];
}

export interface OffsetForLeaderEpochResponseTopics {
  readonly topic: string;
  readonly partitions: readonly OffsetForLeaderEpochResponsePartitions[];
}

export interface OffsetForLeaderEpochResponsePartitions {
  readonly errorCode: number;
  readonly partition: number;
  readonly leaderEpoch?: number;
  readonly endOffset?: number;
}
