// AlterPartitionReassignments (key 45) moves replicas. Null replicas cancel a reassignment.
import { defineApi } from "./api.ts";

export const alterPartitionReassignments = defineApi<
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse
>({
  key: 45,
  name: "AlterPartitionReassignments",
  versions: [0, 1],
  flexibleFrom: 0,
  request: `
    timeoutMs i32=60000, allowReplicationFactorChange bool=true@1+,
    topics[]{
      name str, partitions[]{partitionIndex i32, replicas[]? i32}
    }
  `,
  response: `
    throttleTimeMs i32=0, allowReplicationFactorChange bool=true@1+, errorCode i16,
    errorMessage str?=null,
    responses[]{
      name str, partitions[]{partitionIndex i32, errorCode i16, errorMessage str?=null}
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface AlterPartitionReassignmentsRequest {
  readonly timeoutMs: number;
  readonly allowReplicationFactorChange: boolean;
  readonly topics: readonly AlterPartitionReassignmentsRequestTopics[];
}

export interface AlterPartitionReassignmentsRequestTopics {
  readonly name: string;
  readonly partitions: readonly AlterPartitionReassignmentsRequestPartitions[];
}

export interface AlterPartitionReassignmentsRequestPartitions {
  readonly partitionIndex: number;
  readonly replicas: readonly number[] | null;
}

export interface AlterPartitionReassignmentsResponse {
  readonly throttleTimeMs?: number;
  readonly allowReplicationFactorChange?: boolean;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly responses: readonly AlterPartitionReassignmentsResponseResponses[];
}

export interface AlterPartitionReassignmentsResponseResponses {
  readonly name: string;
  readonly partitions: readonly AlterPartitionReassignmentsResponsePartitions[];
}

export interface AlterPartitionReassignmentsResponsePartitions {
  readonly partitionIndex: number;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
}
