// What can be asked of the controller, what it answers, and every way in which it refuses. Front ends translate the
// fault kinds to Kafka codes and gRPC statuses in exhaustive tables; `detail` is the sentence a person reads.
import type { Result } from "../base/result.ts";
import type {
  BrokerId,
  ClusterId,
  DirectoryId,
  Incarnation,
  LogIndex,
  Term,
  TopicId,
} from "../model/ids.ts";
import type { BrokerRegistration, ConfigEntry, EntrySpace } from "./records.ts";

/** In a comment: the Kafka code that a front end gives. */
export const CONTROLLER_FAULT_KINDS = [
  "invalid-topic-name", // INVALID_TOPIC_EXCEPTION 17
  "topic-exists", // TOPIC_ALREADY_EXISTS 36
  "name-collision", // INVALID_TOPIC_EXCEPTION 17: differs from an existing name only by . and _
  "duplicate-topic", // INVALID_REQUEST 42: named twice in one request
  "invalid-partitions", // INVALID_PARTITIONS 37
  "invalid-replication-factor", // INVALID_REPLICATION_FACTOR 38
  "invalid-replica-assignment", // INVALID_REPLICA_ASSIGNMENT 39
  "invalid-config", // INVALID_CONFIG 40
  "too-many-partitions", // POLICY_VIOLATION 44: a limit of the cluster
  "unknown-topic", // UNKNOWN_TOPIC_OR_PARTITION 3
  "unknown-topic-id", // UNKNOWN_TOPIC_ID 100
  "unknown-broker", // BROKER_ID_NOT_REGISTERED 102
  "duplicate-broker", // DUPLICATE_BROKER_REGISTRATION 101: another directory with this id is alive (C1)
  "stale-incarnation", // STALE_BROKER_EPOCH 77
  "wrong-cluster", // INCONSISTENT_CLUSTER_ID 104
  "broker-in-use", // POLICY_VIOLATION 44: it is unfenced or still holds replicas
  "stale-revision", // INVALID_REQUEST 42: the placement changed since (C4)
  "invalid-feature-level", // INVALID_UPDATE_VERSION 95
  "invalid-request", // INVALID_REQUEST 42
  "not-founded", // COORDINATOR_NOT_AVAILABLE 15: there is no cluster id yet
  "not-leader", // never leaves a broker (C3): the client of the controller asks again until its deadline
  "outcome-unknown", // REQUEST_TIMED_OUT 7: it may or may not have happened
  "timed-out", // REQUEST_TIMED_OUT 7: no leader of group 0 took it; nothing happened
  "busy", // THROTTLING_QUOTA_EXCEEDED 89, older clients REQUEST_TIMED_OUT 7
  "storage-full", // KAFKA_STORAGE_ERROR 56
  "too-large", // POLICY_VIOLATION 44: more than one log entry can hold
  "internal-topic", // INVALID_TOPIC_EXCEPTION 17: only brokers delete it
] as const;

export type ControllerFaultKind = (typeof CONTROLLER_FAULT_KINDS)[number];

export interface ControllerFault {
  readonly kind: ControllerFaultKind;
  /** A sentence for people; may name the offending value. */
  readonly detail: string;
}

export interface NewTopic {
  /** Chosen by the asker at random. See newTopicId in topic-name.ts. */
  readonly topicId: TopicId;
  readonly name: string;
  /** -1: the default. With assignments: -1. */
  readonly partitions: number;
  /** -1: the default (P3). With assignments: -1. */
  readonly factor: number;
  /** Brokers of each partition, preferred leader first; empty: the controller places. */
  readonly assignments: readonly {
    readonly partition: number;
    readonly brokers: readonly BrokerId[];
  }[];
  /** Overrides. A null value asks for the default, as if the name were absent. */
  readonly configs: readonly { readonly name: string; readonly value: string | null }[];
}

export interface CreatedTopic {
  readonly topicId: TopicId;
  readonly partitions: number;
  readonly factor: number;
  readonly configs: readonly ConfigEntry[];
}

export type TopicReference = { readonly name: string } | { readonly topicId: TopicId };

export type ConfigResource =
  | { readonly resource: "topic"; readonly name: string }
  /** broker null: the default of all brokers. */
  | { readonly resource: "broker"; readonly broker: BrokerId | null }
  /** A consumer group, which need not exist. */
  | { readonly resource: "group"; readonly name: string };

/** A member of group 0, or a broker that follows its image. Times are of the leader's day, milliseconds; -1: unknown. */
export interface QuorumMember {
  readonly broker: BrokerId;
  readonly directory: DirectoryId;
  readonly isVoter: boolean;
  /** Entries of the log that are durable there, or that its image holds. */
  readonly end: LogIndex;
  readonly contactMs: number;
  readonly caughtUpMs: number;
}

export type ConfigOperation = "set" | "delete" | "append" | "subtract";

export interface ConfigChange {
  readonly name: string;
  readonly operation: ConfigOperation;
  readonly value: string | null;
}

export interface TopicOutcome<T> {
  readonly name: string;
  readonly outcome: Result<T, ControllerFault>;
}

/** Every request of the controller with its reply. Item-level faults are inside the replies. */
export interface ControllerExchanges {
  /** Group 0's first leader proposes an id; the reply says which id the cluster has (C1). */
  "found-cluster": {
    readonly request: { readonly clusterId: ClusterId };
    readonly reply: { readonly clusterId: ClusterId };
  };
  "register-broker": {
    readonly request: BrokerRegistration & { readonly clusterId: ClusterId };
    readonly reply: { readonly fenced: boolean };
  };
  "fence-broker": {
    readonly request: { readonly broker: BrokerId; readonly incarnation: Incarnation };
    readonly reply: { readonly fenced: true };
  };
  "unfence-broker": {
    readonly request: { readonly broker: BrokerId; readonly incarnation: Incarnation };
    readonly reply: { readonly fenced: false };
  };
  /** This start of the broker is about to end: it gets no new replicas and no leadership, and is not unfenced again. */
  "drain-broker": {
    readonly request: { readonly broker: BrokerId; readonly incarnation: Incarnation };
    readonly reply: { readonly draining: true };
  };
  /** Forgets a broker that is fenced and holds no replica. */
  "remove-broker": {
    readonly request: { readonly broker: BrokerId };
    readonly reply: { readonly broker: BrokerId };
  };
  "create-topics": {
    readonly request: {
      readonly topics: readonly NewTopic[];
      readonly validateOnly: boolean;
      /** How long the answer may wait until the topics can be used (C3); 0: answer when committed. */
      readonly readyWithinMs: number;
    };
    readonly reply: {
      readonly topics: readonly TopicOutcome<CreatedTopic>[];
      /** False: created, but not yet usable everywhere within `readyWithinMs` (REQUEST_TIMED_OUT). */
      readonly ready: boolean;
    };
  };
  "delete-topics": {
    readonly request: { readonly topics: readonly TopicReference[] };
    readonly reply: {
      readonly topics: readonly {
        readonly name: string | null;
        readonly topicId: TopicId | null;
        readonly outcome: Result<null, ControllerFault>;
      }[];
    };
  };
  "create-partitions": {
    readonly request: {
      readonly topics: readonly {
        readonly name: string;
        /** The new total. */
        readonly count: number;
        /** Brokers of each added partition; empty: the controller places. */
        readonly assignments: readonly (readonly BrokerId[])[];
      }[];
      readonly validateOnly: boolean;
      readonly readyWithinMs: number;
    };
    readonly reply: { readonly topics: readonly TopicOutcome<null>[]; readonly ready: boolean };
  };
  /** Sets new targets (C4). Brokers that stay keep their replica ids; directories replaced since get new ones (F5). */
  "place-replicas": {
    readonly request: {
      readonly changes: readonly {
        readonly topicId: TopicId;
        readonly partition: number;
        /** The revision the asker saw; another one now refuses the change. */
        readonly revision: number;
        readonly brokers: readonly BrokerId[];
      }[];
    };
    readonly reply: {
      readonly outcomes: readonly Result<{ readonly revision: number }, ControllerFault>[];
    };
  };
  /** Says of groups that their committed configuration is the target of this revision, so that who left them is free (C4). */
  "settle-placements": {
    readonly request: {
      readonly settled: readonly {
        readonly topicId: TopicId;
        readonly partition: number;
        readonly revision: number;
      }[];
    };
    readonly reply: { readonly count: number };
  };
  /** Gives new replica ids to up to `countMax` replicas that lived in a directory this broker no longer has (F5). */
  "replace-directory": {
    readonly request: {
      readonly broker: BrokerId;
      readonly directory: DirectoryId;
      readonly countMax: number;
    };
    readonly reply: { readonly replaced: number };
  };
  /** Replaces the whole override set of each resource. */
  "alter-configs": {
    readonly request: {
      readonly resources: readonly {
        readonly of: ConfigResource;
        readonly configs: readonly { readonly name: string; readonly value: string | null }[];
      }[];
      readonly validateOnly: boolean;
    };
    readonly reply: { readonly outcomes: readonly Result<null, ControllerFault>[] };
  };
  "alter-configs-incrementally": {
    readonly request: {
      readonly resources: readonly {
        readonly of: ConfigResource;
        readonly changes: readonly ConfigChange[];
      }[];
      readonly validateOnly: boolean;
    };
    readonly reply: { readonly outcomes: readonly Result<null, ControllerFault>[] };
  };
  "allocate-producer-ids": {
    readonly request: { readonly broker: BrokerId; readonly incarnation: Incarnation };
    /** Ids from `first` up to `end`, exclusive. */
    readonly reply: { readonly first: number; readonly end: number };
  };
  "set-feature-levels": {
    readonly request: {
      readonly features: readonly {
        readonly feature: string;
        readonly level: number;
        readonly downgrade: boolean;
      }[];
      readonly validateOnly: boolean;
    };
    readonly reply: { readonly outcomes: readonly Result<null, ControllerFault>[] };
  };
  /** Changes rows of an opaque table, all or none. */
  "set-entries": {
    readonly request: {
      readonly space: EntrySpace;
      readonly changes: readonly { readonly key: string; readonly value: Uint8Array | null }[];
    };
    readonly reply: { readonly changed: number };
  };
  /** Who takes part in group 0, and how far each has come, as its leader knows. */
  "describe-quorum": {
    readonly request: object;
    readonly reply: {
      readonly leader: BrokerId;
      readonly term: Term;
      /** Entries that are committed. */
      readonly commit: LogIndex;
      readonly members: readonly QuorumMember[];
    };
  };
  /** Asks nothing but the version that holds everything committed before: a barrier for reads of the image. */
  describe: {
    readonly request: object;
    readonly reply: { readonly version: LogIndex; readonly clusterId: ClusterId | null };
  };
}

export type ControllerKind = keyof ControllerExchanges;

export type ControllerRequest<K extends ControllerKind = ControllerKind> = K extends ControllerKind
  ? { readonly kind: K } & ControllerExchanges[K]["request"]
  : never;

export type ControllerReply<K extends ControllerKind = ControllerKind> = K extends ControllerKind
  ? { readonly kind: K } & ControllerExchanges[K]["reply"]
  : never;

/** How everyone but the controller itself speaks to it (C3). Implemented in forwarding.ts. */
export interface ControllerClient {
  /**
   * Asks group 0's leader, wherever it is, and asks again after "not-leader" until `withinMs` have passed; never
   * rejects. "timed-out": nothing happened. "outcome-unknown": it may have happened.
   */
  request<K extends ControllerKind>(
    request: ControllerRequest<K>,
    withinMs: number,
  ): Promise<Result<ControllerReply<K>, ControllerFault>>;
}
