// What group 0 records: the whole metadata of a cluster is what these records say, applied in log order.
// Records are plain immutable values, shared freely between the controller's state and the metadata image.
import type {
  BrokerId,
  ClusterId,
  DirectoryId,
  GroupId,
  Incarnation,
  ReplicaId,
  Term,
  TopicId,
} from "../model/ids.ts";

export type EndpointProtocol = "kafka" | "grpc" | "http" | "link";

/** Where a broker is reached by others: what it advertises, not what it binds. */
export interface Endpoint {
  readonly protocol: EndpointProtocol;
  /** The listener's name, unique within a broker. Metadata answers with the endpoint of the listener that was asked. */
  readonly listener: string;
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
}

export interface ReplicaPlacement {
  readonly replica: ReplicaId;
  readonly broker: BrokerId;
  readonly directory: DirectoryId;
}

export interface PartitionPlacement {
  readonly partition: number;
  readonly group: GroupId;
  /** Replicas of the group start in this term: 0, or for a name that existed before, above all its old terms (C6). */
  readonly firstTerm: Term;
  /** The controller's target (C4). Grows by one with each change of `replicas`. Starts at 1. */
  readonly revision: number;
  /** The first replica is the preferred leader. */
  readonly replicas: readonly ReplicaPlacement[];
  /** Replicas that targets exclude and that the group may still count, until "placement-settled". */
  readonly leaving: readonly ReplicaPlacement[];
  /** All replicas of the first target, once there is another one and until "placement-settled". See foundersOf. */
  readonly founders: readonly ReplicaPlacement[];
}

/**
 * The group's first configuration, in which it may still have to elect its first leader: all of it, or nobody once the
 * group has settled, which it does under a leader.
 */
export function foundersOf(placement: PartitionPlacement): readonly ReplicaPlacement[] {
  return placement.revision === 1 ? placement.replicas : placement.founders;
}

/** The controller has heard that the group's committed configuration is the target, or it was never given another one. */
export function isSettled({ leaving, founders }: PartitionPlacement): boolean {
  return leaving.length === 0 && founders.length === 0;
}

export interface ConfigEntry {
  readonly name: string;
  readonly value: string;
}

export interface BrokerRegistration {
  readonly broker: BrokerId;
  readonly directory: DirectoryId;
  readonly incarnation: Incarnation;
  readonly rack: string | null;
  /** Brokers with the same label share a machine; placement keeps replicas of a partition apart. */
  readonly host: string | null;
  readonly endpoints: readonly Endpoint[];
}

/** Tables of group 0 whose rows mean something only to the layer that owns them. */
export type EntrySpace = "acl" | "credential" | "quota";

export type ControllerRecord =
  | { readonly kind: "cluster-founded"; readonly clusterId: ClusterId }
  /** Level 0 takes the feature away. */
  | { readonly kind: "feature-level-set"; readonly feature: string; readonly level: number }
  /** A new incarnation starts fenced (C2). */
  | ({ readonly kind: "broker-registered" } & BrokerRegistration)
  | {
      /** Draining: this incarnation is about to end; the next one is not draining. */
      readonly kind: "broker-fenced" | "broker-unfenced" | "broker-draining";
      readonly broker: BrokerId;
      readonly incarnation: Incarnation;
    }
  | { readonly kind: "broker-removed"; readonly broker: BrokerId }
  | {
      readonly kind: "topic-created";
      readonly topicId: TopicId;
      readonly name: string;
      readonly configs: readonly ConfigEntry[];
      readonly partitions: readonly PartitionPlacement[];
    }
  /** `highestTerm`: the highest term gossiped for any of its partitions (C6). */
  | { readonly kind: "topic-deleted"; readonly topicId: TopicId; readonly highestTerm: Term }
  | {
      readonly kind: "partitions-added";
      readonly topicId: TopicId;
      readonly partitions: readonly PartitionPlacement[];
    }
  | {
      readonly kind: "placement-set";
      readonly topicId: TopicId;
      readonly placement: PartitionPlacement;
    }
  /** The group's committed configuration is the target of this revision: nobody is leaving or founding any more (C4). */
  | {
      readonly kind: "placement-settled";
      readonly topicId: TopicId;
      readonly partition: number;
      readonly revision: number;
    }
  /** The whole set of overrides afterwards. */
  | {
      readonly kind: "topic-configs-set";
      readonly topicId: TopicId;
      readonly configs: readonly ConfigEntry[];
    }
  /** The whole set of dynamic values afterwards; broker null is the default of all brokers. */
  | {
      readonly kind: "broker-configs-set";
      readonly broker: BrokerId | null;
      readonly configs: readonly ConfigEntry[];
    }
  /** The whole set of a consumer group's configs afterwards; the group need not exist. */
  | {
      readonly kind: "group-configs-set";
      readonly group: string;
      readonly configs: readonly ConfigEntry[];
    }
  /** Producer ids from `first` up to `end` (exclusive) belong to this broker for ever. */
  | {
      readonly kind: "producer-ids-allocated";
      readonly broker: BrokerId;
      readonly first: number;
      readonly end: number;
    }
  /** A row of an opaque table; value null removes it. */
  | {
      readonly kind: "entry-set";
      readonly space: EntrySpace;
      readonly key: string;
      readonly value: Uint8Array | null;
    }
  /** A request of this broker's registered start wrote the records before this one. Reply null: too large to be kept. */
  | {
      readonly kind: "request-answered";
      readonly broker: BrokerId;
      readonly sequence: number;
      readonly floor: number;
      readonly reply: Uint8Array | null;
    }
  /** Snapshots only: what the remaining records no longer show. */
  | {
      readonly kind: "counters-set";
      readonly nextGroup: GroupId;
      readonly nextReplica: ReplicaId;
      readonly nextProducerId: number;
      /** See ClusterState.deletedTermFloor. */
      readonly deletedTermFloor: Term;
    }
  /** Snapshots only: the highest term of a deleted topic of this name (C6). */
  | { readonly kind: "deleted-term-set"; readonly name: string; readonly highestTerm: Term };
