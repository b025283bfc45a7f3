// The records of group 0 as stored: one message per kind, each with a type number that is never used for anything
// else. A later version of a record adds fields, tagged or from that version on; docs/formats describes the framing.
import { Message } from "../message.ts";

const REPLICA = "replica i64, broker i32, directory uuid";
const PLACEMENT =
  "partition i32, group i64, firstTerm i32, revision i32, " +
  `replicas[]{${REPLICA}}, leaving[]{${REPLICA}}, founders[]{${REPLICA}}`;
const CONFIGS = "configs[]{name str, value str}";

type ReplicaRows = readonly {
  readonly replica: number;
  readonly broker: number;
  readonly directory: string;
}[];

interface PlacementRow {
  readonly partition: number;
  readonly group: number;
  readonly firstTerm: number;
  readonly revision: number;
  readonly replicas: ReplicaRows;
  readonly leaving: ReplicaRows;
  readonly founders: ReplicaRows;
}

type ConfigRows = readonly { readonly name: string; readonly value: string }[];

function record<T>(type: number, name: string, fields: string): RecordSchema<T> {
  return { type, version: 0, message: new Message<T>({ name, flexibleFrom: 0, fields }) };
}

export interface RecordSchema<T> {
  readonly type: number;
  /** The version that is written. Every version up to it is read. */
  readonly version: number;
  readonly message: Message<T>;
}

export const CONTROLLER_RECORDS = {
  "cluster-founded": record<{ readonly clusterId: string }>(1, "ClusterFounded", "clusterId uuid"),
  "feature-level-set": record<{ readonly feature: string; readonly level: number }>(
    2,
    "FeatureLevelSet",
    "feature str, level i16",
  ),
  "broker-registered": record<{
    readonly broker: number;
    readonly directory: string;
    readonly incarnation: number;
    readonly rack: string | null;
    readonly host: string | null;
    readonly endpoints: readonly {
      readonly protocol: number;
      readonly listener: string;
      readonly tls: boolean;
      readonly host: string;
      readonly port: number;
    }[];
  }>(
    3,
    "BrokerRegistered",
    "broker i32, directory uuid, incarnation i64, rack str?, host str?, " +
      "endpoints[]{protocol i8, listener str, tls bool, host str, port u16}",
  ),
  "broker-fenced": record<{ readonly broker: number; readonly incarnation: number }>(
    4,
    "BrokerFenced",
    "broker i32, incarnation i64",
  ),
  "broker-unfenced": record<{ readonly broker: number; readonly incarnation: number }>(
    5,
    "BrokerUnfenced",
    "broker i32, incarnation i64",
  ),
  "broker-removed": record<{ readonly broker: number }>(6, "BrokerRemoved", "broker i32"),
  "topic-created": record<{
    readonly topicId: string;
    readonly name: string;
    readonly configs: ConfigRows;
    readonly partitions: readonly PlacementRow[];
  }>(7, "TopicCreated", `topicId uuid, name str, ${CONFIGS}, partitions[]{${PLACEMENT}}`),
  "topic-deleted": record<{ readonly topicId: string; readonly highestTerm: number }>(
    8,
    "TopicDeleted",
    "topicId uuid, highestTerm i32",
  ),
  "partitions-added": record<{
    readonly topicId: string;
    readonly partitions: readonly PlacementRow[];
  }>(9, "PartitionsAdded", `topicId uuid, partitions[]{${PLACEMENT}}`),
  "placement-set": record<{ readonly topicId: string; readonly placement: PlacementRow }>(
    10,
    "PlacementSet",
    `topicId uuid, placement{${PLACEMENT}}`,
  ),
  "topic-configs-set": record<{ readonly topicId: string; readonly configs: ConfigRows }>(
    11,
    "TopicConfigsSet",
    `topicId uuid, ${CONFIGS}`,
  ),
  /** Broker -1 stands for the default of all brokers. */
  "broker-configs-set": record<{ readonly broker: number; readonly configs: ConfigRows }>(
    12,
    "BrokerConfigsSet",
    `broker i32, ${CONFIGS}`,
  ),
  "producer-ids-allocated": record<{
    readonly broker: number;
    readonly first: number;
    readonly end: number;
  }>(13, "ProducerIdsAllocated", "broker i32, first i64, end i64"),
  "entry-set": record<{
    readonly space: number;
    readonly key: string;
    readonly value: Uint8Array | null;
  }>(14, "EntrySet", "space i8, key str, value bytes?"),
  "counters-set": record<{
    readonly nextGroup: number;
    readonly nextReplica: number;
    readonly nextProducerId: number;
    readonly deletedTermFloor: number;
  }>(15, "CountersSet", "nextGroup i64, nextReplica i64, nextProducerId i64, deletedTermFloor i32"),
  "broker-draining": record<{ readonly broker: number; readonly incarnation: number }>(
    17,
    "BrokerDraining",
    "broker i32, incarnation i64",
  ),
  "deleted-term-set": record<{ readonly name: string; readonly highestTerm: number }>(
    16,
    "DeletedTermSet",
    "name str, highestTerm i32",
  ),
  "group-configs-set": record<{ readonly group: string; readonly configs: ConfigRows }>(
    18,
    "GroupConfigsSet",
    `group str, ${CONFIGS}`,
  ),
  "placement-settled": record<{
    readonly topicId: string;
    readonly partition: number;
    readonly revision: number;
  }>(19, "PlacementSettled", "topicId uuid, partition i32, revision i32"),
  "request-answered": record<{
    readonly broker: number;
    readonly sequence: number;
    readonly floor: number;
    readonly reply: Uint8Array | null;
  }>(20, "RequestAnswered", "broker i32, sequence i64, floor i64, reply bytes?"),
} as const;
