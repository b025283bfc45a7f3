// DeleteRecords (key 21) moves the start of partitions forward. Offset -1 is the high watermark.
import { defineApi } from "./api.ts";

export const deleteRecords = defineApi<DeleteRecordsRequest, DeleteRecordsResponse>({
  key: 21,
  name: "DeleteRecords",
  versions: [0, 2],
  flexibleFrom: 2,
  request: `
    topics[]{
      name str, partitions[]{partitionIndex i32, offset i64}
    },
    timeoutMs i32
  `,
  response: `
    throttleTimeMs i32=0,
    topics[]{
      name str, partitions[]{partitionIndex i32, lowWatermark i64, errorCode i16}
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface DeleteRecordsRequest {
  readonly topics: readonly DeleteRecordsRequestTopics[];
  readonly timeoutMs: number;
}

export interface DeleteRecordsRequestTopics {
  readonly name: string;
  readonly partitions: readonly DeleteRecordsRequestPartitions[];
}

export interface DeleteRecordsRequestPartitions {
  readonly partitionIndex: number;
  readonly offset: number;
}

export interface DeleteRecordsResponse {
  readonly throttleTimeMs?: number;
  readonly topics: readonly DeleteRecordsResponseTopics[];
}

export interface DeleteRecordsResponseTopics {
  readonly name: string;
  readonly partitions: readonly DeleteRecordsResponsePartitions[];
}

export interface DeleteRecordsResponsePartitions {
  readonly partitionIndex: number;
  readonly lowWatermark: number;
  readonly errorCode: number;
}
