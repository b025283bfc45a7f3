// ElectLeaders (key 43) moves leadership: type 0 to the preferred replica, 1 is the unclean
// election that this broker refuses. Null topicPartitions mean all.
import { defineApi } from "./api.ts";

export const electLeaders = defineApi<ElectLeadersRequest, ElectLeadersResponse>({
  key: 43,
  name: "ElectLeaders",
  versions: [0, 2],
  flexibleFrom: 2,
  request: `
    electionType i8@1+, topicPartitions[]?{topic str, partitions[] i32}, timeoutMs i32=60000
  `,
  response: `
    throttleTimeMs i32=0, errorCode i16=0@1+,
    replicaElectionResults[]{
      topic str, partitionResult[]{partitionId i32, errorCode i16, errorMessage str?=null}
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface ElectLeadersRequest {
  readonly electionType: number;
  readonly topicPartitions: readonly ElectLeadersRequestTopicPartitions[] | null;
  readonly timeoutMs: number;
}

export interface ElectLeadersRequestTopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

export interface ElectLeadersResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode?: number;
  readonly replicaElectionResults: readonly ElectLeadersResponseReplicaElectionResults[];
}

export interface ElectLeadersResponseReplicaElectionResults {
  readonly topic: string;
  readonly partitionResult: readonly ElectLeadersResponsePartitionResult[];
}

export interface ElectLeadersResponsePartitionResult {
  readonly partitionId: number;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
}
