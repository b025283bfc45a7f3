// ListOffsets (key 2) finds offsets by timestamp. Negative timestamps are special: -1 latest, -2
// earliest, -3 (7+) largest timestamp, -4 (8+) earliest local, -5 (9+) last tiered, -6 (11+)
// earliest pending upload.
import { defineApi } from "./api.ts";

export const listOffsets = defineApi<ListOffsetsRequest, ListOffsetsResponse>({
  key: 2,
  name: "ListOffsets",
  versions: [1, 11],
  flexibleFrom: 6,
  request: `
    replicaId i32, isolationLevel i8@2+,
    topics[]{
      name str, partitions[]{partitionIndex i32, currentLeaderEpoch i32=-1@4+, timestamp i64}
    },
    timeoutMs i32@10+
  `,
  response: `
    throttleTimeMs i32=0@2+,
    topics[]{
      name str,
      partitions[]{
        partitionIndex i32, errorCode i16, timestamp i64=-1, offset i64=-1,
        leaderEpoch i32=-1@4+
      }
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface ListOffsetsRequest {
  readonly replicaId: number;
  readonly isolationLevel: number;
  readonly topics: readonly ListOffsetsRequestTopics[];
  readonly timeoutMs: number;
}

export interface ListOffsetsRequestTopics {
  readonly name: string;
  readonly partitions: readonly ListOffsetsRequestPartitions[];
}

export interface ListOffsetsRequestPartitions {
  readonly partitionIndex: number;
  readonly currentLeaderEpoch: number;
  readonly timestamp: number;
}

export interface ListOffsetsResponse {
  readonly throttleTimeMs?: number;
  readonly topics: readonly ListOffsetsResponseTopics[];
}

export interface ListOffsetsResponseTopics {
  readonly name: string;
  readonly partitions: readonly ListOffsetsResponsePartitions[];
}

export interface ListOffsetsResponsePartitions {
  readonly partitionIndex: number;
  readonly errorCode: number;
  readonly timestamp?: number;
  readonly offset?: number;
  readonly leaderEpoch?: number;
}
