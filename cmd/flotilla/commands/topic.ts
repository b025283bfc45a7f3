// `flotilla topic …`: create, list, describe, delete and alter topics.
import { Admin, EARLIEST, LATEST } from "../../../pkg/client/kafka/admin.ts";
import type { TopicConfig } from "../../../pkg/client/kafka/admin.ts";
import type { TopicMetadata } from "../../../pkg/client/kafka/kafka-client.ts";
import { KafkaError } from "../../../pkg/client/kafka/kafka-error.ts";
import { ErrorCode } from "../../../internal/kafka/codec/errors.ts";
import { CLIENT_OPTIONS, JSON_OPTION, withClient } from "../client/connect.ts";
import { isUnderReplicated } from "../client/health.ts";
import { table } from "../client/table.ts";
import type { Command, Invocation } from "../command.ts";
import { EXIT_CODE, usageFailure } from "../exit-code.ts";
import { pair, wholeNumber } from "../option-values.ts";

const PARTITIONS_MAX = 100_000;
const REPLICAS_MAX = 100;

const create: Command = {
  name: "topic create",
  positionals: "TOPIC…",
  summary: "Create topics.",
  about: [],
  options: {
    partitions: { type: "string", short: "p", value: "N", doc: "How many (broker's default)." },
    "replication-factor": {
      type: "string",
      short: "r",
      value: "N",
      doc: "Replicas of each partition (broker's default).",
    },
    config: {
      type: "string",
      short: "c",
      multiple: true,
      value: "NAME=VALUE",
      doc: "A config of the topic; may be repeated.",
    },
    "if-not-exists": { type: "boolean", doc: "A topic that exists already is fine." },
    ...CLIENT_OPTIONS,
    json: JSON_OPTION,
  },
  examples: [
    { line: "flotilla topic create orders --partitions 12", does: "Twelve partitions" },
    {
      line: "flotilla topic create clicks -p 3 -r 3 -c retention.ms=86400000",
      does: "Kept for a day",
    },
  ],
  async run(call) {
    const { options, terminal } = call;
    const names = topicNames(call);
    const partitions = wholeNumber(options, "partitions", optionalUpTo(PARTITIONS_MAX));
    const replicas = wholeNumber(options, "replication-factor", optionalUpTo(REPLICAS_MAX));
    const configs = Object.fromEntries(options.list("config").map((one) => pair(one, "config")));
    return withClient(call, async (client) => {
      const admin = new Admin(client);
      const created: { name: string; created: boolean }[] = [];
      for (const name of names) {
        const isNew = await admin
          .createTopic({
            name,
            configs,
            ...(partitions === null ? {} : { partitions }),
            ...(replicas === null ? {} : { replicationFactor: replicas }),
          })
          .then(() => true, existing(options.isSet("if-not-exists")));
        created.push({ name, created: isNew });
        if (!options.isSet("json")) terminal.print(`${isNew ? "created" : "exists "} ${name}`);
      }
      if (options.isSet("json")) terminal.print(JSON.stringify(created));
      return EXIT_CODE.ok;
    });
  },
};

function existing(isFine: boolean): (error: unknown) => false {
  return (error) => {
    const exists = error instanceof KafkaError && error.code === ErrorCode.TOPIC_ALREADY_EXISTS;
    if (isFine && exists) return false;
    throw error;
  };
}

const list: Command = {
  name: "topic list",
  positionals: "",
  summary: "List topics.",
  about: [],
  options: {
    internal: { type: "boolean", doc: "Internal topics too." },
    ...CLIENT_OPTIONS,
    json: JSON_OPTION,
  },
  examples: [{ line: "flotilla topic list", does: "All topics with their partitions" }],
  async run(call) {
    const { options, positionals, terminal } = call;
    if (positionals.length > 0) throw usageFailure("flotilla topic list takes no names");
    return withClient(call, async (client) => {
      const { topics } = await client.retrying(() => client.refresh(null));
      const rows = topics
        .filter(({ isInternal }) => options.isSet("internal") || !isInternal)
        .map((topic) => ({
          name: topic.name ?? "",
          partitions: topic.partitions.length,
          replicas: Math.max(0, ...topic.partitions.map(({ replicaNodes }) => replicaNodes.length)),
          internal: topic.isInternal,
        }))
        .toSorted((one, other) => (one.name < other.name ? -1 : 1));
      if (options.isSet("json")) terminal.print(JSON.stringify(rows));
      else if (rows.length > 0) {
        const cells = rows.map((row) => [row.name, String(row.partitions), String(row.replicas)]);
        terminal.print(table(["TOPIC", "PARTITIONS", "REPLICAS"], cells));
      }
      return EXIT_CODE.ok;
    });
  },
};

const describe: Command = {
  name: "topic describe",
  positionals: "TOPIC…",
  summary: "Show the partitions, offsets and configs of topics.",
  about: [],
  options: {
    all: { type: "boolean", doc: "Configs at their defaults too." },
    ...CLIENT_OPTIONS,
    json: JSON_OPTION,
  },
  examples: [{ line: "flotilla topic describe orders", does: "Leaders, replicas and offsets" }],
  async run(call) {
    const { options, terminal } = call;
    const names = topicNames(call);
    return withClient(call, async (client) => {
      const admin = new Admin(client);
      const described = [];
      for (const name of names) {
        const topic = await client.topic(name);
        const configs = (await admin.topicConfigs(name)).filter(
          ({ isOverride }) => isOverride || options.isSet("all"),
        );
        described.push(description(topic, configs, await offsetsOf(admin, topic)));
      }
      if (options.isSet("json")) terminal.print(JSON.stringify(described));
      else terminal.print(described.map((one) => describedForPeople(one)).join("\n\n"));
      return EXIT_CODE.ok;
    });
  },
};

interface Offsets {
  readonly start: number | null;
  readonly end: number | null;
}

/** Partitions without a leader have no known offsets; they are not waited for. */
async function offsetsOf(admin: Admin, topic: TopicMetadata): Promise<readonly Offsets[]> {
  return Promise.all(
    topic.partitions.map(async ({ partitionIndex, leaderId }) => {
      if (leaderId < 0) return { start: null, end: null };
      const [start, end] = await Promise.all([
        admin.offsetAt(topic.name ?? "", partitionIndex, EARLIEST),
        admin.offsetAt(topic.name ?? "", partitionIndex, LATEST),
      ]);
      return { start, end };
    }),
  );
}

type Description = ReturnType<typeof description>;

function description(
  topic: TopicMetadata,
  configs: readonly TopicConfig[],
  offsets: readonly Offsets[],
) {
  return {
    name: topic.name ?? "",
    id: topic.topicId,
    internal: topic.isInternal,
    configs: Object.fromEntries(configs.map(({ name, value }) => [name, value])),
    partitions: topic.partitions
      .map((partition, at) => ({
        partition: partition.partitionIndex,
        leader: partition.leaderId < 0 ? null : partition.leaderId,
        epoch: partition.leaderEpoch,
        replicas: partition.replicaNodes,
        inSync: partition.isrNodes,
        underReplicated: isUnderReplicated(partition),
        start: offsets[at]?.start ?? null,
        end: offsets[at]?.end ?? null,
      }))
      .toSorted((one, other) => one.partition - other.partition),
  };
}

function describedForPeople({ name, id, configs, partitions }: Description): string {
  const rows = partitions.map((one) => [
    String(one.partition),
    one.leader === null ? "none" : String(one.leader),
    String(one.epoch),
    one.replicas.join(","),
    one.inSync.join(","),
    one.start === null ? "" : String(one.start),
    one.end === null ? "" : String(one.end),
  ]);
  const head = ["PARTITION", "LEADER", "EPOCH", "REPLICAS", "IN SYNC", "START", "END"];
  const set = Object.entries(configs).map(([config, value]) => `  ${config}=${value ?? ""}`);
  return [`${name}  (${id})`, ...set, table(head, rows)].join("\n");
}

const remove: Command = {
  name: "topic delete",
  positionals: "TOPIC…",
  summary: "Delete topics and their records.",
  about: [],
  options: { ...CLIENT_OPTIONS, json: JSON_OPTION },
  examples: [{ line: "flotilla topic delete orders clicks", does: "Two topics, for good" }],
  async run(call) {
    const { options, terminal } = call;
    const names = topicNames(call);
    return withClient(call, async (client) => {
      const admin = new Admin(client);
      for (const name of names) {
        await admin.deleteTopic(name);
        if (!options.isSet("json")) terminal.print(`deleted ${name}`);
      }
      if (options.isSet("json")) terminal.print(JSON.stringify(names.map((name) => ({ name }))));
      return EXIT_CODE.ok;
    });
  },
};

const alter: Command = {
  name: "topic alter",
  positionals: "TOPIC",
  summary: "Add partitions to a topic, or change its configs.",
  about: [
    "More partitions change where records of a key go; there is no way to have fewer again. docs/settings.md lists the " +
      "configs.",
  ],
  options: {
    partitions: { type: "string", short: "p", value: "N", doc: "Add partitions up to N." },
    config: {
      type: "string",
      short: "c",
      multiple: true,
      value: "NAME=VALUE",
      doc: "Set a config; may be repeated.",
    },
    unset: {
      type: "string",
      multiple: true,
      value: "NAME",
      doc: "Take a config back to its default; may be repeated.",
    },
    ...CLIENT_OPTIONS,
    json: JSON_OPTION,
  },
  examples: [
    { line: "flotilla topic alter orders --partitions 24", does: "More partitions" },
    { line: "flotilla topic alter orders -c retention.ms=3600000", does: "Kept for an hour" },
    { line: "flotilla topic alter orders --unset retention.ms", does: "As long as others again" },
  ],
  async run(call) {
    const { options, terminal } = call;
    const [name = "", ...more] = topicNames(call);
    if (more.length > 0) throw usageFailure("flotilla topic alter takes one topic");
    const partitions = wholeNumber(options, "partitions", optionalUpTo(PARTITIONS_MAX));
    const changes: Record<string, string | null> = {};
    for (const config of options.list("unset")) changes[config] = null;
    for (const written of options.list("config")) {
      const [config, value] = pair(written, "config");
      changes[config] = value;
    }
    const isConfigured = Object.keys(changes).length > 0;
    if (partitions === null && !isConfigured) {
      throw usageFailure("nothing to change", "flotilla help topic alter");
    }
    return withClient(call, async (client) => {
      const admin = new Admin(client);
      if (isConfigured) await admin.alterTopicConfigs(name, changes);
      if (partitions !== null) await admin.addPartitions(name, partitions);
      terminal.print(options.isSet("json") ? JSON.stringify({ name }) : `changed ${name}`);
      return EXIT_CODE.ok;
    });
  },
};

function topicNames({ positionals }: Pick<Invocation, "positionals">): readonly string[] {
  if (positionals.length === 0) throw usageFailure("which topic?", "flotilla help topic");
  return positionals;
}

function optionalUpTo(max: number): { fallback: null; min: number; max: number } {
  return { fallback: null, min: 1, max };
}

export const TOPIC_COMMANDS: readonly Command[] = [create, list, describe, alter, remove];
