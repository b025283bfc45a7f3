// The one table of settings. `--help`, the names of environment variables and docs/settings.md derive from it
// (`make gen`), so a setting exists here or nowhere. Every limit of the broker is a row with a safe default; the rows
// that bound memory are added up in memory-budget.ts.
import { address, BROKER_ID_MAX, initialBrokers, optionalAddress } from "./addresses.ts";
import { bytes, choice, count, durationMs, flag, text } from "./setting.ts";
import type { Setting } from "./setting.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

const IDENTITY = {
  "broker.id": count(1, "never", "This broker's id, unique in the cluster.", {
    min: 1,
    max: BROKER_ID_MAX,
  }),
  "cluster.name": text(
    "flotilla",
    "restart",
    "A name for people: shown by `/status`. Brokers of one cluster are recognised by the " +
      "cluster id, not by it.",
    { lengthMax: 100 },
  ),
  "initial.brokers": initialBrokers(
    "never",
    "The brokers that found the cluster, each as id@host:port of its link listener; the same list on every broker. " +
      "Empty: this broker is a cluster of its own.",
  ),
  "data.directory": text(".flotilla/data", "restart", "Where everything durable lives."),
  "disk.trusted": flag(
    false,
    "restart",
    "An operator's word that the disk has lost nothing. After the machine went down without a clean stop, replicas here count only when every other voter has answered; with this they do not wait for a broker that is gone for good. For one start.",
  ),
  rack: text(
    "",
    "restart",
    "The rack or zone of this broker; shown to clients, spread by placement.",
    {
      lengthMax: 249,
    },
  ),
  "host.label": text(
    "",
    "restart",
    "Brokers with one label share a machine: placement keeps replicas of a partition apart while it can.",
    { lengthMax: 249 },
  ),
} as const;

const LISTENERS = {
  "kafka.listen": address("127.0.0.1:9092", "restart", "Where Kafka clients connect."),
  "kafka.advertised": optionalAddress(
    "restart",
    "The address that Kafka clients are told to use. Default: the address of kafka.listen.",
  ),
  "grpc.listen": address("127.0.0.1:7092", "restart", "Where the native gRPC API listens."),
  "http.listen": address("127.0.0.1:8092", "restart", "Metrics, health and status."),
  "link.listen": address(
    "127.0.0.1:6092",
    "restart",
    "Where the other brokers connect. On loopback by default: give it an address of a private network on purpose.",
  ),
  "link.advertised": optionalAddress(
    "restart",
    "The address that other brokers are told to use. Default: the address of link.listen.",
  ),
} as const;

const LINKS = {
  "link.ping.ms": durationMs(100, "restart", "Time between pings of a pair of brokers.", {
    min: 10,
  }),
  "link.silence.ms": durationMs(
    400,
    "restart",
    "Silence, counted in observed ping intervals, after which a peer counts as gone and its groups elect. Two brokers that differ wait for the longer one and serve reads by the shorter.",
    { min: 40 },
  ),
  "link.connect.ms.max": durationMs(
    2 * SECOND,
    "restart",
    "Time for a connection to a peer to be established.",
    { min: 10 },
  ),
  "link.retry.ms.max": durationMs(
    1 * SECOND,
    "restart",
    "Longest pause between two attempts to reach a peer.",
    { min: 10 },
  ),
  "link.stall.ms.max": durationMs(
    10 * SECOND,
    "restart",
    "A data or bulk connection that has moved nothing for this long, with bytes waiting, is opened again.",
    { min: 100 },
  ),
  "link.control.bytes.max": bytes(64 * KIB, "restart", "Bytes queued on a control connection.", {
    min: 16 * KIB,
  }),
  "link.data.bytes.max": bytes(
    16 * MIB,
    "restart",
    "Bytes queued on a data connection before a lagging follower is caught up in bulk instead.",
    { min: 1 * MIB },
  ),
  "link.bulk.bytes.max": bytes(4 * MIB, "restart", "Bytes queued on a bulk connection.", {
    min: 1 * MIB,
  }),
} as const;

const JOURNAL = {
  "journal.file.bytes": bytes(64 * MIB, "never", "Size of one journal file.", { min: 8 * MIB }),
  "journal.bytes.max": bytes(
    8 * GIB,
    "restart",
    "Disk space of the journal. Near it, records and new topics are refused; what the broker needs itself goes on.",
    { min: 32 * MIB },
  ),
  "journal.arena.bytes": bytes(
    64 * MIB,
    "restart",
    "Memory that holds recent journal bytes: what is not yet durable, and the tail that consumers read.",
    { min: 8 * MIB },
  ),
  "journal.batch.bytes.max": bytes(4 * MIB, "restart", "Size of one journal write.", {
    min: 256 * KIB,
    max: 16 * MIB,
  }),
  "journal.stall.transfer.ms": durationMs(
    500,
    "restart",
    "Age of an unfinished journal write at which this broker hands its leaderships over.",
  ),
  "journal.stall.fence.ms": durationMs(
    2 * SECOND,
    "restart",
    "Age at which it stops answering as a leader.",
  ),
  "journal.stall.exit.ms": durationMs(30 * SECOND, "restart", "Age at which it exits."),
  "journal.reserve.bytes": bytes(
    4 * MIB,
    "restart",
    "A file that keeps room for an orderly stop on a full disk.",
  ),
} as const;

const TOPICS = {
  "default.partitions": count(1, "live-for-all", "Partitions of a topic that does not say.", {
    min: 1,
    max: 10_000,
  }),
  "default.replication.factor": count(
    0,
    "live-for-all",
    "Replicas of a partition of a topic that does not say. 0: the smaller of 3 and the size of initial.brokers.",
    { max: 15 },
  ),
  "auto.create.topics.enable": flag(
    true,
    "live-for-all",
    "A client's request for an unknown topic creates it, where the request allows that.",
  ),
  "max.message.bytes": bytes(
    1_048_588,
    "live",
    "Default of the topic config of that name: the largest record batch.",
  ),
  "max.decompressed.bytes": bytes(
    64 * MIB,
    "live",
    "A batch that decompresses to more is refused.",
    { min: 1 * MIB },
  ),
  "replica.lag.time.max.ms": durationMs(
    30 * SECOND,
    "live",
    "A follower that has not caught up for this long leaves the in-sync replicas.",
    { min: 100 },
  ),
  "follower.fetch": flag(
    false,
    "live",
    "Followers serve consumers below their own high watermark.",
  ),
  "producer.id.expiration.ms": durationMs(
    1 * DAY,
    "live",
    "Silence after which a partition forgets an idempotent producer.",
    { min: 1 * SECOND },
  ),
  "producer.ids.max": count(
    100_000,
    "live",
    "Idempotent producers that this broker remembers over all its partitions; the longest silent go first.",
    { min: 100 },
  ),
  "partitions.max": count(100_000, "live-for-all", "Replicas that this broker hosts.", { min: 1 }),
} as const;

const LEADERSHIP = {
  "auto.leader.rebalance.enable": flag(
    true,
    "restart",
    "Leadership of a partition goes back to its preferred replica, the first of its placement, once that one is in sync.",
  ),
  "leader.imbalance.check.interval.seconds": count(
    30,
    "restart",
    "Time between two looks for partitions that this broker leads and another is preferred for. Two looks in a row must " +
      "find the same before leadership moves.",
    { min: 1, max: 86_400 },
  ),
  "leader.rebalance.transfers.per.second": count(
    50,
    "restart",
    "Leaderships that this broker hands to preferred replicas in a second, at most.",
    { min: 1, max: 10_000 },
  ),
} as const;

const CLIENTS = {
  "connections.max": count(10_000, "live", "Client connections, all listeners together.", {
    min: 1,
  }),
  "connections.max.idle.ms": durationMs(
    10 * MINUTE,
    "restart",
    "A connection without requests for this long is closed.",
    { min: 100 },
  ),
  "connections.bytes.max": bytes(
    256 * MIB,
    "restart",
    "Bytes of requests and answers that all client connections together hold; above it none is read.",
    { min: 4 * MIB },
  ),
  "connection.requests.max": count(
    1_000,
    "live",
    "Requests of one connection that wait for their answers; above it the connection is not read.",
    { min: 1 },
  ),
  "connection.send.bytes.max": bytes(
    256 * KIB,
    "restart",
    "Arena slices outstanding on one connection.",
    { min: 64 * KIB },
  ),
  "socket.request.max.bytes": bytes(
    100 * MIB,
    "restart",
    "A longer request closes its connection.",
    {
      min: 1 * MIB,
      max: 1 * GIB,
    },
  ),
  "fetch.max.bytes": bytes(55 * MIB, "live", "Bytes of one fetch answer.", { min: 1 * KIB }),
  "fetch.sessions.max": count(1_000, "restart", "Incremental fetch sessions."),
  "fetch.waiters.max": count(100_000, "live", "Fetches that wait for new records.", { min: 1 }),
} as const;

const GROUPS = {
  "group.min.session.timeout.ms": durationMs(
    6 * SECOND,
    "live",
    "Least session timeout of a consumer-group member.",
  ),
  "group.max.session.timeout.ms": durationMs(
    30 * MINUTE,
    "live",
    "Greatest session timeout of a consumer-group member.",
  ),
  "group.initial.rebalance.delay.ms": durationMs(
    3 * SECOND,
    "live",
    "How long an empty group waits for more members before its first assignment.",
  ),
  "group.max.size": count(10_000, "live", "Members of one consumer group.", { min: 1 }),
  "group.consumer.max.size": count(
    10_000,
    "restart",
    "Members of one consumer group of the newer protocol.",
    { min: 1 },
  ),
  "group.consumer.session.timeout.ms": durationMs(
    45 * SECOND,
    "live",
    "How long a member of the newer protocol may be silent before it leaves its group.",
    { min: 1 * SECOND },
  ),
  "group.consumer.heartbeat.interval.ms": durationMs(
    5 * SECOND,
    "live",
    "How often members of the newer protocol send heartbeats.",
    { min: 100 },
  ),
  "group.consumer.assignors": choice(
    ["uniform,range", "range,uniform", "uniform", "range"],
    "uniform,range",
    "restart",
    "The assignors that members of the newer protocol may ask for. The first serves those who ask for none.",
  ),
  "group.consumer.migration.policy": choice(
    ["disabled", "upgrade", "downgrade", "bidirectional"],
    "bidirectional",
    "restart",
    "Whether groups of the classic protocol become groups of the newer one when a member joins by it, and go back when the " +
      "last such member has left.",
  ),
  "groups.max": count(100_000, "live", "Consumer groups that this broker coordinates.", {
    min: 1,
  }),
  "offsets.retention.minutes": count(
    10_080,
    "live",
    "Minutes for which an empty group keeps its committed offsets.",
    { min: 1 },
  ),
  "offset.metadata.max.bytes": bytes(4 * KIB, "live", "Text that may go with a committed offset."),
  "metrics.groups.max": count(
    100,
    "live",
    "Consumer groups that each broker names in its metrics and its status: those of its own that are behind most. The others " +
      "are one sum.",
    { max: 10_000 },
  ),
  "offsets.topic.num.partitions": count(50, "never", "Partitions of __consumer_offsets.", {
    min: 1,
    max: 1_000,
  }),
} as const;

const PROCESS = {
  "memory.bytes.max": bytes(
    1 * GIB,
    "restart",
    "Memory of this broker. The limits that bound memory are added up at start and must fit.",
    { min: 128 * MIB },
  ),
  "drain.ms.max": durationMs(
    10 * SECOND,
    "live",
    "How long a stopping broker takes, at most, to hand over its leaderships, let clients learn of it and send its answers.",
  ),
  "log.level": choice(
    ["debug", "info", "warn", "error"],
    "info",
    "restart",
    "Least level that is logged.",
  ),
} as const;

export const SETTINGS = {
  ...IDENTITY,
  ...LISTENERS,
  ...LINKS,
  ...JOURNAL,
  ...TOPICS,
  ...LEADERSHIP,
  ...CLIENTS,
  ...GROUPS,
  ...PROCESS,
} as const;

/** The table in parts, for the documentation. */
export const SETTING_GROUPS: readonly (readonly [string, readonly SettingName[]])[] = [
  ["Identity", namesOf(IDENTITY)],
  ["Listeners", namesOf(LISTENERS)],
  ["Broker links", namesOf(LINKS)],
  ["Journal", namesOf(JOURNAL)],
  ["Topics and partitions", namesOf(TOPICS)],
  ["Leadership", namesOf(LEADERSHIP)],
  ["Client connections", namesOf(CLIENTS)],
  ["Consumer groups", namesOf(GROUPS)],
  ["Process", namesOf(PROCESS)],
];

export type SettingName = keyof typeof SETTINGS;
export type SettingValue<N extends SettingName> =
  (typeof SETTINGS)[N] extends Setting<infer T> ? T : never;

/** Reads a setting with the type that its row has. */
export interface SettingReader {
  get<N extends SettingName>(name: N): SettingValue<N>;
}

/** The names of the table, in its order. */
export const SETTING_NAMES: readonly SettingName[] = namesOf(SETTINGS);

function namesOf<T extends object>(part: T): readonly (keyof T & SettingName)[] {
  return Object.keys(part) as (keyof T & SettingName)[];
}

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}
