// Written by `make gen` from proto/flotilla/v1/admin.proto; edit that.

export interface Admin {
  readonly CreateTopic: {
    readonly request: CreateTopicRequest;
    readonly response: CreateTopicResponse;
  };
  readonly DeleteTopic: {
    readonly request: DeleteTopicRequest;
    readonly response: DeleteTopicResponse;
  };
  readonly ListTopics: {
    readonly request: ListTopicsRequest;
    readonly response: ListTopicsResponse;
  };
  readonly DescribeTopic: {
    readonly request: DescribeTopicRequest;
    readonly response: DescribeTopicResponse;
  };
  readonly CreatePartitions: {
    readonly request: CreatePartitionsRequest;
    readonly response: CreatePartitionsResponse;
  };
  readonly DescribeConfigs: {
    readonly request: DescribeConfigsRequest;
    readonly response: DescribeConfigsResponse;
  };
  readonly AlterConfigs: {
    readonly request: AlterConfigsRequest;
    readonly response: AlterConfigsResponse;
  };
  readonly ClusterStatus: {
    readonly request: ClusterStatusRequest;
    readonly response: ClusterStatusResponse;
  };
}

export interface ConfigEntry {
  readonly name: string;
  readonly value?: string;
}

export interface Assignment {
  readonly partition: number;
  readonly brokers: readonly number[];
}

export interface CreateTopicRequest {
  readonly name: string;
  readonly partitions?: number;
  readonly replicationFactor?: number;
  readonly assignments: readonly Assignment[];
  readonly configs: readonly ConfigEntry[];
  readonly validateOnly: boolean;
}

export interface CreateTopicResponse {
  readonly topicId: string;
  readonly partitions: number;
  readonly replicationFactor: number;
}

export interface DeleteTopicRequest {
  readonly name: string;
  readonly topicId: string;
}

export type DeleteTopicResponse = Readonly<Record<string, never>>;

export interface ListTopicsRequest {
  readonly prefix: string;
  readonly includeInternal: boolean;
  readonly pageSize: number;
  readonly pageToken: string;
}

export interface ListTopicsResponse {
  readonly topics: readonly TopicSummary[];
  readonly nextPageToken: string;
}

export interface TopicSummary {
  readonly name: string;
  readonly topicId: string;
  readonly partitions: number;
  readonly isInternal: boolean;
}

export interface DescribeTopicRequest {
  readonly name: string;
  readonly topicId: string;
}

export interface DescribeTopicResponse {
  readonly name: string;
  readonly topicId: string;
  readonly isInternal: boolean;
  readonly partitions: readonly PartitionDescription[];
}

export interface PartitionDescription {
  readonly partition: number;
  readonly leader?: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly inSync: readonly number[];
  readonly offline: readonly number[];
}

export interface CreatePartitionsRequest {
  readonly topic: string;
  readonly partitions: number;
  readonly assignments: readonly Assignment[];
  readonly validateOnly: boolean;
}

export type CreatePartitionsResponse = Readonly<Record<string, never>>;

export interface ConfigTarget {
  readonly topic?: string;
  readonly broker?: number;
  readonly allBrokers?: boolean;
  /** Which of them is there. */
  readonly target?: "topic" | "broker" | "allBrokers";
}

export interface DescribeConfigsRequest {
  readonly of?: ConfigTarget | null;
  readonly names: readonly string[];
}

export interface DescribeConfigsResponse {
  readonly configs: readonly ConfigDescription[];
}

export interface ConfigDescription {
  readonly name: string;
  readonly value?: string;
  readonly readOnly: boolean;
  readonly isSensitive: boolean;
  readonly source: ConfigSource;
  readonly type: ConfigType;
  readonly documentation: string;
}

export type ConfigSource =
  | "CONFIG_SOURCE_UNSPECIFIED"
  | "CONFIG_SOURCE_TOPIC"
  | "CONFIG_SOURCE_DYNAMIC_BROKER"
  | "CONFIG_SOURCE_DYNAMIC_DEFAULT"
  | "CONFIG_SOURCE_STATIC_BROKER"
  | "CONFIG_SOURCE_DEFAULT";

export type ConfigType =
  | "CONFIG_TYPE_UNSPECIFIED"
  | "CONFIG_TYPE_BOOLEAN"
  | "CONFIG_TYPE_STRING"
  | "CONFIG_TYPE_INT"
  | "CONFIG_TYPE_SHORT"
  | "CONFIG_TYPE_LONG"
  | "CONFIG_TYPE_DOUBLE"
  | "CONFIG_TYPE_LIST"
  | "CONFIG_TYPE_PASSWORD";

export type ConfigOperation =
  | "CONFIG_OPERATION_UNSPECIFIED"
  | "CONFIG_OPERATION_SET"
  | "CONFIG_OPERATION_DELETE"
  | "CONFIG_OPERATION_APPEND"
  | "CONFIG_OPERATION_SUBTRACT";

export interface ConfigChange {
  readonly name: string;
  readonly operation: ConfigOperation;
  readonly value?: string;
}

export interface AlterConfigsRequest {
  readonly of?: ConfigTarget | null;
  readonly changes: readonly ConfigChange[];
  readonly validateOnly: boolean;
}

export type AlterConfigsResponse = Readonly<Record<string, never>>;

export type ClusterStatusRequest = Readonly<Record<string, never>>;

export interface ClusterStatusResponse {
  readonly clusterId: string;
  readonly broker: number;
  readonly brokers: readonly BrokerStatus[];
  readonly topicCount: number;
  readonly controller?: QuorumStatus | null;
}

export interface BrokerStatus {
  readonly broker: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string;
  readonly fenced: boolean;
}

export interface QuorumStatus {
  readonly leader?: number;
  readonly term: number;
  readonly highWatermark: number;
  readonly voters: readonly QuorumVoter[];
}

export interface QuorumVoter {
  readonly broker: number;
  readonly endIndex: number;
}
