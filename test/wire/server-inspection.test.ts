// What operators look into, in conversation: every version, pages, and every error that may occur.
import { afterEach, beforeEach, expect, test } from "vitest";
import { describeLogDirs } from "../../internal/kafka/api/35-describe-log-dirs.ts";
import { describeQuorum } from "../../internal/kafka/api/55-describe-quorum.ts";
import { describeProducers } from "../../internal/kafka/api/61-describe-producers.ts";
import { listConfigResources } from "../../internal/kafka/api/74-list-config-resources.ts";
import { describeTopicPartitions } from "../../internal/kafka/api/75-describe-topic-partitions.ts";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import type { BrokerId, Term } from "../../internal/model/ids.ts";
import { batchOf, openFrontStage, versionsOf } from "./front-stage.ts";
import type { FrontStage } from "./front-stage.ts";
import type { KafkaClient } from "./kafka-client.ts";
import { DIRECTORY } from "./memory-inspection.ts";

let stage: FrontStage;
let client: KafkaClient;

beforeEach(async () => {
  stage = await openFrontStage();
  stage.cluster.addTopic("orders", 3);
  client = stage.client();
  await stage.play(() => client.opened);
});

afterEach(async () => {
  await stage.play(() => stage.server.close());
  await stage.play(async () => stage.sleepMs(50));
  expect(stage.simulation.fatals).toEqual([]);
});

const elsewhere = {
  kind: "not-leader",
  hint: { leader: 2 as BrokerId, leaderEpoch: 7 as Term },
} as const;

test.each(versionsOf(describeLogDirs))("DescribeLogDirs %i", async (version) => {
  stage.cluster.addTopic("empty", 1);
  const records = batchOf(["a"]);
  const one = { name: "orders", partitionData: [{ index: 1, records }] };
  const body = { transactionalId: null, acks: -1, timeoutMs: 1000, topicData: [one] };
  await stage.play(() => client.request(produce, 9, body));
  const ask = (topics: { topic: string; partitions: number[] }[] | null) =>
    stage.play(() => client.request(describeLogDirs, version, { topics }));
  const all = await ask(null);
  const [directory] = all.results;
  expect([all.errorCode, directory?.errorCode, directory?.logDir]).toEqual([0, 0, "/data"]);
  expect([directory?.totalBytes, directory?.usableBytes]).toEqual(
    version >= 4 ? [1_000, 400] : [-1, -1],
  );
  const sizes = (answer: typeof all) =>
    answer.results[0]?.topics.map(({ name, partitions }) => [
      name,
      partitions.map((of) => [of.partitionIndex, of.partitionSize, of.offsetLag, of.isFutureKey]),
    ]);
  const written = records.end - records.start;
  expect(sizes(all)).toEqual([
    [
      "orders",
      [
        [0, 0, 0, false],
        [1, written, 0, false],
        [2, 0, 0, false],
      ],
    ],
    ["empty", [[0, 0, 0, false]]],
  ]);
  const some = await ask([
    { topic: "orders", partitions: [1, 9, 1] },
    { topic: "nobody", partitions: [0] },
    { topic: "orders", partitions: [1] },
  ]);
  expect(sizes(some)).toEqual([["orders", [[1, written, 0, false]]]]);
  stage.inspection.space = null;
  expect((await ask([])).results[0]).toMatchObject({ errorCode: 56, topics: [] });
});

test.each(versionsOf(describeQuorum))("DescribeQuorum %i", async (version) => {
  stage.cluster.addTopic("led", 1);
  stage.log.partition("led", 0).highWatermark = 5;
  stage.log.partition("led", 0).logEnd = 6;
  stage.log.partition("orders", 1).fault = elsewhere;
  const topic = (topicName: string, ...partitions: number[]) => ({
    topicName,
    partitions: partitions.map((partitionIndex) => ({ partitionIndex })),
  });
  const topics = [
    topic("__cluster_metadata", 0, 1),
    topic("led", 0, 0),
    topic("orders", 1, 9),
    topic("nobody", 0),
  ];
  const ask = () => stage.play(() => client.request(describeQuorum, version, { topics }));
  const answer = await ask();
  expect(answer.errorCode).toBe(0);
  const seen = answer.topics.map(({ topicName, partitions }) => [
    topicName,
    ...partitions.map((one) => [one.errorCode, one.leaderId, one.leaderEpoch, one.highWatermark]),
  ]);
  expect(seen).toEqual([
    ["__cluster_metadata", [0, 1, 4, 8], [3, -1, -1, -1]],
    ["led", [0, 1, 1, 5], [42, -1, -1, -1]],
    ["orders", [6, 2, 7, -1], [3, -1, -1, -1]],
    ["nobody", [3, -1, -1, -1]],
  ]);
  const led = answer.topics[1]?.partitions[0];
  const times = version >= 1 ? { lastFetchTimestamp: 103, lastCaughtUpTimestamp: -1 } : {};
  const replicaDirectoryId = version >= 2 ? DIRECTORY : "";
  expect(led?.currentVoters.map((one) => [one.replicaId, one.logEndOffset])).toEqual([[1, 6]]);
  expect(led?.observers).toMatchObject([{ replicaId: 3, replicaDirectoryId, ...times }]);
  const kafka = { name: "KAFKA", host: "broker-1", port: 9092 };
  expect(answer.nodes).toEqual(version >= 2 ? [{ nodeId: 1, listeners: [kafka] }] : []);
  stage.inspection.fault = { kind: "timed-out", detail: "Nobody leads." };
  const late = (await ask()).topics[0]?.partitions[0];
  expect([late?.errorCode, late?.errorMessage]).toEqual([7, version >= 2 ? "Nobody leads." : null]);
});

test.each(versionsOf(describeProducers))("DescribeProducers %i", async (version) => {
  stage.inspection.producerList = [
    { producerId: 7, epoch: 2, lastSequence: 41, seenMs: 1_000 },
    { producerId: 8, epoch: 0, lastSequence: -1, seenMs: 2_000 },
  ];
  stage.log.partition("orders", 1).fault = elsewhere;
  const topics = [
    { name: "orders", partitionIndexes: [0, 1, 9, 0] },
    { name: "nobody", partitionIndexes: [0] },
  ];
  const answer = await stage.play(() => client.request(describeProducers, version, { topics }));
  const codes = answer.topics.map(({ partitions }) => partitions.map((one) => one.errorCode));
  expect(codes).toEqual([[0, 6, 3, 42], [3]]);
  const nothing = { coordinatorEpoch: -1, currentTxnStartOffset: -1 };
  expect(answer.topics[0]?.partitions[0]?.activeProducers).toEqual([
    { producerId: 7, producerEpoch: 2, lastSequence: 41, lastTimestamp: 1_000, ...nothing },
    { producerId: 8, producerEpoch: 0, lastSequence: -1, lastTimestamp: 2_000, ...nothing },
  ]);
});

test.each(versionsOf(listConfigResources))("ListConfigResources %i", async (version) => {
  const ask = async (resourceTypes: number[]) => {
    const answer = await stage.play(() =>
      client.request(listConfigResources, version, { resourceTypes }),
    );
    const names = answer.configResources.map((one) => [one.resourceType, one.resourceName]);
    return [answer.errorCode, names];
  };
  if (version === 0) return expect(await ask([])).toEqual([0, []]);
  const topic = [2, "orders"];
  const broker = [4, "1"];
  expect(await ask([])).toEqual([0, [topic, broker]]);
  expect(await ask([4])).toEqual([0, [broker]]);
  expect(await ask([8, 16, 32])).toEqual([0, []]);
  expect(await ask([2, 3])).toEqual([35, []]);
});

test("DescribeTopicPartitions goes through the topics page by page", async () => {
  for (const name of ["b", "a", "z"]) stage.cluster.addTopic(name, 2);
  const ask = (
    names: string[],
    responsePartitionLimit: number,
    cursor: { topicName: string; partitionIndex: number } | null,
  ) =>
    stage.play(async () => {
      const topics = names.map((name) => ({ name }));
      const body = { topics, responsePartitionLimit, cursor };
      const answer = await client.request(describeTopicPartitions, 0, body);
      const shown = answer.topics.map(({ name, errorCode, partitions }) =>
        errorCode === 0 ? [name, ...partitions.map((of) => of.partitionIndex)] : [name, errorCode],
      );
      const { nextCursor } = answer;
      return [shown, nextCursor === null ? null : Object.values(nextCursor)];
    });
  const at = (topicName: string, partitionIndex: number) => ({ topicName, partitionIndex });
  const page = [
    ["a", 0, 1],
    ["b", 0],
  ];
  expect(await ask([], 3, null)).toEqual([page, ["b", 1]]);
  expect(await ask([], 3, at("b", 1))).toEqual([
    [
      ["b", 1],
      ["orders", 0, 1],
    ],
    ["orders", 2],
  ]);
  expect(await ask([], 3, at("orders", 2))).toEqual([
    [
      ["orders", 2],
      ["z", 0, 1],
    ],
    null,
  ]);
  // A page that ends with a topic goes on with the next one, and a limit that makes no sense is one partition.
  expect(await ask([], 2, null)).toEqual([[["a", 0, 1]], ["b", 0]]);
  expect(await ask([], -5, null)).toEqual([[["a", 0]], ["a", 1]]);
  expect(await ask([], 2_000, at("o", 5))).toEqual([
    [
      ["orders", 0, 1, 2],
      ["z", 0, 1],
    ],
    null,
  ]);
  expect(await ask(["z", "nobody", "bad name", "z"], 2_000, null)).toEqual([
    [
      ["bad name", 17],
      ["nobody", 3],
      ["z", 0, 1],
    ],
    null,
  ]);
  stage.cluster.leader = null;
  const body = { topics: [{ name: "a" }], responsePartitionLimit: 1, cursor: null };
  const answer = await stage.play(() => client.request(describeTopicPartitions, 0, body));
  expect(answer.topics[0]?.partitions[0]).toMatchObject({
    errorCode: 5,
    leaderId: -1,
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
  });
  const bad = client.request(describeTopicPartitions, 0, { ...body, cursor: at("a", -1) });
  await expect(stage.play(() => bad)).rejects.toThrow("over");
  expect(stage.refusals()).toEqual(["undecodable"]);
});
