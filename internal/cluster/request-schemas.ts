// Controller requests and replies as sent over the broker links: one message per kind and direction. Outcomes of items
// are {fault, detail, value}: a null fault means that it went well. Brokers of different versions may meet here, so a
// field is only ever added, as a tagged one.
import { Message } from "../schema/message.ts";
import type { ControllerKind } from "./controller-requests.ts";

/** A message's fields, before branded ids and unions are put back. */
export type Row = Record<string, unknown>;

export interface RequestSchema {
  /** Never used for another kind. */
  readonly number: number;
  readonly request: Message<Row>;
  readonly reply: Message<Row>;
}

const OUTCOME = "fault str?, detail str?";
const CONFIGS = "configs[]{name str, value str?}";
const BROKER = "broker i32, incarnation i64";
const RESOURCE = "resource str, name str, broker i32";

function schema(number: number, name: string, request: string, reply: string): RequestSchema {
  return {
    number,
    request: new Message({ name: `${name}Request`, flexibleFrom: 0, fields: request }),
    reply: new Message({ name: `${name}Reply`, flexibleFrom: 0, fields: reply }),
  };
}

export const REQUEST_SCHEMAS = {
  "found-cluster": schema(1, "FoundCluster", "clusterId uuid", "clusterId uuid"),
  "register-broker": schema(
    2,
    "RegisterBroker",
    `${BROKER}, directory uuid, rack str?, host str?, clusterId uuid, ` +
      "endpoints[]{protocol str, listener str, tls bool, host str, port u16}",
    "fenced bool",
  ),
  "fence-broker": schema(3, "FenceBroker", BROKER, "fenced bool"),
  "unfence-broker": schema(4, "UnfenceBroker", BROKER, "fenced bool"),
  "remove-broker": schema(5, "RemoveBroker", "broker i32", "broker i32"),
  "create-topics": schema(
    6,
    "CreateTopics",
    "topics[]{topicId uuid, name str, partitions i32, factor i32, " +
      `assignments[]{partition i32, brokers[] i32}, ${CONFIGS}}, validateOnly bool, readyWithinMs i32`,
    `topics[]{name str, outcome{${OUTCOME}, value?{topicId uuid, partitions i32, factor i32, ` +
      "configs[]{name str, value str}}}}, ready bool",
  ),
  "delete-topics": schema(
    7,
    "DeleteTopics",
    "topics[]{name str?, topicId uuid}",
    `topics[]{name str?, topicId uuid, outcome{${OUTCOME}}}`,
  ),
  "create-partitions": schema(
    8,
    "CreatePartitions",
    "topics[]{name str, count i32, assignments[]{brokers[] i32}}, validateOnly bool, " +
      "readyWithinMs i32",
    `topics[]{name str, outcome{${OUTCOME}}}, ready bool`,
  ),
  "place-replicas": schema(
    9,
    "PlaceReplicas",
    "changes[]{topicId uuid, partition i32, revision i32, brokers[] i32}",
    `outcomes[]{${OUTCOME}, value?{revision i32}}`,
  ),
  "replace-directory": schema(
    10,
    "ReplaceDirectory",
    "broker i32, directory uuid, countMax i32",
    "replaced i32",
  ),
  "alter-configs": schema(
    11,
    "AlterConfigs",
    `resources[]{${RESOURCE}, ${CONFIGS}}, validateOnly bool`,
    `outcomes[]{${OUTCOME}}`,
  ),
  "alter-configs-incrementally": schema(
    12,
    "AlterConfigsIncrementally",
    `resources[]{${RESOURCE}, changes[]{name str, operation str, value str?}}, validateOnly bool`,
    `outcomes[]{${OUTCOME}}`,
  ),
  "allocate-producer-ids": schema(13, "AllocateProducerIds", BROKER, "first i64, end i64"),
  "set-feature-levels": schema(
    14,
    "SetFeatureLevels",
    "features[]{feature str, level i32, downgrade bool}, validateOnly bool",
    `outcomes[]{${OUTCOME}}`,
  ),
  "set-entries": schema(
    15,
    "SetEntries",
    "space str, changes[]{key str, value bytes?}",
    "changed i32",
  ),
  describe: schema(16, "Describe", "", "version i64, clusterId uuid"),
  "describe-quorum": schema(
    17,
    "DescribeQuorum",
    "",
    "leader i32, term i32, commit i64, members[]{broker i32, directory uuid, isVoter bool, " +
      "end i64, contactMs i64, caughtUpMs i64}",
  ),
  "settle-placements": schema(
    19,
    "SettlePlacements",
    "settled[]{topicId uuid, partition i32, revision i32}",
    "count i32",
  ),
  "drain-broker": schema(18, "DrainBroker", BROKER, "draining bool"),
} as const satisfies Record<ControllerKind, RequestSchema>;

/**
 * Around every attempt of a request: `id` pairs it with its reply, within one sender's process; `term` is that of the
 * leader that it is for; `sequence` and `floor` are in answered-requests.ts.
 */
export const REQUEST_ENVELOPE = new Message<{
  readonly id: number;
  readonly term: number;
  readonly sequence: number;
  readonly floor: number;
  readonly kind: number;
  readonly body: Uint8Array;
}>({
  name: "ControllerRequest",
  flexibleFrom: 0,
  fields: "id i64, term i32, sequence i64, floor i64, kind i16, body bytes",
});

export const REPLY_ENVELOPE = new Message<{
  readonly id: number;
  readonly kind: number;
  readonly fault: string | null;
  readonly detail: string | null;
  readonly body: Uint8Array;
}>({
  name: "ControllerReply",
  flexibleFrom: 0,
  fields: "id i64, kind i16, fault str?, detail str?, body bytes",
});
