// Metadata (key 3) describes the cluster and its topics. A null topic list asks for all topics (in
// version 0 an empty one does); an empty list asks for none. A topic asked for by id has a null
// name. authorizedOperations is a bit mask over ACL operations, -2147483648 when it was not asked
// for.
import type { TopicId } from "../../model/ids.ts";
import { defineApi } from "./api.ts";

export const metadata = defineApi<MetadataRequest, MetadataResponse>({
  key: 3,
  name: "Metadata",
  versions: [0, 13],
  flexibleFrom: 9,
  request: `
    topics[]?(1+){topicId uuid@10+, name str?(10+)}, allowAutoTopicCreation bool=true@4+,
    includeClusterAuthorizedOperations bool@8-10, includeTopicAuthorizedOperations bool@8+
  `,
  response: `
    throttleTimeMs i32=0@3+, brokers[]{nodeId i32, host str, port i32, rack str?@1+},
    clusterId str?@2+, controllerId i32=-1@1+,
    topics[]{
      errorCode i16, name str?(12+), topicId uuid@10+, isInternal bool@1+,
      partitions[]{
        errorCode i16, partitionIndex i32, leaderId i32, leaderEpoch i32=-1@7+,
        replicaNodes[] i32, isrNodes[] i32, offlineReplicas[] i32@5+
      },
      topicAuthorizedOperations i32=-2147483648@8+
    },
    clusterAuthorizedOperations i32=-2147483648@8-10, errorCode i16=0@13+
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface MetadataRequest {
  readonly topics: readonly MetadataRequestTopics[] | null;
  readonly allowAutoTopicCreation: boolean;
  readonly includeClusterAuthorizedOperations: boolean;
  readonly includeTopicAuthorizedOperations: boolean;
}

export interface MetadataRequestTopics {
  readonly topicId: TopicId;
  readonly name: string | null;
}

export interface MetadataResponse {
  readonly throttleTimeMs?: number;
  readonly brokers: readonly MetadataResponseBrokers[];
  readonly clusterId: string | null;
  readonly controllerId?: number;
  readonly topics: readonly MetadataResponseTopics[];
  readonly clusterAuthorizedOperations?: number;
  readonly errorCode?: number;
}

export interface MetadataResponseBrokers {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

export interface MetadataResponseTopics {
  readonly errorCode: number;
  readonly name: string | null;
  readonly topicId: TopicId;
  readonly isInternal: boolean;
  readonly partitions: readonly MetadataResponsePartitions[];
  readonly topicAuthorizedOperations?: number;
}

export interface MetadataResponsePartitions {
  readonly errorCode: number;
  readonly partitionIndex: number;
  readonly leaderId: number;
  readonly leaderEpoch?: number;
  readonly replicaNodes: readonly number[];
  readonly isrNodes: readonly number[];
  readonly offlineReplicas: readonly number[];
}
