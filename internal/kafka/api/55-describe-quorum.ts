// DescribeQuorum (key 55) describes the replicas of the controller's log.
import { defineApi } from "./api.ts";

export const describeQuorum = defineApi<DescribeQuorumRequest, DescribeQuorumResponse>({
  key: 55,
  name: "DescribeQuorum",
  versions: [0, 2],
  flexibleFrom: 0,
  request: `
    topics[]{
      topicName str, partitions[]{partitionIndex i32}
    }
  `,
  response: `
    errorCode i16, errorMessage str?=null@2+,
    topics[]{
      topicName str,
      partitions[]{
        partitionIndex i32, errorCode i16, errorMessage str?=null@2+, leaderId i32,
        leaderEpoch i32, highWatermark i64,
        currentVoters[]{
          replicaId i32, replicaDirectoryId uuid@2+, logEndOffset i64,
          lastFetchTimestamp i64=-1@1+, lastCaughtUpTimestamp i64=-1@1+
        },
        observers[]{
          replicaId i32, replicaDirectoryId uuid@2+, logEndOffset i64,
          lastFetchTimestamp i64=-1@1+, lastCaughtUpTimestamp i64=-1@1+
        }
      }
    },
    nodes[]@2+{
      nodeId i32, listeners[]{name str, host str, port u16}
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface DescribeQuorumRequest {
  readonly topics: readonly DescribeQuorumRequestTopics[];
}

export interface DescribeQuorumRequestTopics {
  readonly topicName: string;
  readonly partitions: readonly DescribeQuorumRequestPartitions[];
}

export interface DescribeQuorumRequestPartitions {
  readonly partitionIndex: number;
}

export interface DescribeQuorumResponse {
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly topics: readonly DescribeQuorumResponseTopics[];
  readonly nodes: readonly DescribeQuorumResponseNodes[];
}

export interface DescribeQuorumResponseTopics {
  readonly topicName: string;
  readonly partitions: readonly DescribeQuorumResponsePartitions[];
}

export interface DescribeQuorumResponsePartitions {
  readonly partitionIndex: number;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  readonly currentVoters: readonly DescribeQuorumResponseCurrentVoters[];
  readonly observers: readonly DescribeQuorumResponseObservers[];
}

export interface DescribeQuorumResponseCurrentVoters {
  readonly replicaId: number;
  readonly replicaDirectoryId: string;
  readonly logEndOffset: number;
  readonly lastFetchTimestamp?: number;
  readonly lastCaughtUpTimestamp?: number;
}

export interface DescribeQuorumResponseObservers {
  readonly replicaId: number;
  readonly replicaDirectoryId: string;
  readonly logEndOffset: number;
  readonly lastFetchTimestamp?: number;
  readonly lastCaughtUpTimestamp?: number;
}

export interface DescribeQuorumResponseNodes {
  readonly nodeId: number;
  readonly listeners: readonly DescribeQuorumResponseListeners[];
}

export interface DescribeQuorumResponseListeners {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}
