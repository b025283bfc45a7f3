// Configs over Kafka's protocol on three whole brokers: what is set takes effect at once, survives restarts, and is told
// with its sources; what would have no effect is refused.
import { afterEach, beforeEach, expect, test } from "vitest";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { metadata } from "../../internal/kafka/api/03-metadata.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import { describeConfigs } from "../../internal/kafka/api/32-describe-configs.ts";
import { alterConfigs } from "../../internal/kafka/api/33-alter-configs.ts";
import { incrementalAlterConfigs } from "../../internal/kafka/api/44-incremental-alter-configs.ts";
import { listConfigResources } from "../../internal/kafka/api/74-list-config-resources.ts";
import { batchOf } from "../wire/front-stage.ts";
import { KafkaStage } from "./kafka-stage.ts";

const TOPIC = 2;
const BROKER = 4;
const GROUP = 32;

let stage: KafkaStage;

beforeEach(async () => {
  stage = new KafkaStage(5, 3, { "fetch.max.bytes": 100_000 });
  await stage.start();
});

afterEach(() => {
  expect(stage.simulation.fatals).toEqual([]);
});

async function set(
  by: number,
  resourceType: number,
  resourceName: string,
  name: string,
  value: string | null,
  validateOnly = false,
): Promise<[number, string | null]> {
  const configs = [{ name, configOperation: value === null ? 1 : 0, value }];
  const resources = [{ resourceType, resourceName, configs }];
  const answer = await stage.ask(by, incrementalAlterConfigs, 1, { resources, validateOnly });
  const [one] = answer.responses;
  return [one?.errorCode ?? -2, one?.errorMessage ?? null];
}

async function told(by: number, resourceType: number, resourceName: string, name: string) {
  const resources = [{ resourceType, resourceName, configurationKeys: [name] }];
  const body = { resources, includeSynonyms: true, includeDocumentation: true };
  const answer = await stage.ask(by, describeConfigs, 4, body);
  const [result] = answer.results;
  const [config] = result?.configs ?? [];
  const synonyms = config?.synonyms?.map((one) => [one.name, one.value, one.source]);
  return { code: result?.errorCode, value: config?.value, synonyms, config };
}

async function create(name: string, configs: { name: string; value: string }[] = []) {
  const topic = { name, numPartitions: 1, replicationFactor: 3, assignments: [], configs };
  const body = { topics: [topic], timeoutMs: 10_000, validateOnly: false };
  return (await stage.ask(1, createTopics, 7, body)).topics[0];
}

async function produceBytes(topic: string, bytes: number): Promise<number> {
  const leader = await stage.leaderOf(topic, 0);
  const records = batchOf(["x".repeat(bytes)]);
  const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }];
  const body = { transactionalId: null, acks: -1, timeoutMs: 1000, topicData };
  const answer = await stage.ask(leader, produce, 9, body);
  return answer.responses[0]?.partitionResponses[0]?.errorCode ?? -2;
}

async function spread(): Promise<void> {
  await stage.simulation.runForMs(200);
}

test("a limit that is set for all brokers holds at once, for topics that have none of their own", async () => {
  await create("t");
  await create("own", [{ name: "max.message.bytes", value: "5000" }]);
  expect(await produceBytes("t", 3000)).toBe(0);
  expect(await set(2, BROKER, "", "message.max.bytes", "2000", true)).toEqual([0, null]);
  await spread();
  expect(await produceBytes("t", 3000)).toBe(0);
  expect(await set(2, BROKER, "", "message.max.bytes", "2000")).toEqual([0, null]);
  await spread();
  expect([await produceBytes("t", 3000), await produceBytes("own", 3000)]).toEqual([10, 0]);
  const leader = await stage.leaderOf("t", 0);
  expect(await told(leader, TOPIC, "t", "max.message.bytes")).toMatchObject({
    value: "2000",
    synonyms: [
      ["max.message.bytes", "2000", 3],
      ["max.message.bytes", expect.any(String), 4],
      ["max.message.bytes", "1048588", 5],
    ],
  });
  expect(await told(leader, TOPIC, "own", "max.message.bytes")).toMatchObject({
    value: "5000",
    synonyms: [
      ["max.message.bytes", "5000", 1],
      ["max.message.bytes", "2000", 3],
      ["max.message.bytes", expect.any(String), 4],
      ["max.message.bytes", "1048588", 5],
    ],
  });
  expect(await set(leader, BROKER, String(leader), "max.message.bytes", "9000")).toEqual([0, null]);
  await spread();
  expect(await produceBytes("t", 3000)).toBe(0);
  expect(await set(leader, BROKER, String(leader), "message.max.bytes", null)).toEqual([0, null]);
  await spread();
  expect(await produceBytes("t", 3000)).toBe(10);
});

test("what was set survives the restart of all brokers", async () => {
  expect(await set(1, BROKER, "", "num.partitions", "4")).toEqual([0, null]);
  expect(await set(3, BROKER, "3", "fetch.max.bytes", "64KiB")).toEqual([0, null]);
  await spread();
  for (const broker of stage.cluster.brokers) broker.crash("power");
  await stage.start();
  await spread();
  expect(await told(3, BROKER, "3", "fetch.max.bytes")).toMatchObject({
    value: "65536",
    synonyms: [
      ["fetch.max.bytes", "65536", 2],
      ["fetch.max.bytes", "100000", 4],
      ["fetch.max.bytes", "57671680", 5],
    ],
    config: { readOnly: false, configType: 5, configSource: 2 },
  });
  expect((await told(1, BROKER, "1", "fetch.max.bytes")).value).toBe("100000");
  expect((await told(2, BROKER, "", "default.partitions")).synonyms).toEqual([
    ["default.partitions", "4", 3],
  ]);
  expect((await told(2, BROKER, "2", "num.partitions")).config).toMatchObject({
    name: "num.partitions",
    value: "4",
    configSource: 3,
    configType: 3,
    documentation: expect.stringContaining("Kafka's name of default.partitions"),
  });
  const made = await stage.ask(2, metadata, 9, { topics: [{ name: "made" }] });
  expect(made.topics[0]?.partitions.length).toBe(4);
});

test("what would have no effect is refused with a reason", async () => {
  await create("t");
  const refused = [
    [BROKER, "1", "log.retention.ms", "5", 40, "unknown setting log.retention.ms"],
    [BROKER, "1", "link.ping.ms", "50", 40, "link.ping.ms is read when a broker starts"],
    [BROKER, "1", "default.partitions", "5", 40, "is set for all brokers, not for one"],
    [BROKER, "1", "fetch.max.bytes", "many", 40, "is not a number of bytes"],
    [BROKER, "1", "max.message.bytes", "100MiB", 40, "max.message.bytes must leave 64 KiB"],
    [BROKER, "", "producer.ids.max", "1000000000", 40, "memory.bytes.max"],
    [BROKER, "2", "fetch.max.bytes", "70000", 42, "Ask broker 2 itself"],
    [BROKER, "nine", "fetch.max.bytes", "70000", 42, "There are configs of topics"],
    [TOPIC, "t", "retention.msec", "5", 40, "did you mean retention.ms?"],
    [TOPIC, "t", "unclean.leader.election.enable", "true", 40, "must be false"],
    [TOPIC, "bad name", "retention.ms", "5", 17, "name"],
    [TOPIC, "nobody", "retention.ms", "5", 3, "There is no topic 'nobody'"],
    [GROUP, "g", "consumer.session.timeout.ms", "5", 40, "must be between 45000 and 60000"],
    [GROUP, "g", "share.session.timeout.ms", "50000", 40, "unknown group config"],
    [GROUP, "", "consumer.session.timeout.ms", "50000", 42, "There are configs of topics"],
    [16, "metrics", "interval.ms", "5", 42, "There are configs of topics"],
    [8, "1", "root", "DEBUG", 42, "There are configs of topics"],
  ] as const;
  for (const [type, name, config, value, code, text] of refused) {
    const [errorCode, message] = await set(1, type, name, config, value);
    expect([config, errorCode, message]).toEqual([config, code, expect.stringContaining(text)]);
  }
  expect((await told(1, BROKER, "2", "fetch.max.bytes")).code).toBe(42);
  expect((await told(1, TOPIC, "bad name", "retention.ms")).code).toBe(17);
});

test("consumer groups have configs of their own, listed and described", async () => {
  expect(await set(2, GROUP, "g", "consumer.session.timeout.ms", "50000")).toEqual([0, null]);
  await spread();
  expect(await told(3, GROUP, "g", "consumer.session.timeout.ms")).toMatchObject({
    value: "50000",
    synonyms: [
      ["consumer.session.timeout.ms", "50000", 8],
      ["group.consumer.session.timeout.ms", "45000", 5],
    ],
  });
  expect((await told(3, GROUP, "other", "consumer.heartbeat.interval.ms")).value).toBe("5000");
  const listed = await stage.ask(1, listConfigResources, 1, { resourceTypes: [GROUP] });
  expect(listed.configResources.map((one) => one.resourceName)).toEqual(["g"]);
  expect(await set(2, GROUP, "g", "consumer.session.timeout.ms", null)).toEqual([0, null]);
  await spread();
  const again = await stage.ask(1, listConfigResources, 1, { resourceTypes: [GROUP] });
  expect(again.configResources).toEqual([]);
});

test("AlterConfigs replaces what was set, or only says whether it would", async () => {
  await create("t", [{ name: "retention.ms", value: "5000" }]);
  const alter = async (validateOnly: boolean) => {
    const configs = [{ name: "retention.bytes", value: "100" }];
    const resources = [{ resourceType: TOPIC, resourceName: "t", configs }];
    const answer = await stage.ask(1, alterConfigs, 2, { resources, validateOnly });
    await spread();
    return answer.responses[0]?.errorCode;
  };
  expect(await alter(true)).toBe(0);
  expect((await told(1, TOPIC, "t", "retention.ms")).value).toBe("5000");
  expect(await alter(false)).toBe(0);
  expect((await told(1, TOPIC, "t", "retention.ms")).value).toBe("604800000");
  expect((await told(1, TOPIC, "t", "retention.bytes")).value).toBe("100");
});
