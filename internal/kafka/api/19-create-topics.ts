// CreateTopics (key 19) creates topics. -1 partitions or replicas mean the broker's default (4+);
// with assignments both are -1. Null configs tell that the caller may not see them.
import type { TopicId } from "../../model/ids.ts";
import { defineApi } from "./api.ts";

export const createTopics = defineApi<CreateTopicsRequest, CreateTopicsResponse>({
  key: 19,
  name: "CreateTopics",
  versions: [2, 7],
  flexibleFrom: 5,
  request: `
    topics[]{
      name str, numPartitions i32, replicationFactor i16,
      assignments[]{partitionIndex i32, brokerIds[] i32}, configs[]{name str, value str?}
    },
    timeoutMs i32=60000, validateOnly bool
  `,
  response: `
    throttleTimeMs i32=0,
    topics[]{
      name str, topicId uuid@7+, errorCode i16, errorMessage str?=null,
      topicConfigErrorCode i16@5+#0, numPartitions i32=-1@5+, replicationFactor i16=-1@5+,
      configs[]?@5+{
        name str, value str?, readOnly bool, configSource i8=-1, isSensitive bool
      }
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface CreateTopicsRequest {
  readonly topics: readonly CreateTopicsRequestTopics[];
  readonly timeoutMs: number;
  readonly validateOnly: boolean;
}

export interface CreateTopicsRequestTopics {
  readonly name: string;
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly assignments: readonly CreateTopicsRequestAssignments[];
  readonly configs: readonly CreateTopicsRequestConfigs[];
}

export interface CreateTopicsRequestAssignments {
  readonly partitionIndex: number;
  readonly brokerIds: readonly number[];
}

export interface CreateTopicsRequestConfigs {
  readonly name: string;
  readonly value: string | null;
}

export interface CreateTopicsResponse {
  readonly throttleTimeMs?: number;
  readonly topics: readonly CreateTopicsResponseTopics[];
}

export interface CreateTopicsResponseTopics {
  readonly name: string;
  readonly topicId: TopicId;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly topicConfigErrorCode?: number;
  readonly numPartitions?: number;
  readonly replicationFactor?: number;
  readonly configs: readonly CreateTopicsResponseConfigs[] | null;
}

export interface CreateTopicsResponseConfigs {
  readonly name: string;
  readonly value: string | null;
  readonly readOnly: boolean;
  readonly configSource?: number;
  readonly isSensitive: boolean;
}
