// DescribeProducers (key 61) describes the producers that partitions remember.
import { defineApi } from "./api.ts";

export const describeProducers = defineApi<DescribeProducersRequest, DescribeProducersResponse>({
  key: 61,
  name: "DescribeProducers",
  versions: [0, 0],
  flexibleFrom: 0,
  request: `
    topics[]{name str, partitionIndexes[] i32}
  `,
  response: `
    throttleTimeMs i32=0,
    topics[]{
      name str,
      partitions[]{
        partitionIndex i32, errorCode i16, errorMessage str?=null,
        activeProducers[]{
          producerId i64, producerEpoch i32, lastSequence i32=-1, lastTimestamp i64=-1,
          coordinatorEpoch i32, currentTxnStartOffset i64=-1
        }
      }
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface DescribeProducersRequest {
  readonly topics: readonly DescribeProducersRequestTopics[];
}

export interface DescribeProducersRequestTopics {
  readonly name: string;
  readonly partitionIndexes: readonly number[];
}

export interface DescribeProducersResponse {
  readonly throttleTimeMs?: number;
  readonly topics: readonly DescribeProducersResponseTopics[];
}

export interface DescribeProducersResponseTopics {
  readonly name: string;
  readonly partitions: readonly DescribeProducersResponsePartitions[];
}

export interface DescribeProducersResponsePartitions {
  readonly partitionIndex: number;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly activeProducers: readonly DescribeProducersResponseActiveProducers[];
}

export interface DescribeProducersResponseActiveProducers {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence?: number;
  readonly lastTimestamp?: number;
  readonly coordinatorEpoch: number;
  readonly currentTxnStartOffset?: number;
}
