// OffsetDelete (key 47) deletes a group's offsets. Never flexible.
import { defineApi } from "./api.ts";

export const offsetDelete = defineApi<OffsetDeleteRequest, OffsetDeleteResponse>({
  key: 47,
  name: "OffsetDelete",
  versions: [0, 0],
  flexibleFrom: null,
  request: `
    groupId str,
    topics[]{
      name str, partitions[]{partitionIndex i32}
    }
  `,
  response: `
    errorCode i16, throttleTimeMs i32=0,
    topics[]{
      name str, partitions[]{partitionIndex i32, errorCode i16}
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface OffsetDeleteRequest {
  readonly groupId: string;
  readonly topics: readonly OffsetDeleteRequestTopics[];
}

export interface OffsetDeleteRequestTopics {
  readonly name: string;
  readonly partitions: readonly OffsetDeleteRequestPartitions[];
}

export interface OffsetDeleteRequestPartitions {
  readonly partitionIndex: number;
}

export interface OffsetDeleteResponse {
  readonly errorCode: number;
  readonly throttleTimeMs?: number;
  readonly topics: readonly OffsetDeleteResponseTopics[];
}

export interface OffsetDeleteResponseTopics {
  readonly name: string;
  readonly partitions: readonly OffsetDeleteResponsePartitions[];
}

export interface OffsetDeleteResponsePartitions {
  readonly partitionIndex: number;
  readonly errorCode: number;
}
