// What operators look into, on three whole brokers: sizes, producers, quorums of partitions and of the controller.
import { afterEach, beforeEach, expect, test } from "vitest";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import { describeLogDirs } from "../../internal/kafka/api/35-describe-log-dirs.ts";
import { describeQuorum } from "../../internal/kafka/api/55-describe-quorum.ts";
import { describeProducers } from "../../internal/kafka/api/61-describe-producers.ts";
import { describeTopicPartitions } from "../../internal/kafka/api/75-describe-topic-partitions.ts";
import { batchOf } from "../wire/front-stage.ts";
import { KafkaStage } from "./kafka-stage.ts";

let stage: KafkaStage;

beforeEach(async () => {
  stage = new KafkaStage(11, 3);
  await stage.start();
  const topics = [
    { name: "t", numPartitions: 2, replicationFactor: 3, assignments: [], configs: [] },
  ];
  const made = await stage.ask(1, createTopics, 7, {
    topics,
    timeoutMs: 10_000,
    validateOnly: false,
  });
  expect(made.topics[0]?.errorCode).toBe(0);
});

afterEach(() => {
  expect(stage.simulation.fatals).toEqual([]);
});

async function produceTo(leader: number, texts: readonly string[]): Promise<number> {
  const records = batchOf(texts, { producerId: 77, producerEpoch: 3, baseSequence: 0 });
  const length = records.end - records.start;
  const topicData = [{ name: "t", partitionData: [{ index: 0, records }] }];
  const body = { transactionalId: null, acks: -1, timeoutMs: 1000, topicData };
  const answer = await stage.ask(leader, produce, 9, body);
  expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
  return length;
}

test("sizes are those of the batches and of Raft's entries; producers are known on every replica", async () => {
  const leader = await stage.leaderOf("t", 0);
  const before = await sizeOn(leader);
  const length = await produceTo(leader, ["a", "b"]);
  await stage.simulation.runForMs(500);
  for (const broker of [1, 2, 3]) {
    expect(await sizeOn(broker)).toBe(before + length);
    const asked = { topics: [{ name: "t", partitionIndexes: [0, 1] }] };
    const answer = await stage.ask(broker, describeProducers, 0, asked);
    const [first, second] = answer.topics[0]?.partitions ?? [];
    expect(first?.activeProducers).toMatchObject([
      { producerId: 77, producerEpoch: 3, lastSequence: 1, currentTxnStartOffset: -1 },
    ]);
    expect(second?.activeProducers).toEqual([]);
  }
  const whole = await stage.ask(2, describeLogDirs, 4, { topics: null });
  const [directory] = whole.results;
  expect(directory?.totalBytes).toBeGreaterThan(directory?.usableBytes ?? Infinity);
  expect(directory?.topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([
    ["t", 2],
  ]);
});

async function sizeOn(broker: number): Promise<number> {
  const topics = [{ topic: "t", partitions: [0] }];
  const answer = await stage.ask(broker, describeLogDirs, 4, { topics });
  return answer.results[0]?.topics[0]?.partitions[0]?.partitionSize ?? -1;
}

test("a partition's quorum is told by its leader, and the controller's by every broker", async () => {
  const leader = await stage.leaderOf("t", 0);
  await produceTo(leader, ["a", "b"]);
  await stage.simulation.runForMs(500);
  const topics = [
    { topicName: "t", partitions: [{ partitionIndex: 0 }] },
    { topicName: "__cluster_metadata", partitions: [{ partitionIndex: 0 }] },
  ];
  const controllers = new Set<number>();
  for (const broker of [1, 2, 3]) {
    const answer = await stage.ask(broker, describeQuorum, 2, { topics });
    const [partition, controller] = answer.topics.map((topic) => topic.partitions[0]);
    expect([partition?.errorCode, partition?.leaderId]).toEqual([
      broker === leader ? 0 : 6,
      leader,
    ]);
    if (broker === leader) {
      expect(partition?.highWatermark).toBe(2);
      expect(partition?.currentVoters.map((of) => [of.replicaId, of.logEndOffset])).toEqual([
        [1, 2],
        [2, 2],
        [3, 2],
      ]);
      const nowMs =
        partition?.currentVoters.find((of) => of.replicaId === leader)?.lastFetchTimestamp ?? 0;
      for (const { lastFetchTimestamp, lastCaughtUpTimestamp } of partition?.currentVoters ?? []) {
        expect(nowMs - (lastFetchTimestamp ?? 0)).toBeLessThan(400);
        expect(nowMs - (lastCaughtUpTimestamp ?? 0)).toBeLessThan(400);
      }
    }
    expect(controller?.errorCode).toBe(0);
    controllers.add(controller?.leaderId ?? -1);
    expect(controller?.currentVoters.map((of) => of.replicaId)).toEqual([1, 2, 3]);
    expect(controller?.highWatermark).toBeGreaterThan(3);
    for (const { logEndOffset } of controller?.currentVoters ?? []) {
      expect(logEndOffset).toBeGreaterThanOrEqual(controller?.highWatermark ?? Infinity);
    }
    expect(answer.nodes.map((node) => node.nodeId)).toEqual([1, 2, 3]);
  }
  expect(controllers.size).toBe(1);
});

test("DescribeTopicPartitions shows leaders and replicas", async () => {
  const leader = await stage.leaderOf("t", 1);
  const body = { topics: [{ name: "t" }], responsePartitionLimit: 2000, cursor: null };
  const answer = await stage.ask(3, describeTopicPartitions, 0, body);
  const [, second] = answer.topics[0]?.partitions ?? [];
  expect([second?.errorCode, second?.leaderId]).toEqual([0, leader]);
  expect(second?.replicaNodes.toSorted()).toEqual([1, 2, 3]);
  expect(second?.isrNodes.toSorted()).toEqual([1, 2, 3]);
});
