// Metadata and administration as clients see them: conversations for every API and version.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import type { ProduceRequest } from "../../internal/kafka/api/00-produce.ts";
import { metadata } from "../../internal/kafka/api/03-metadata.ts";
import { findCoordinator } from "../../internal/kafka/api/10-find-coordinator.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import { deleteTopics } from "../../internal/kafka/api/20-delete-topics.ts";
import { deleteRecords } from "../../internal/kafka/api/21-delete-records.ts";
import { initProducerId } from "../../internal/kafka/api/22-init-producer-id.ts";
import { describeConfigs } from "../../internal/kafka/api/32-describe-configs.ts";
import { alterConfigs } from "../../internal/kafka/api/33-alter-configs.ts";
import { createPartitions } from "../../internal/kafka/api/37-create-partitions.ts";
import { incrementalAlterConfigs } from "../../internal/kafka/api/44-incremental-alter-configs.ts";
import { describeCluster } from "../../internal/kafka/api/60-describe-cluster.ts";
import type { BrokerId, Term, TopicId } from "../../internal/model/ids.ts";
import type { ByteRange } from "../../internal/bytes/byte-range.ts";
import type { Draft } from "../../internal/schema/message.ts";
import { batchOf, openFrontStage, versionsOf } from "./front-stage.ts";
import type { FrontStage } from "./front-stage.ts";
import type { KafkaClient } from "./kafka-client.ts";

let stage: FrontStage;
let client: KafkaClient;
let topicId: TopicId;

beforeEach(async () => {
  stage = await openFrontStage();
  topicId = stage.cluster.addTopic("orders", 3);
  client = stage.client();
  await stage.play(() => client.opened);
});

afterEach(async () => {
  await stage.play(() => stage.server.close());
  await stage.play(async () => stage.sleepMs(50));
  expect(stage.log.lent).toBe(0);
  expect(stage.simulation.fatals).toEqual([]);
});

function toOne(partition: number, records: ByteRange | null, acks = -1): Draft<ProduceRequest> {
  return {
    transactionalId: null,
    acks,
    timeoutMs: 1000,
    topicData: [{ name: "orders", topicId, partitionData: [{ index: partition, records }] }],
  };
}

async function produced(version: number, body: Draft<ProduceRequest>) {
  const answer = await stage.play(() => client.request(produce, version, body));
  const [topic] = answer.responses;
  expect([topic?.name, topic?.topicId]).toEqual(version >= 13 ? ["", topicId] : ["orders", ""]);
  return topic?.partitionResponses[0];
}

describe("Metadata", () => {
  test.each(versionsOf(metadata))("version %i lists brokers and topics", async (version) => {
    stage.cluster.addTopic("__internal", 1);
    const body = { topics: version === 0 ? [] : null };
    const all = await stage.play(() => client.request(metadata, version, body));
    expect(all.topics.map(({ name }) => name).sort()).toEqual(["__internal", "orders"]);
    expect(all.brokers.map(({ nodeId, host, port }) => [nodeId, host, port])).toEqual([
      [1, "broker-1", 9092],
    ]);
    if (version >= 1) expect(all.controllerId).toBe(1);
    if (version >= 2) expect(all.clusterId).toBe("AAAAAAAAAAAAAAAAAAAAAQ");
    const orders = all.topics.find(({ name }) => name === "orders");
    expect(orders?.topicId).toBe(version >= 10 ? topicId : "");
    expect(orders?.partitions.map((one) => [one.partitionIndex, one.leaderId])).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
    ]);
    if (version >= 1) {
      const none = await stage.play(() => client.request(metadata, version, { topics: [] }));
      expect(none.topics).toEqual([]);
    }
  });

  test("creates what is missing where the client and the broker allow it", async () => {
    const ask = (version: number, name: string, allowAutoTopicCreation: boolean) =>
      stage.play(async () => {
        const body = { topics: [{ name }], allowAutoTopicCreation };
        const answer = await client.request(metadata, version, body);
        return [answer.topics[0]?.errorCode, answer.topics[0]?.partitions.length];
      });
    expect(await ask(9, "fresh", false)).toEqual([3, 0]);
    expect(await ask(9, "fresh", true)).toEqual([0, 1]);
    expect(await ask(3, "old-client", false)).toEqual([0, 1]);
    expect(await ask(9, "bad name", true)).toEqual([17, 0]);
    stage.cluster.fault = { kind: "timed-out", detail: "Late." };
    expect(await ask(9, "slow", true)).toEqual([5, 0]);
    stage.cluster.fault = { kind: "invalid-replication-factor", detail: "Three." };
    expect(await ask(9, "three", true)).toEqual([38, 0]);
    stage.cluster.fault = null;
    stage.cluster.autoCreateTopics = false;
    expect(await ask(9, "never", true)).toEqual([3, 0]);
  });

  test("ids are found, or UNKNOWN_TOPIC_ID with a null name", async () => {
    const other = "AAAAAAAAAAAAAAAAAAAAZQ" as TopicId;
    const topics = [{ topicId }, { topicId: other }].map((one) => ({ ...one, name: null }));
    const answer = await stage.play(() => client.request(metadata, 12, { topics }));
    const seen = answer.topics.map((one) => [one.errorCode, one.name, one.topicId]);
    expect(seen).toEqual([
      [0, "orders", topicId],
      [100, null, other],
    ]);
  });

  test("a partition without a leader, or whose leader is not shown, is LEADER_NOT_AVAILABLE", async () => {
    for (const leader of [null, 9 as BrokerId]) {
      stage.cluster.leader = leader;
      const body = { topics: [{ name: "orders" }] };
      const answer = await stage.play(() => client.request(metadata, 9, body));
      const one = answer.topics[0]?.partitions[0];
      expect([one?.errorCode, one?.leaderId, one?.replicaNodes]).toEqual([5, -1, [1]]);
    }
  });

  test("operations are a mask when they are asked for", async () => {
    const body = {
      topics: [{ name: "orders" }],
      includeClusterAuthorizedOperations: true,
      includeTopicAuthorizedOperations: true,
    };
    const asked = await stage.play(() => client.request(metadata, 8, body));
    expect(asked.clusterAuthorizedOperations).toBe(8096);
    expect(asked.topics[0]?.topicAuthorizedOperations).toBe(3576);
    const plain = await stage.play(() => client.request(metadata, 8, { topics: null }));
    expect(plain.clusterAuthorizedOperations).toBe(-0x8000_0000);
    expect(plain.topics[0]?.topicAuthorizedOperations).toBe(-0x8000_0000);
  });

  test("before the cluster is founded the connection is closed", async () => {
    stage.cluster.clusterId = null;
    const asked = client.request(metadata, 9, { topics: null });
    await expect(stage.play(() => asked)).rejects.toThrow("over");
    expect(stage.refusals()).toEqual(["not-ready"]);
  });
});

test.each(versionsOf(findCoordinator))(
  "FindCoordinator %i finds that of groups",
  async (version) => {
    const body = { key: "g", keyType: 0, coordinatorKeys: ["g", ""] };
    const answer = await stage.play(() => client.request(findCoordinator, version, body));
    if (version < 4) expect([answer.errorCode, answer.nodeId, answer.port]).toEqual([0, 1, 9092]);
    else
      expect(answer.coordinators.map((one) => [one.key, one.errorCode, one.nodeId])).toEqual([
        ["g", 0, 1],
        ["", 24, -1],
      ]);
    if (version === 0) return;
    const transaction = await stage.play(() =>
      client.request(findCoordinator, version, { ...body, keyType: 1 }),
    );
    expect(version < 4 ? transaction.errorCode : transaction.coordinators[0]?.errorCode).toBe(15);
    const odd = await stage.play(() =>
      client.request(findCoordinator, version, { ...body, keyType: 9 }),
    );
    expect(version < 4 ? odd.errorCode : odd.coordinators[0]?.errorCode).toBe(42);
  },
);

test("FindCoordinator waits for the internal topic once, not once for each group", async () => {
  stage.groups.isFounding = true;
  const coordinatorKeys = ["a", "b", "c"];
  const answer = await stage.play(() =>
    client.request(findCoordinator, 6, { keyType: 0, coordinatorKeys }),
  );
  expect(answer.coordinators.map(({ errorCode }) => errorCode)).toEqual([15, 15, 15]);
  expect(stage.groups.waitedMs).toEqual([5_000, 0, 0]);
});

test.each(versionsOf(initProducerId))("InitProducerId %i", async (version) => {
  const ask = async (transactionalId: string | null) => {
    const body = { transactionalId, transactionTimeoutMs: 1000 };
    const answer = await stage.play(() => client.request(initProducerId, version, body));
    return [answer.errorCode, answer.producerId, answer.producerEpoch];
  };
  expect(await ask(null)).toEqual([0, 1000, 0]);
  expect(await ask(null)).toEqual([0, 1001, 0]);
  expect(await ask("")).toEqual([42, -1, -1]);
  expect(await ask("t")).toEqual([15, -1, -1]);
  stage.cluster.fault = { kind: "busy", detail: "Later." };
  expect(await ask(null)).toEqual([14, -1, -1]);
});

describe("administration", () => {
  test.each(versionsOf(createTopics))("CreateTopics %i", async (version) => {
    const topic = (name: string, numPartitions = 2) => ({
      name,
      numPartitions,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    });
    const topics = [
      topic("a"),
      topic("orders"),
      topic("twice"),
      topic("bad name"),
      topic("twice"),
      { ...topic("assigned"), assignments: [{ partitionIndex: 0, brokerIds: [1] }] },
      { ...topic("default", -1), replicationFactor: -1 },
    ];
    const body = { topics, timeoutMs: 1000, validateOnly: false };
    const answer = await stage.play(() => client.request(createTopics, version, body));
    const codes = answer.topics.map(({ name, errorCode }) => [name, errorCode]);
    expect(codes).toEqual([
      ["a", 0],
      ["orders", 36],
      ["twice", 42],
      ["bad name", 17],
      ["assigned", 42],
      ["default", 0],
    ]);
    const [first] = answer.topics;
    expect(stage.cluster.topicNamed("a")?.partitions.length).toBe(2);
    if (version >= 5) expect([first?.numPartitions, first?.configs?.length]).toEqual([2, 2]);
    if (version >= 7) expect(first?.topicId).toBe(stage.cluster.topicNamed("a")?.topicId);
    const onlyLook = { topics: [topic("look")], timeoutMs: 1000, validateOnly: true };
    const looked = await stage.play(() => client.request(createTopics, version, onlyLook));
    expect(looked.topics[0]?.errorCode).toBe(0);
    expect(stage.cluster.topicNamed("look")).toBeNull();
  });

  test.each(versionsOf(deleteTopics))("DeleteTopics %i", async (version) => {
    stage.cluster.addTopic("b", 1);
    const none = "" as TopicId;
    const other = "AAAAAAAAAAAAAAAAAAAAZQ" as TopicId;
    const byId = [
      { name: null, topicId },
      { name: "b", topicId: none },
      { name: "nobody", topicId: none },
      { name: null, topicId: other },
      { name: null, topicId: none },
      { name: "b2", topicId: "AAAAAAAAAAAAAAAAAAAAZg" as TopicId },
    ];
    const body = { topics: byId, topicNames: ["orders", "nobody", "b", "b"], timeoutMs: 1000 };
    const answer = await stage.play(() => client.request(deleteTopics, version, body));
    const seen = answer.responses.map(({ name, errorCode }) => [name, errorCode]);
    expect(seen).toEqual(
      version >= 6
        ? [
            ["orders", 0],
            ["b", 0],
            ["nobody", 3],
            [null, 100],
            [null, 42],
            ["b2", 42],
          ]
        : [
            ["orders", 0],
            ["nobody", 3],
            ["b", 42],
            ["b", 42],
          ],
    );
    expect(stage.cluster.topicNamed("orders")).toBeNull();
  });

  test.each(versionsOf(createPartitions))("CreatePartitions %i", async (version) => {
    const topics = [
      { name: "orders", count: 5, assignments: null },
      { name: "nobody", count: 5, assignments: null },
    ];
    const body = { topics, timeoutMs: 1000, validateOnly: false };
    const answer = await stage.play(() => client.request(createPartitions, version, body));
    expect(answer.results.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ["orders", 0],
      ["nobody", 3],
    ]);
    const again = await stage.play(() => client.request(createPartitions, version, body));
    expect(again.results[0]?.errorCode).toBe(37);
    expect((await produced(9, toOne(4, batchOf(["a"]))))?.errorCode).toBe(0);
  });

  test.each(versionsOf(describeConfigs))("DescribeConfigs %i", async (version) => {
    stage.cluster.addTopic("bills", 1);
    const resources = [
      { resourceType: 2, resourceName: "orders", configurationKeys: null },
      { resourceType: 2, resourceName: "bills", configurationKeys: ["retention.ms"] },
      { resourceType: 2, resourceName: "nobody", configurationKeys: null },
      { resourceType: 4, resourceName: "one", configurationKeys: null },
      { resourceType: 16, resourceName: "x", configurationKeys: null },
      { resourceType: 8, resourceName: "1", configurationKeys: null },
      { resourceType: 32, resourceName: "g", configurationKeys: ["retention.ms"] },
      { resourceType: 32, resourceName: "", configurationKeys: null },
    ];
    const body = { resources, includeSynonyms: true, includeDocumentation: true };
    const answer = await stage.play(() => client.request(describeConfigs, version, body));
    expect(answer.results.map((one) => [one.errorCode, one.configs.length])).toEqual([
      [0, 2],
      [0, 1],
      [3, 0],
      [42, 0],
      [42, 0],
      [42, 0],
      [0, 1],
      [42, 0],
    ]);
    expect(answer.results[6]?.configs[0]?.configSource).toBe(8);
    const config = answer.results[1]?.configs[0];
    expect(config).toMatchObject({ value: "604800000", configSource: 5, readOnly: false });
    expect(config?.synonyms).toEqual([{ name: "retention.ms", value: "604800000", source: 5 }]);
    const young = version >= 3;
    expect([config?.configType, config?.documentation]).toEqual(
      young ? [5, "A config."] : [0, null],
    );
  });

  test("AlterConfigs replaces, IncrementalAlterConfigs changes", async () => {
    const value = () => {
      const found = stage.cluster.describeConfigs({ resource: "topic", name: "orders" }, null);
      return found.ok ? found.value.map((config) => config.value) : [];
    };
    for (const version of versionsOf(incrementalAlterConfigs)) {
      const configs = [{ name: "retention.ms", configOperation: 0, value: "5" }];
      const bad = [{ name: "retention.ms", configOperation: 7, value: "5" }];
      const empty = [{ name: "retention.ms", configOperation: 0, value: null }];
      const resources = [
        { resourceType: 2, resourceName: "orders", configs },
        { resourceType: 2, resourceName: "a", configs: bad },
        { resourceType: 2, resourceName: "b", configs: empty },
        { resourceType: 2, resourceName: "c", configs: [...configs, ...configs] },
        { resourceType: 2, resourceName: "nobody", configs },
      ];
      const body = { resources, validateOnly: false };
      const answer = await stage.play(() => client.request(incrementalAlterConfigs, version, body));
      expect(answer.responses.map(({ errorCode }) => errorCode)).toEqual([0, 42, 42, 42, 3]);
      expect(value()).toEqual(["delete", "5"]);
    }
    for (const version of versionsOf(alterConfigs)) {
      const resource = (name: string, text: string) => ({
        resourceType: 2,
        resourceName: "orders",
        configs: [{ name, value: text }],
      });
      const body = { resources: [resource("cleanup.policy", "compact")], validateOnly: false };
      const answer = await stage.play(() => client.request(alterConfigs, version, body));
      expect(answer.responses.map(({ errorCode }) => errorCode)).toEqual([0]);
      expect(value()).toEqual(["compact", "604800000"]);
      const unknown = { resources: [resource("no.such", "1")], validateOnly: false };
      const refused = await stage.play(() => client.request(alterConfigs, version, unknown));
      expect(refused.responses[0]).toMatchObject({
        errorCode: 40,
        errorMessage: "No such config.",
      });
    }
  });

  test("refusals of configs have the codes that clients know", async () => {
    const resource = { resourceType: 4, resourceName: "" };
    const configs = [{ name: "a", value: "1", configOperation: 0 }];
    for (const [kind, code] of [
      ["unknown-topic", 3],
      ["timed-out", 7],
      ["outcome-unknown", 7],
      ["invalid-topic-name", 17],
      ["invalid-config", 40],
      ["unknown-broker", 42],
      ["invalid-request", 42],
      ["refused", 44],
      ["storage-full", 56],
    ] as const) {
      stage.cluster.fault = { kind, detail: "No." };
      const alter = { resources: [{ ...resource, configs }], validateOnly: true };
      const replaced = await stage.play(() => client.request(alterConfigs, 2, alter));
      const changed = await stage.play(() => client.request(incrementalAlterConfigs, 1, alter));
      const asked = { resources: [{ ...resource, configurationKeys: null }] };
      const told = await stage.play(() => client.request(describeConfigs, 4, asked));
      const answers = [replaced.responses[0], changed.responses[0], told.results[0]];
      expect(answers.map((one) => [one?.errorCode, one?.errorMessage])).toEqual([
        [code, "No."],
        [code, "No."],
        [code, "No."],
      ]);
    }
  });

  test.each(versionsOf(deleteRecords))("DeleteRecords %i", async (version) => {
    await produced(9, toOne(0, batchOf(["a", "b", "c"])));
    await produced(9, toOne(1, batchOf(["a"])));
    const hint = { leader: null, leaderEpoch: 1 as Term };
    stage.log.partition("orders", 2).fault = { kind: "not-leader", hint };
    const ask = async (...partitions: [number, number][]) => {
      const named = partitions.map(([partitionIndex, offset]) => ({ partitionIndex, offset }));
      const topics = [
        { name: "orders", partitions: named },
        { name: "nobody", partitions: [{ partitionIndex: 0, offset: 0 }] },
      ];
      const body = { topics, timeoutMs: 1000 };
      const answer = await stage.play(() => client.request(deleteRecords, version, body));
      expect(answer.topics[1]?.partitions).toMatchObject([{ errorCode: 3, lowWatermark: -1 }]);
      return answer.topics[0]?.partitions.map((one) => [
        one.partitionIndex,
        one.errorCode,
        one.lowWatermark,
      ]);
    };
    expect(await ask([0, 2], [1, -1], [2, 0], [9, 0], [0, 3])).toEqual([
      [0, 0, 2],
      [1, 0, 1],
      [2, 6, -1],
      [9, 3, -1],
      [0, 42, -1],
    ]);
    expect(await ask([0, 1], [1, 2])).toEqual([
      [0, 0, 2],
      [1, 1, -1],
    ]);
    for (const [kind, code] of [
      ["timed-out", 7],
      ["storage-full", 56],
      ["not-deletable", 44],
    ] as const) {
      stage.log.deleteFault = { kind };
      expect(await ask([0, 3])).toEqual([[0, code, -1]]);
    }
  });

  test.each(versionsOf(describeCluster))("DescribeCluster %i", async (version) => {
    stage.cluster.brokerViews = [
      ...stage.cluster.brokerViews,
      { broker: 2 as BrokerId, host: "gone", port: 1, rack: null, fenced: true },
    ];
    const ask = (endpointType: number, includeFencedBrokers: boolean) =>
      stage.play(() =>
        client.request(describeCluster, version, {
          includeClusterAuthorizedOperations: true,
          endpointType,
          includeFencedBrokers,
        }),
      );
    const answer = await ask(1, true);
    expect([answer.errorCode, answer.controllerId]).toEqual([0, 1]);
    expect(answer.brokers.length).toBe(version >= 2 ? 2 : 1);
    if (version === 0) return;
    expect((await ask(2, false)).errorCode).toBe(114);
    expect((await ask(7, false)).errorCode).toBe(115);
  });
});
