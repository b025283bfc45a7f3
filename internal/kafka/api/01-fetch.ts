// Fetch (key 1) reads record batches. Topics are named up to version 12 and identified from 13 on.
// replicaId or replicaState of 0 or more is a follower of Kafka's own replication, which this
// broker refuses. Records are answered as lent ranges and never null.
import type { TopicId } from "../../model/ids.ts";
import type { LentRecords } from "../../schema/message.ts";
import { defineApi } from "./api.ts";

export const fetch = defineApi<FetchRequest, FetchResponse>({
  key: 1,
  name: "Fetch",
  versions: [4, 18],
  flexibleFrom: 12,
  request: `
    clusterId str?@12+#0, replicaId i32=-1@≤14,
    replicaState@15+#1{replicaId i32=-1, replicaEpoch i64=-1}, maxWaitMs i32, minBytes i32,
    maxBytes i32, isolationLevel i8, sessionId i32@7+, sessionEpoch i32=-1@7+,
    topics[]{
      topic str@≤12, topicId uuid@13+,
      partitions[]{
        partition i32, currentLeaderEpoch i32=-1@9+, fetchOffset i64,
        lastFetchedEpoch i32=-1@12+, logStartOffset i64=-1@5+, partitionMaxBytes i32,
        replicaDirectoryId uuid@17+#0, highWatermark i64@18+#1
      }
    },
    forgottenTopicsData[]@7+{topic str@≤12, topicId uuid@13+, partitions[] i32}, rackId str@11+
  `,
  response: `
    throttleTimeMs i32=0, errorCode i16=0@7+, sessionId i32=0@7+,
    responses[]{
      topic str@≤12, topicId uuid@13+,
      partitions[]{
        partitionIndex i32, errorCode i16, highWatermark i64, lastStableOffset i64=-1,
        logStartOffset i64=-1@5+, divergingEpoch@12+#0{epoch i32=-1, endOffset i64=-1},
        currentLeader@12+#1{leaderId i32=-1, leaderEpoch i32=-1},
        snapshotId@12+#2{endOffset i64=-1, epoch i32=-1},
        abortedTransactions[]?=null{producerId i64, firstOffset i64},
        preferredReadReplica i32=-1@11+, records records?
      }
    },
    nodeEndpoints[]@16+#0{nodeId i32, host str, port i32, rack str?}
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface FetchRequest {
  readonly clusterId: string | null;
  readonly replicaId: number;
  readonly replicaState: FetchRequestReplicaState;
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly isolationLevel: number;
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly topics: readonly FetchRequestTopics[];
  readonly forgottenTopicsData: readonly FetchRequestForgottenTopicsData[];
  readonly rackId: string;
}

export interface FetchRequestReplicaState {
  readonly replicaId: number;
  readonly replicaEpoch: number;
}

export interface FetchRequestTopics {
  readonly topic: string;
  readonly topicId: TopicId;
  readonly partitions: readonly FetchRequestPartitions[];
}

export interface FetchRequestPartitions {
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
  readonly partitionMaxBytes: number;
  readonly replicaDirectoryId: string;
  readonly highWatermark: number;
}

export interface FetchRequestForgottenTopicsData {
  readonly topic: string;
  readonly topicId: TopicId;
  readonly partitions: readonly number[];
}

export interface FetchResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode?: number;
  readonly sessionId?: number;
  readonly responses: readonly FetchResponseResponses[];
  readonly nodeEndpoints?: readonly FetchResponseNodeEndpoints[];
}

export interface FetchResponseResponses {
  readonly topic: string;
  readonly topicId: TopicId;
  readonly partitions: readonly FetchResponsePartitions[];
}

export interface FetchResponsePartitions {
  readonly partitionIndex: number;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset?: number;
  readonly logStartOffset?: number;
  readonly divergingEpoch?: FetchResponseDivergingEpoch;
  readonly currentLeader?: FetchResponseCurrentLeader;
  readonly snapshotId?: FetchResponseSnapshotId;
  readonly abortedTransactions?: readonly FetchResponseAbortedTransactions[] | null;
  readonly preferredReadReplica?: number;
  readonly records: LentRecords | null;
}

export interface FetchResponseDivergingEpoch {
  readonly epoch?: number;
  readonly endOffset?: number;
}

export interface FetchResponseCurrentLeader {
  readonly leaderId?: number;
  readonly leaderEpoch?: number;
}

export interface FetchResponseSnapshotId {
  readonly endOffset?: number;
  readonly epoch?: number;
}

export interface FetchResponseAbortedTransactions {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface FetchResponseNodeEndpoints {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}
