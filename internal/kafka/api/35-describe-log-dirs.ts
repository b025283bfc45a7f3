// DescribeLogDirs (key 35) describes what the broker stores, partition by partition. Null topics
// ask for all.
import { defineApi } from "./api.ts";

export const describeLogDirs = defineApi<DescribeLogDirsRequest, DescribeLogDirsResponse>({
  key: 35,
  name: "DescribeLogDirs",
  versions: [1, 4],
  flexibleFrom: 2,
  request: `
    topics[]?{topic str, partitions[] i32}
  `,
  response: `
    throttleTimeMs i32=0, errorCode i16@3+,
    results[]{
      errorCode i16, logDir str,
      topics[]{
        name str,
        partitions[]{partitionIndex i32, partitionSize i64, offsetLag i64, isFutureKey bool}
      },
      totalBytes i64=-1@4+, usableBytes i64=-1@4+, isCordoned bool@5+
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface DescribeLogDirsRequest {
  readonly topics: readonly DescribeLogDirsRequestTopics[] | null;
}

export interface DescribeLogDirsRequestTopics {
  readonly topic: string;
  readonly partitions: readonly number[];
}

export interface DescribeLogDirsResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly results: readonly DescribeLogDirsResponseResults[];
}

export interface DescribeLogDirsResponseResults {
  readonly errorCode: number;
  readonly logDir: string;
  readonly topics: readonly DescribeLogDirsResponseTopics[];
  readonly totalBytes?: number;
  readonly usableBytes?: number;
  readonly isCordoned: boolean;
}

export interface DescribeLogDirsResponseTopics {
  readonly name: string;
  readonly partitions: readonly DescribeLogDirsResponsePartitions[];
}

export interface DescribeLogDirsResponsePartitions {
  readonly partitionIndex: number;
  readonly partitionSize: number;
  readonly offsetLag: number;
  readonly isFutureKey: boolean;
}
