// Reads from a follower (P8): below what it knows to be committed it serves, there it answers empty, and beyond it waits,
// then says that it does not know. Only what is deleted is out of range.
import { afterEach, beforeEach, expect, test } from "vitest";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { fetch } from "../../internal/kafka/api/01-fetch.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import { deleteRecords } from "../../internal/kafka/api/21-delete-records.ts";
import { ErrorCode } from "../../internal/kafka/codec/errors.ts";
import { batchOf } from "../wire/front-stage.ts";
import { KafkaStage } from "./kafka-stage.ts";

const LEADER = 1;
const FOLLOWER = 3;
const WAIT_MS = 300;

let stage: KafkaStage;

beforeEach(async () => {
  stage = new KafkaStage(37, 3);
  await stage.start();
  const assignments = [{ partitionIndex: 0, brokerIds: [1, 2, 3] }];
  const topics = [
    { name: "t", numPartitions: -1, replicationFactor: -1, assignments, configs: [] },
  ];
  const made = await stage.ask(1, createTopics, 7, { topics, timeoutMs: 10_000 });
  expect(made.topics[0]?.errorCode).toBe(0);
  await stage.until("the first leads", async () => (await stage.leaderOf("t", 0)) === LEADER);
  await send();
  await send();
  await stage.simulation.runForMs(500);
});

afterEach(() => {
  expect(stage.simulation.fatals).toEqual([]);
});

async function send(): Promise<void> {
  const topicData = [{ name: "t", partitionData: [{ index: 0, records: batchOf(["x"]) }] }];
  const body = { transactionalId: null, acks: -1, timeoutMs: 1_000, topicData };
  const answer = await stage.ask(LEADER, produce, 9, body);
  expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
}

interface Answer {
  readonly code: number;
  readonly bytes: number;
  readonly waitedMs: number;
}

async function read(at: number, fetchOffset: number, version = 11): Promise<Answer> {
  const { simulation } = stage;
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }];
  const topics = [{ topic: "t", partitions }];
  const body = { maxWaitMs: WAIT_MS, minBytes: 1, maxBytes: 1 << 20, isolationLevel: 0, topics };
  const sinceMs = simulation.nowMs;
  const answer = await stage.ask(at, fetch, version, body);
  const one = answer.responses[0]?.partitions[0];
  const bytes = (one?.records?.end ?? 0) - (one?.records?.start ?? 0);
  return { code: one?.errorCode ?? -2, bytes, waitedMs: simulation.nowMs - sinceMs };
}

test("a follower serves what it knows to be committed, and knows nothing of what lies beyond", async () => {
  const below = await read(FOLLOWER, 1);
  expect([below.code, below.bytes > 0, below.waitedMs < WAIT_MS]).toEqual([0, true, true]);
  const end = await read(FOLLOWER, 2);
  expect([end.code, end.bytes, end.waitedMs >= WAIT_MS]).toEqual([0, 0, true]);
  for (const offset of [3, 1_000]) {
    const beyond = await read(FOLLOWER, offset);
    expect([beyond.code, beyond.waitedMs >= WAIT_MS]).toEqual([
      ErrorCode.OFFSET_NOT_AVAILABLE,
      true,
    ]);
  }
  expect((await read(LEADER, 1_000)).code).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
  // Clients of that age would not understand a follower's answer.
  expect((await read(FOLLOWER, 1, 10)).code).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
});

test("a read that is ahead of the follower is answered when the follower has caught up", async () => {
  const { links } = stage.simulation.network;
  const [leader, follower] = [LEADER, FOLLOWER].map((id) => stage.cluster.at(id).node.name);
  links.cut(leader as string, follower as string);
  await send();
  await send();
  expect((await read(FOLLOWER, 3)).code).toBe(ErrorCode.OFFSET_NOT_AVAILABLE);
  links.healAll();
  await stage.until("it is served", async () => (await read(FOLLOWER, 3)).bytes > 0);
});

test("what was deleted is out of a follower's range as well", async () => {
  const topics = [{ name: "t", partitions: [{ partitionIndex: 0, offset: 1 }] }];
  await stage.ask(LEADER, deleteRecords, 2, { topics, timeoutMs: 2_000 });
  await stage.simulation.runForMs(500);
  expect((await read(FOLLOWER, 0)).code).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
  expect((await read(FOLLOWER, 1)).bytes).toBeGreaterThan(0);
});
