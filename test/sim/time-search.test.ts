// Offsets by time on a whole broker: the answer is a record that can still be read, at that time or later, and the first
// such one.
import { afterEach, expect, test } from "vitest";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { listOffsets } from "../../internal/kafka/api/02-list-offsets.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import { deleteRecords } from "../../internal/kafka/api/21-delete-records.ts";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import type { BatchOptions } from "../../internal/model/encode-batch.ts";
import { PinnedSlices } from "../../internal/replica/pinned-slices.ts";
import { whole } from "../wire/front-stage.ts";
import type { KafkaClient } from "../wire/kafka-client.ts";
import { KafkaStage } from "./kafka-stage.ts";
import { SimTasks } from "./world/sim-tasks.ts";

const LATEST = -1;
const EARLIEST = -2;
const LARGEST = -3;
const EARLIEST_LOCAL = -4;
const LATEST_TIERED = -5;

let stage: KafkaStage;

async function start(
  configs: Readonly<Record<string, string>> = {},
  numPartitions = 1,
): Promise<void> {
  stage = new KafkaStage(7, 1);
  await stage.start();
  const list = Object.entries(configs).map(([name, value]) => ({ name, value }));
  const shape = { name: "t", numPartitions, replicationFactor: 1, assignments: [] };
  const body = { topics: [{ ...shape, configs: list }], timeoutMs: 10_000, validateOnly: false };
  const made = await stage.ask(1, createTopics, 7, body);
  expect(made.topics.map((of) => of.errorCode)).toEqual([0]);
  for (let at = 0; at < numPartitions; at++) await stage.leaderOf("t", at);
}

afterEach(() => {
  expect(stage.simulation.fatals).toEqual([]);
});

async function send(
  times: readonly number[],
  options: BatchOptions = {},
  index = 0,
  valueBytes = 4,
): Promise<void> {
  const value = new Uint8Array(valueBytes);
  const batch = encodeBatch(
    times.map((timestampMs) => ({ key: null, value, timestampMs })),
    options,
  );
  const topicData = [{ name: "t", partitionData: [{ index, records: whole(batch) }] }];
  const body = { transactionalId: null, acks: -1, timeoutMs: 1000, topicData };
  const answer = await stage.ask(1, produce, 9, body);
  expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
}

async function deleteUpTo(offset: number): Promise<void> {
  const topics = [{ name: "t", partitions: [{ partitionIndex: 0, offset }] }];
  const answer = await stage.ask(1, deleteRecords, 2, { topics, timeoutMs: 1000 });
  expect(answer.topics[0]?.partitions[0]).toMatchObject({ errorCode: 0, lowWatermark: offset });
}

/** Offset and time. */
async function at(timestamp: number): Promise<(number | undefined)[]> {
  const partitions = [{ partitionIndex: 0, timestamp }];
  const body = { replicaId: -1, isolationLevel: 0, topics: [{ name: "t", partitions }] };
  const answer = await stage.ask(1, listOffsets, 9, body);
  const one = answer.topics[0]?.partitions[0];
  expect(one?.errorCode).toBe(0);
  return [one?.offset, one?.timestamp];
}

test.each([0, 1, 2, 3, 4] as const)(
  "codec %i: the first record that is late enough",
  async (codec) => {
    await start();
    await send([10, 30, 20], { codec });
    await send([25, 40], { codec });
    const answers: (number | undefined)[][] = [];
    for (const time of [0, 10, 11, 30, 31, 40, 41]) answers.push(await at(time));
    const first = [0, 10];
    const second = [1, 30];
    const last = [4, 40];
    expect(answers).toEqual([first, first, second, second, last, last, [-1, -1]]);
  },
);

test("records that were deleted answer nothing, and what follows them does", async () => {
  await start();
  await send([0, 50, 20]);
  await send([100]);
  await deleteUpTo(2);
  // The first batch looks late enough, but of it only a record of time 20 is left.
  expect(await at(30)).toEqual([3, 100]);
  expect(await at(20)).toEqual([2, 20]);
  expect(await at(101)).toEqual([-1, -1]);
});

test("the latest time is that of a record that can be read", async () => {
  await start();
  await send([0, 90, 20, 25, 25]);
  await send([30, 24]);
  expect(await at(LARGEST)).toEqual([1, 90]);
  await deleteUpTo(2);
  expect(await at(LARGEST)).toEqual([5, 30]);
  await deleteUpTo(7);
  expect(await at(LARGEST)).toEqual([-1, -1]);
});

test("the latest time of what is left of one batch, and of records without a time", async () => {
  await start();
  await send([0, 90, 20, 25, 25]);
  await deleteUpTo(2);
  expect(await at(LARGEST)).toEqual([3, 25]);
  await deleteUpTo(5);
  await send([-1, -1]);
  expect(await at(LARGEST)).toEqual([-1, -1]);
  expect(await at(0)).toEqual([-1, -1]);
});

test("what a header says of the latest time is nothing to go by", async () => {
  await start();
  await send([10, 60], { maxTimestampMs: -1 });
  await send([5], { maxTimestampMs: 1 << 30 });
  await send([70]);
  expect(await at(50)).toEqual([1, 60]);
  expect(await at(65)).toEqual([3, 70]);
  expect(await at(LARGEST)).toEqual([3, 70]);
});

test("where the broker stamps, a batch is of one time", async () => {
  await start({ "message.timestamp.type": "LogAppendTime" });
  await send([900, 1]);
  const [offset, stamp = 0] = await at(LARGEST);
  expect(offset).toBe(0);
  expect(stamp).toBeGreaterThan(1_000_000);
  await deleteUpTo(1);
  expect([await at(0), await at(stamp), await at(stamp + 1)]).toEqual([
    [1, stamp],
    [1, stamp],
    [-1, -1],
  ]);
});

test("a request for many partitions has one batch in memory at a time", async () => {
  await start({}, 20);
  const { compute } = SimTasks.prototype;
  const { add } = PinnedSlices.prototype;
  let open = 0;
  let openMax = 0;
  let readMeanwhile = 0;
  for (let partition = 0; partition < 20; partition++) {
    await send([10, 30], { codec: 1 }, partition);
  }
  SimTasks.prototype.compute = async function (this: SimTasks, job) {
    openMax = Math.max(openMax, ++open);
    const answer = await compute.call(this, job);
    open--;
    return answer as never;
  };
  PinnedSlices.prototype.add = function (...place) {
    if (open > 0) readMeanwhile++;
    return add.apply(this, place);
  };
  try {
    const partitions = Array.from({ length: 20 }, (_, partitionIndex) => {
      return { partitionIndex, timestamp: 20 };
    });
    const body = { replicaId: -1, isolationLevel: 0, topics: [{ name: "t", partitions }] };
    const answer = await stage.ask(1, listOffsets, 9, body);
    expect(answer.topics[0]?.partitions.map(({ offset }) => offset)).toEqual(
      partitions.map(() => 1),
    );
  } finally {
    SimTasks.prototype.compute = compute;
    PinnedSlices.prototype.add = add;
  }
  expect([openMax, readMeanwhile]).toEqual([1, 0]);
});

test("the ends of a log have no time", async () => {
  await start();
  await send([10, 30]);
  await deleteUpTo(1);
  const ends = [LATEST, EARLIEST, EARLIEST_LOCAL, LATEST_TIERED];
  const answers: (number | undefined)[][] = [];
  for (const end of ends) answers.push(await at(end));
  expect(answers).toEqual([
    [2, -1],
    [1, -1],
    [1, -1],
    [-1, -1],
  ]);
});

/** A request for a time in each partition, on a connection that stays. */
async function asking(client: KafkaClient, count: number): Promise<readonly number[]> {
  const partitions = Array.from({ length: count }, (_, partitionIndex) => {
    return { partitionIndex, timestamp: 20 };
  });
  const body = { replicaId: -1, isolationLevel: 0, topics: [{ name: "t", partitions }] };
  const answer = await client.request(listOffsets, 9, body);
  return answer.topics[0]?.partitions.map(({ errorCode }) => errorCode) ?? [];
}

test("what a client asked for ends with its connection", async () => {
  await start({}, 20);
  for (let partition = 0; partition < 20; partition++) {
    await send([10, 30], { codec: 1 }, partition);
  }
  const client = await stage.client(1);
  const { compute } = SimTasks.prototype;
  let opened = 0;
  SimTasks.prototype.compute = function (this: SimTasks, job) {
    if (++opened === 3) client.connection.destroy();
    return compute.call(this, job) as never;
  };
  try {
    const asked = asking(client, 20).catch(() => "gone");
    await stage.simulation.runForMs(2_000);
    expect(await asked).toBe("gone");
    expect(opened).toBeLessThan(6);
  } finally {
    SimTasks.prototype.compute = compute;
  }
});

test("a read from disk that hangs holds up no search in memory, and is given up", async () => {
  await start({}, 2);
  // Its first batch leaves memory, for the arena is smaller.
  for (let sent = 0; sent < 40; sent++) await send([10, 30], {}, 0, 30_000);
  await send([10, 30], {}, 1);
  const { journal } = stage.cluster.at(1).broker!;
  const { read } = journal;
  journal.read = () => new Promise(() => {});
  const client = await stage.client(1);
  const hung = asking(client, 1);
  await stage.simulation.runForMs(1_000);
  const partitions = [{ partitionIndex: 1, timestamp: 20 }];
  const body = { replicaId: -1, isolationLevel: 0, topics: [{ name: "t", partitions }] };
  const quick = await stage.ask(1, listOffsets, 9, body);
  expect(quick.topics[0]?.partitions[0]).toMatchObject({ errorCode: 0, offset: 1 });
  expect(await stage.simulation.settle(hung)).toEqual([7]);
  journal.read = read;
});
