// The configs of a topic: Kafka's names, their types and defaults, and which values we accept.
// P9: a config that means nothing here is accepted only at the value that describes what we do; every other value is
// refused, so that nothing a client sets is silently ignored. P5: a config that needs a step we do not have yet
// (recompression) is refused until we have it.
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { nearestName } from "./nearest.ts";
import type { SettingName } from "./settings-table.ts";

/** Kafka's config types, as DescribeConfigs numbers them. */
const CONFIG_TYPE = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 } as const;

export interface TopicConfig {
  readonly type: keyof typeof CONFIG_TYPE;
  readonly fallback: string;
  readonly doc: string;
  /** Null when the value is accepted, else why not: completes the sentence "<name> …". */
  refuse(value: string, limits: TopicConfigLimits): string | null;
}

export interface TopicConfigLimits {
  /** See `messageBytesLimit`. */
  readonly messageBytesMax: number;
}

export type TopicConfigFault =
  | { readonly kind: "unknown-config"; readonly name: string; readonly nearest: string | null }
  | { readonly kind: "invalid-config"; readonly name: string; readonly reason: string };

/** Kafka's "for ever" and "no limit" of a 64-bit config: above what a number can count exactly. */
const LONG_MAX = "9223372036854775807";

/** A config without a meaning here: only the value that describes our behaviour, P9. */
function only(type: TopicConfig["type"], value: string, doc: string): TopicConfig {
  const refusal =
    value === "" ? "must be empty" : `must be ${value}: other values have no meaning here`;
  return { type, fallback: value, doc, refuse: (given) => (given === value ? null : refusal) };
}

function oneOf(fallback: string, values: readonly string[], doc: string): TopicConfig {
  return {
    type: "string",
    fallback,
    doc,
    refuse: (given) => (values.includes(given) ? null : `must be one of ${values.join(", ")}`),
  };
}

function whole(
  type: "int" | "long",
  fallback: string,
  min: bigint,
  doc: string,
  refuseMore: (value: number, limits: TopicConfigLimits) => string | null = () => null,
): TopicConfig {
  const most = type === "int" ? 0x7fff_ffffn : 0x7fff_ffff_ffff_ffffn;
  return {
    type,
    fallback,
    doc,
    refuse(given, limits) {
      if (!/^-?\d{1,19}$/.test(given)) return `must be a whole number`;
      const value = BigInt(given);
      if (value < min || value > most) return `must be between ${min} and ${most}`;
      return refuseMore(Number(value), limits);
    },
  };
}

const CLEANUP_POLICIES: readonly string[] = [
  "delete",
  "compact",
  "compact,delete",
  "delete,compact",
];

function ratio(fallback: string, doc: string): TopicConfig & { readonly type: "double" } {
  return {
    type: "double",
    fallback,
    doc,
    refuse(given) {
      const value = /^\d(\.\d{1,17})?$/.test(given) ? Number(given) : -1;
      return value >= 0 && value <= 1 ? null : "must be a number between 0 and 1";
    },
  };
}

export const TOPIC_CONFIGS = {
  "acks.one": oneOf(
    "all",
    ["all", "leader"],
    "What acks=1 waits for: `all` is acks=all; `leader` is the leader's own sync, which may be lost with it.",
  ),
  "cleanup.policy": {
    type: "list",
    fallback: "delete",
    doc: "What happens to old records: `delete`, by retention; `compact`, where a newer record has the same key; or both.",
    refuse: (given) =>
      CLEANUP_POLICIES.includes(given)
        ? null
        : "must be delete, compact, or both with a comma between",
  },
  "compression.gzip.level": only(
    "int",
    "-1",
    "Batches are stored as the producer compressed them.",
  ),
  "compression.lz4.level": only("int", "9", "Batches are stored as the producer compressed them."),
  "compression.type": only(
    "string",
    "producer",
    "Batches are stored as the producer compressed them.",
  ),
  "compression.zstd.level": only("int", "3", "Batches are stored as the producer compressed them."),
  "delete.retention.ms": whole(
    "long",
    "86400000",
    0n,
    "How long compaction keeps a record without a value, so that consumers see the deletion.",
  ),
  "file.delete.delay.ms": only("long", "60000", "Set for the broker: delete.delay.ms."),
  "flush.messages": only("long", "1", "Every batch is synced to disk before it is acknowledged."),
  "flush.ms": only("long", "0", "Every batch is synced to disk before it is acknowledged."),
  "follower.replication.throttled.replicas": only(
    "list",
    "",
    "Catch-up is limited for the broker.",
  ),
  "index.interval.bytes": only("int", "4096", "Segments carry their own index."),
  "leader.replication.throttled.replicas": only("list", "", "Catch-up is limited for the broker."),
  "local.retention.bytes": only("long", "-2", "There is no tiered storage."),
  "local.retention.ms": only("long", "-2", "There is no tiered storage."),
  "max.compaction.lag.ms": whole(
    "long",
    LONG_MAX,
    1n,
    "After how long a record is compacted at the latest.",
  ),
  "max.message.bytes": whole(
    "int",
    "1048588",
    0n,
    "The largest record batch, as sent.",
    (value, { messageBytesMax }) =>
      value > messageBytesMax
        ? `must not be above ${messageBytesMax}, which one journal write can hold`
        : null,
  ),
  "message.timestamp.after.max.ms": whole(
    "long",
    "3600000",
    0n,
    "How far a record's time may lie in the future.",
  ),
  "message.timestamp.before.max.ms": whole(
    "long",
    LONG_MAX,
    0n,
    "How far a record's time may lie in the past.",
  ),
  "message.timestamp.type": oneOf(
    "CreateTime",
    ["CreateTime", "LogAppendTime"],
    "Whether a record keeps its producer's time or gets the time at which the leader appended it.",
  ),
  "min.cleanable.dirty.ratio": ratio(
    "0.5",
    "Share of a log that must be new before it is compacted again.",
  ),
  "min.compaction.lag.ms": whole(
    "long",
    "0",
    0n,
    "For how long a record is not compacted at least.",
  ),
  "min.insync.replicas": whole(
    "int",
    "0",
    1n,
    "Replicas on which a batch is durable before acks=all is answered, where that is more than the majority. " +
      "The default is the majority of the topic's own replication factor.",
  ),
  preallocate: only("boolean", "false", "Journal files are written ahead for all topics together."),
  "remote.storage.enable": only("boolean", "false", "There is no tiered storage."),
  "remote.log.copy.disable": only("boolean", "false", "There is no tiered storage."),
  "remote.log.delete.on.disable": only("boolean", "false", "There is no tiered storage."),
  "retention.bytes": whole("long", "-1", -1n, "Bytes of a partition that are kept; -1: no limit."),
  "retention.ms": whole("long", "604800000", -1n, "How long records are kept; -1: for ever."),
  "segment.bytes": whole(
    "int",
    "1073741824",
    14n,
    "The most bytes of a partition in one segment. Segments are made by checkpoints of the broker and may be smaller.",
  ),
  "segment.index.bytes": only("int", "10485760", "Segments carry their own index."),
  "segment.jitter.ms": only("long", "0", "Segments are made by checkpoints of the broker."),
  "segment.ms": whole(
    "long",
    "604800000",
    1n,
    "The most time between the first and the last append of a segment. Segments are made by checkpoints of the broker and may " +
      "span less.",
  ),
  "unclean.leader.election.enable": only(
    "boolean",
    "false",
    "A leader is elected by a majority that holds every acknowledged record, always.",
  ),
} as const satisfies Record<string, TopicConfig>;

export type TopicConfigName = keyof typeof TOPIC_CONFIGS;

export const TOPIC_CONFIG_NAMES = Object.keys(TOPIC_CONFIGS) as readonly TopicConfigName[];

/** Checks one config as a client wrote it. */
export function validateTopicConfig(
  name: string,
  value: string,
  limits: TopicConfigLimits,
): Result<TopicConfigName, TopicConfigFault> {
  if (!isTopicConfigName(name)) {
    return failed({ kind: "unknown-config", name, nearest: nearestName(name, TOPIC_CONFIG_NAMES) });
  }
  const reason = TOPIC_CONFIGS[name].refuse(value, limits);
  return reason === null ? ok(name) : failed({ kind: "invalid-config", name, reason });
}

export function isTopicConfigName(name: string): name is TopicConfigName {
  return Object.hasOwn(TOPIC_CONFIGS, name);
}

export function describeTopicConfigFault(fault: TopicConfigFault): string {
  if (fault.kind === "invalid-config") return `${fault.name} ${fault.reason}`;
  const hint = fault.nearest === null ? "" : `; did you mean ${fault.nearest}?`;
  return `unknown topic config ${fault.name}${hint}`;
}

/** What a topic sets itself, by name; a name that is missing has its default. */
export type TopicOverrides = ReadonlyMap<string, string>;

export function topicConfig(overrides: TopicOverrides, name: TopicConfigName): string {
  return overrides.get(name) ?? TOPIC_CONFIGS[name].fallback;
}

/** The names whose values are whole numbers. */
export type TopicNumberName = {
  [N in TopicConfigName]: (typeof TOPIC_CONFIGS)[N]["type"] extends "string" | "boolean" | "list"
    ? never
    : N;
}[TopicConfigName];

/** A validated number. What lies above the exactly countable becomes Infinity, which is what it means. */
export function topicNumber(overrides: TopicOverrides, name: TopicNumberName): number {
  const value = Number(topicConfig(overrides, name));
  return Number.isSafeInteger(value) || value < 2 ** 53 ? value : Infinity;
}

/** Topic configs whose default is a setting of the broker. */
export const BROKER_DEFAULTS = {
  "max.message.bytes": "max.message.bytes",
} as const satisfies Partial<Record<TopicConfigName, SettingName>>;

/** Whether old records make way for newer ones of their key. */
export function isCompacted(overrides: TopicOverrides): boolean {
  return topicConfig(overrides, "cleanup.policy").split(",").includes("compact");
}

/** Whether records may go by age, size or command. */
export function isDeleted(overrides: TopicOverrides): boolean {
  return topicConfig(overrides, "cleanup.policy").split(",").includes("delete");
}

/** The largest batch that the topic takes; `setting` is that of the broker. */
export function batchBytesMax(overrides: TopicOverrides, setting: number): number {
  return overrides.has("max.message.bytes") ? topicNumber(overrides, "max.message.bytes") : setting;
}

/** P3: the majority of the factor unless the topic asks for more. */
export function minInsyncReplicas(overrides: TopicOverrides, replicationFactor: number): number {
  const majority = Math.floor(replicationFactor / 2) + 1;
  return Math.max(majority, topicNumber(overrides, "min.insync.replicas"));
}

/** P3: the factor of a topic that does not say, with `default.replication.factor` and the size of `initial.brokers`. */
export function defaultReplicationFactor(configured: number, initialBrokerCount: number): number {
  return configured > 0 ? configured : Math.min(3, Math.max(initialBrokerCount, 1));
}
