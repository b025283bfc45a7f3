// ListPartitionReassignments (key 46) lists the reassignments that are under way. Null topics ask
// for all.
import { defineApi } from "./api.ts";

export const listPartitionReassignments = defineApi<
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse
>({
  key: 46,
  name: "ListPartitionReassignments",
  versions: [0, 0],
  flexibleFrom: 0,
  request: `
    timeoutMs i32=60000, topics[]?{name str, partitionIndexes[] i32}
  `,
  response: `
    throttleTimeMs i32=0, errorCode i16, errorMessage str?=null,
    topics[]{
      name str,
      partitions[]{
        partitionIndex i32, replicas[] i32, addingReplicas[] i32, removingReplicas[] i32
      }
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface ListPartitionReassignmentsRequest {
  readonly timeoutMs: number;
  readonly topics: readonly ListPartitionReassignmentsRequestTopics[] | null;
}

export interface ListPartitionReassignmentsRequestTopics {
  readonly name: string;
  readonly partitionIndexes: readonly number[];
}

export interface ListPartitionReassignmentsResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly topics: readonly ListPartitionReassignmentsResponseTopics[];
}

export interface ListPartitionReassignmentsResponseTopics {
  readonly name: string;
  readonly partitions: readonly ListPartitionReassignmentsResponsePartitions[];
}

export interface ListPartitionReassignmentsResponsePartitions {
  readonly partitionIndex: number;
  readonly replicas: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
}
