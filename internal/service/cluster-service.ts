// Use cases on metadata and administration, protocol-neutral. Reads are of this broker's image; writes go to the
// controller wherever it is (C3).
import type { Result } from "../base/result.ts";
import type {
  ConfigChange,
  ConfigResource,
  NewTopic as TopicToCreate,
} from "../cluster/controller-requests.ts";
import type { BrokerId, ClusterId, Offset, Term, TopicId } from "../model/ids.ts";

export type { ConfigChange };
export type ConfigTarget = ConfigResource;

/** The controller's refusals, by the names of its fault kinds. */
export interface AdminFault {
  readonly kind:
    | "invalid-topic-name"
    | "topic-exists"
    | "name-collision"
    | "duplicate-topic"
    | "invalid-partitions"
    | "invalid-replication-factor"
    | "invalid-replica-assignment"
    | "invalid-config"
    | "too-many-partitions"
    | "unknown-topic"
    | "unknown-topic-id"
    | "unknown-broker"
    | "broker-in-use"
    | "stale-revision"
    | "invalid-request"
    | "not-founded"
    | "outcome-unknown"
    | "timed-out"
    | "busy"
    | "storage-full"
    | "too-large"
    | "internal-topic"
    | "refused";
  readonly detail: string;
}

export interface BrokerView {
  readonly broker: BrokerId;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
  readonly fenced: boolean;
}

export interface PartitionView {
  readonly partition: number;
  readonly leader: BrokerId | null;
  readonly leaderEpoch: Term;
  readonly replicas: readonly BrokerId[];
  readonly isr: readonly BrokerId[];
  readonly offline: readonly BrokerId[];
}

export interface TopicView {
  readonly topicId: TopicId;
  readonly name: string;
  readonly isInternal: boolean;
  /** Filled in only when asked for. */
  readonly partitions: readonly PartitionView[];
}

export type ConfigSource =
  "topic" | "group" | "dynamic-broker" | "dynamic-default" | "static-broker" | "default";

export interface ConfigSynonym {
  readonly name: string;
  readonly value: string | null;
  readonly source: ConfigSource;
}

export interface ConfigView {
  readonly name: string;
  readonly value: string | null;
  readonly readOnly: boolean;
  readonly isSensitive: boolean;
  /** Where the value comes from. */
  readonly source: ConfigSource;
  /** Every value that was given or stands by default, what is in force first; the names may differ. */
  readonly synonyms: readonly ConfigSynonym[];
  readonly type: "boolean" | "string" | "int" | "short" | "long" | "double" | "list" | "password";
  readonly doc: string;
}

/** The service chooses the id. */
export type NewTopic = Omit<TopicToCreate, "topicId">;

export interface CreatedTopic {
  readonly topicId: TopicId;
  readonly partitions: number;
  readonly factor: number;
  readonly configs: readonly ConfigView[];
}

export interface TopicOutcome<T> {
  readonly name: string;
  readonly topicId?: TopicId;
  readonly outcome: Result<T, AdminFault>;
}

export interface QuorumView {
  readonly leader: BrokerId | null;
  readonly leaderEpoch: Term;
  readonly highWatermark: Offset;
  readonly voters: readonly { readonly broker: BrokerId; readonly endIndex: number }[];
}

export interface ClusterService {
  readonly broker: BrokerId;
  /** Null before the cluster is founded: the broker is not ready to serve metadata then. */
  readonly clusterId: ClusterId | null;
  /** Metadata's controllerId (C3). */
  controller(): BrokerId;
  /** Brokers with their Kafka endpoints of the named listener, sorted by id. Fenced ones only when asked for. */
  brokers(listener: string, withFenced: boolean): readonly BrokerView[];
  topicNamed(name: string): TopicView | null;
  topicWithId(topicId: TopicId): TopicView | null;
  topicNames(): Iterable<string>;
  topicCount(): number;
  /** Whether a name may be given to a topic. */
  isLegalTopicName(name: string): boolean;
  readonly autoCreateTopics: boolean;
  /** Auto-creation with the defaults; ready for use when it resolves, if it can be within `withinMs`. */
  autoCreate(
    names: readonly string[],
    withinMs: number,
  ): Promise<readonly TopicOutcome<CreatedTopic>[]>;
  createTopics(
    topics: readonly NewTopic[],
    validateOnly: boolean,
    withinMs: number,
  ): Promise<readonly TopicOutcome<CreatedTopic>[]>;
  /** By name, or by id where `name` is null. The answer is in the order of the request. */
  deleteTopics(
    topics: readonly { readonly name: string | null; readonly topicId: TopicId | null }[],
    withinMs: number,
  ): Promise<
    readonly {
      readonly name: string | null;
      readonly topicId: TopicId | null;
      readonly outcome: Result<null, AdminFault>;
    }[]
  >;
  createPartitions(
    topics: readonly {
      readonly name: string;
      readonly count: number;
      readonly assignments: readonly (readonly BrokerId[])[];
    }[],
    validateOnly: boolean,
    withinMs: number,
  ): Promise<readonly TopicOutcome<null>[]>;
  /** The groups that have configs of their own. */
  configuredGroups(): Iterable<string>;
  /** Null names: all. Sorted by name. Of brokers, only this one knows its own settings. */
  describeConfigs(
    target: ConfigTarget,
    names: readonly string[] | null,
  ): Result<readonly ConfigView[], AdminFault>;
  alterConfigs(
    resources: readonly { readonly of: ConfigTarget; readonly changes: readonly ConfigChange[] }[],
    /** Replace: the changes are the whole override set. */
    mode: "replace" | "incremental",
    validateOnly: boolean,
    withinMs: number,
  ): Promise<readonly Result<null, AdminFault>[]>;
  /** A producer id that nobody else ever gets. */
  allocateProducerId(withinMs: number): Promise<Result<number, AdminFault>>;
  /** As far as this broker has heard. */
  controllerQuorum(): QuorumView;
}
