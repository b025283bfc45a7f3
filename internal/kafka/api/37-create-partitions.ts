// CreatePartitions (key 37) raises the number of a topic's partitions; count is the new total.
import { defineApi } from "./api.ts";

export const createPartitions = defineApi<CreatePartitionsRequest, CreatePartitionsResponse>({
  key: 37,
  name: "CreatePartitions",
  versions: [0, 3],
  flexibleFrom: 2,
  request: `
    topics[]{
      name str, count i32, assignments[]?{brokerIds[] i32}
    },
    timeoutMs i32, validateOnly bool
  `,
  response: `
    throttleTimeMs i32=0, results[]{name str, errorCode i16, errorMessage str?=null}
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface CreatePartitionsRequest {
  readonly topics: readonly CreatePartitionsRequestTopics[];
  readonly timeoutMs: number;
  readonly validateOnly: boolean;
}

export interface CreatePartitionsRequestTopics {
  readonly name: string;
  readonly count: number;
  readonly assignments: readonly CreatePartitionsRequestAssignments[] | null;
}

export interface CreatePartitionsRequestAssignments {
  readonly brokerIds: readonly number[];
}

export interface CreatePartitionsResponse {
  readonly throttleTimeMs?: number;
  readonly results: readonly CreatePartitionsResponseResults[];
}

export interface CreatePartitionsResponseResults {
  readonly name: string;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
}
