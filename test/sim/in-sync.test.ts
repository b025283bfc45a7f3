// What an acknowledgement waits for, and what leaders observe of their followers (P2 to P4): the in-sync set is told to
// clients and to topics that ask for more disks than the majority, and never decides what is committed.
import { afterEach, beforeEach, expect, test } from "vitest";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import { describeTopicPartitions } from "../../internal/kafka/api/75-describe-topic-partitions.ts";
import { ErrorCode } from "../../internal/kafka/codec/errors.ts";
import type { Partition } from "../../internal/partition/partition.ts";
import { batchOf } from "../wire/front-stage.ts";
import { KafkaStage } from "./kafka-stage.ts";

const LEADER = 1;
const FOLLOWER = 3;
const LAG_MS = 3_000;
const UNANSWERED = -2;

let stage: KafkaStage;

beforeEach(async () => {
  stage = new KafkaStage(31, 3, { "replica.lag.time.max.ms": LAG_MS });
  await stage.start();
  const make = (name: string, configs: { name: string; value: string }[] = []) => {
    const assignments = [{ partitionIndex: 0, brokerIds: [1, 2, 3] }];
    return { name, numPartitions: -1, replicationFactor: -1, assignments, configs };
  };
  const topics = [
    make("t"),
    make("three", [{ name: "min.insync.replicas", value: "3" }]),
    make("own", [{ name: "acks.one", value: "leader" }]),
  ];
  const body = { topics, timeoutMs: 10_000, validateOnly: false };
  const made = await stage.ask(1, createTopics, 7, body);
  expect(made.topics.map((topic) => topic.errorCode)).toEqual([0, 0, 0]);
  for (const { name } of topics) {
    await stage.until(`${name} is led where it should`, async () => {
      return (await stage.leaderOf(name, 0)) === LEADER && at(LEADER, name).mayServe;
    });
  }
});

afterEach(() => {
  expect(stage.simulation.fatals).toEqual([]);
});

/** Sends a record, and does not wait: the code is there when it has come. */
function sending(topic: string, acks = -1): { code: number } {
  const sent = { code: UNANSWERED };
  const topicData = [{ name: topic, partitionData: [{ index: 0, records: batchOf(["x"]) }] }];
  const body = { transactionalId: null, acks, timeoutMs: 1_500, topicData };
  void stage.asking(LEADER, produce, 9, body).then((answer) => {
    sent.code = answer.responses[0]?.partitionResponses[0]?.errorCode ?? UNANSWERED;
  });
  return sent;
}

async function send(topic: string, acks = -1): Promise<number> {
  const sent = sending(topic, acks);
  await stage.until("it is answered", async () => sent.code !== UNANSWERED);
  return sent.code;
}

function at(broker: number, topic: string): Partition {
  const { broker: running } = stage.cluster.at(broker);
  const group = running?.controller.image.topicNamed(topic)?.partitions[0]?.group;
  const found = group === undefined ? null : running?.partitions.get(group);
  if (found === null || found === undefined) throw new Error(`${broker} has no ${topic}`);
  return found;
}

async function inSync(topic: string): Promise<number[]> {
  const body = { topics: [{ name: topic }], responsePartitionLimit: 10, cursor: null };
  const answer = await stage.ask(LEADER, describeTopicPartitions, 0, body);
  return answer.topics[0]?.partitions[0]?.isrNodes.toSorted() ?? [];
}

test("a topic that wants three disks is told when there are two; nothing else waits for the third", async () => {
  const { node } = stage.cluster.at(FOLLOWER);
  expect([await send("three"), await send("t")]).toEqual([0, 0]);
  expect(at(FOLLOWER, "three").logEnd).toBe(1);

  // The leader has not noticed yet: it appends, commits, and answers when it knows that the third will not come.
  node.freeze();
  const late = sending("three");
  expect(await send("t")).toBe(0);
  expect([late.code, at(LEADER, "three").highWatermark]).toEqual([UNANSWERED, 2]);
  await stage.until("it is answered", async () => late.code !== UNANSWERED);
  expect(late.code).toBe(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND);

  // Now it knows: who is silent is out at once, and nothing is appended.
  expect(await inSync("three")).toEqual([1, 2]);
  expect(await send("three")).toBe(ErrorCode.NOT_ENOUGH_REPLICAS);
  expect([at(LEADER, "three").logEnd, await send("t")]).toEqual([2, 0]);

  node.thaw();
  await stage.until("all are in sync", async () => (await inSync("three")).length === 3);
  expect(await send("three")).toBe(0);
  expect(at(FOLLOWER, "three").logEnd).toBe(3);
});

test("the leader is one of the three disks when its own write has returned, and not before", async () => {
  stage.cluster.at(LEADER).node.disk.stall("journal", 400_000);
  const sent = sending("three");
  await stage.simulation.runForMs(200);
  expect([sent.code, at(LEADER, "three").highWatermark]).toEqual([UNANSWERED, 1]);
  await stage.simulation.runForMs(300);
  expect(sent.code).toBe(0);
});

test("who is heard but does not keep up leaves the set after the lag that is allowed, and comes back", async () => {
  expect(await send("t")).toBe(0);
  stage.cluster.at(FOLLOWER).node.disk.stall("journal", 3_600_000_000);
  expect(await send("t")).toBe(0);
  await stage.simulation.runForMs(LAG_MS - 500);
  expect(await inSync("t")).toEqual([1, 2, 3]);
  await stage.simulation.runForMs(1_000);
  expect(await inSync("t")).toEqual([1, 2]);
  expect(await send("t")).toBe(0);
  stage.cluster.at(FOLLOWER).node.disk.stall("journal", 0);
  await stage.until("all are in sync", async () => (await inSync("t")).length === 3);
});

test("acks=1 waits for the commit; where a topic says otherwise, for the leader's own disk", async () => {
  const { links } = stage.simulation.network;
  for (const other of [2, 3]) {
    links.cut(stage.cluster.at(LEADER).node.name, stage.cluster.at(other).node.name);
  }
  const { disk } = stage.cluster.at(LEADER).node;
  disk.stall("journal", 100_000);
  const own = sending("own", 1);
  const committed = sending("t", 1);
  await stage.simulation.runForMs(80);
  expect([own.code, committed.code]).toEqual([UNANSWERED, UNANSWERED]);
  await stage.simulation.runForMs(120);
  expect([own.code, committed.code]).toEqual([0, UNANSWERED]);
  await stage.simulation.runForMs(3_000);
  expect(committed.code).not.toBe(0);
  links.healAll();
});

test("acks.one=leader promises the leader's disk, whatever the others have", async () => {
  stage.cluster.at(LEADER).node.disk.stall("journal", 400_000);
  const own = sending("own", 1);
  await stage.simulation.runForMs(200);
  expect([own.code, at(LEADER, "own").highWatermark]).toEqual([UNANSWERED, 1]);
  await stage.simulation.runForMs(300);
  expect(own.code).toBe(0);
});
