// The project's own Kafka client against whole brokers that are killed in turn: what a reader hands out has no holes, and
// what a group has committed was handed out.
import { afterEach, beforeEach, expect, test } from "vitest";
import { deleteRecords } from "../../internal/kafka/api/21-delete-records.ts";
import { Admin, EARLIEST } from "../../pkg/client/kafka/admin.ts";
import { GroupReader } from "../../pkg/client/kafka/group-reader.ts";
import { Groups } from "../../pkg/client/kafka/groups.ts";
import { KafkaClient } from "../../pkg/client/kafka/kafka-client.ts";
import { Producer } from "../../pkg/client/kafka/producer.ts";
import { Reader } from "../../pkg/client/kafka/reader.ts";
import type { DeletedRecords } from "../../pkg/client/kafka/reader.ts";
import type { FetchedRecord } from "../../pkg/client/kafka/fetched-records.ts";
import { KAFKA_PORT } from "./cluster/sim-cluster.ts";
import { GroupStage } from "./group-stage.ts";

const TOPIC = "orders";
const GROUP = "billing";
const PARTITIONS = 6;
const KILLS = 5;
const READ_MS_MAX = 60_000;

let stage: GroupStage;

beforeEach(async () => {
  stage = new GroupStage(4711);
  await stage.open(TOPIC, PARTITIONS);
});

afterEach(() => {
  expect(stage.simulation.fatals).toEqual([]);
});

function clientOf(): KafkaClient {
  const bootstrap = [1, 2, 3].map((id) => ({ host: `broker-${id}`, port: KAFKA_PORT }));
  return new KafkaClient(stage.peer, { bootstrap });
}

/** Kills the brokers in turn, each while it leads, and starts them again. */
async function killInTurn(): Promise<void> {
  for (let kill = 0; kill < KILLS; kill++) {
    const victim = stage.cluster.at(1 + (kill % 3));
    victim.crash("kill");
    await stage.simulation.sleepMs(1_000);
    victim.start(stage.simulation.scheduler.nowUs);
    await stage.simulation.sleepMs(2_000);
  }
}

/** Produces while brokers are killed; the values delivered, by partition. */
async function produceUnderKills(): Promise<ReadonlyMap<number, readonly string[]>> {
  const producer = new Producer(clientOf(), { lingerMs: 1 });
  const pushed = new Map<number, string[]>();
  let isOver = false;
  const kills = killInTurn().then(() => (isOver = true));
  for (let at = 0; !isOver; at++) {
    const partition = at % PARTITIONS;
    const value = `${partition}-${at}`;
    const list = pushed.get(partition) ?? [];
    pushed.set(partition, list);
    list.push(value);
    await producer.push({ topic: TOPIC, partition, key: null, value: Buffer.from(value) });
    if (partition === 0) await stage.simulation.sleepMs(25);
  }
  await kills;
  await producer.flush();
  return pushed;
}

class Seen {
  readonly byPartition = new Map<number, string[]>();

  take(records: readonly FetchedRecord[]): void {
    for (const { partition, value } of records) {
      const list = this.byPartition.get(partition) ?? [];
      this.byPartition.set(partition, list);
      list.push(Buffer.from(value ?? []).toString());
    }
  }

  /** What was delivered and is not here. */
  missing(delivered: ReadonlyMap<number, readonly string[]>): string[] {
    return [...delivered].flatMap(([partition, values]) => {
      const seen = new Set(this.byPartition.get(partition));
      return values.filter((value) => !seen.has(value));
    });
  }

  get count(): number {
    return [...this.byPartition.values()].reduce((sum, list) => sum + list.length, 0);
  }
}

/** Polls until `isOver`, taking a while for each answer as whoever prints does. */
async function pollUntil(
  source: { poll(): Promise<readonly FetchedRecord[]> },
  seen: Seen,
  isOver: () => boolean,
): Promise<void> {
  const untilMs = stage.simulation.nowMs + READ_MS_MAX;
  while (!isOver() && stage.simulation.nowMs < untilMs) {
    seen.take(await source.poll());
    await stage.simulation.sleepMs(3);
  }
}

test("a reader prints every record, each once and in order, while brokers are killed in turn", async () => {
  const reader = new Reader(clientOf());
  for (let partition = 0; partition < PARTITIONS; partition++) reader.add(TOPIC, partition, 0);
  const seen = new Seen();
  let delivered: ReadonlyMap<number, readonly string[]> | null = null;
  const producing = produceUnderKills().then((all) => (delivered = all));
  const isOver = (): boolean => delivered !== null && seen.missing(delivered).length === 0;
  const reading = pollUntil(reader, seen, isOver);
  const all = await stage.simulation.settle(producing);
  await stage.simulation.settle(reading);
  expect(seen.missing(all)).toEqual([]);
  expect(Object.fromEntries(seen.byPartition)).toEqual(Object.fromEntries(all));
  expect(seen.count).toBeGreaterThan(1_000);
});

async function send(
  values: readonly string[],
  partition = 0,
  producer = new Producer(clientOf(), { lingerMs: 0 }),
): Promise<void> {
  for (const value of values) {
    await producer.push({ topic: TOPIC, partition, key: null, value: Buffer.from(value) });
  }
  await producer.flush();
}

test("a leader that answers nobody holds up its own partitions alone", async () => {
  const { simulation, cluster } = stage;
  const leaders: number[] = [];
  for (const partition of [0, 1, 2]) leaders.push(await stage.leaderOf(TOPIC, partition));
  expect(new Set(leaders).size).toBeGreaterThan(1);
  const producer = new Producer(clientOf(), { lingerMs: 0 });
  for (const partition of [0, 1, 2]) await simulation.settle(send(["before"], partition, producer));
  const reader = new Reader(clientOf());
  for (const partition of [0, 1, 2]) reader.add(TOPIC, partition, 0);
  const seen = new Seen();
  const count = (value: string): number =>
    [...seen.byPartition.values()].filter((list) => list.includes(value)).length;
  await simulation.settle(pollUntil(reader, seen, () => count("before") === 3));
  cluster.at(leaders[0] ?? 0).node.freeze();
  const spared = [1, 2].filter((partition) => leaders[partition] !== leaders[0]);
  const sinceMs = simulation.nowMs;
  for (const partition of spared) await simulation.settle(send(["after"], partition, producer));
  await simulation.settle(pollUntil(reader, seen, () => count("after") === spared.length));
  expect(simulation.nowMs - sinceMs).toBeLessThan(2_000);
});

test("records that were deleted are passed over in words, or are an error", async () => {
  const { simulation } = stage;
  await simulation.settle(send(["a", "b", "c"]));
  const leader = await stage.leaderOf(TOPIC, 0);
  const topics = [{ name: TOPIC, partitions: [{ partitionIndex: 0, offset: 2 }] }];
  await stage.ask(leader, deleteRecords, 2, { topics, timeoutMs: 2_000 });
  const gaps: DeletedRecords[] = [];
  const told = new Reader(clientOf(), { deleted: (gap) => void gaps.push(gap) });
  told.add(TOPIC, 0, 1);
  const seen = new Seen();
  await simulation.settle(pollUntil(told, seen, () => seen.count > 0));
  expect([gaps, seen.byPartition.get(0)]).toEqual([
    [{ topic: TOPIC, partition: 0, from: 1, to: 2 }],
    ["c"],
  ]);
  for (const [offset, words] of [
    [1, "offsets 1 to 1 of partition orders/0 were deleted"],
    [9, "offset 9 of partition orders/0 is beyond its end, 3"],
  ] as const) {
    const strict = new Reader(clientOf());
    strict.add(TOPIC, 0, offset);
    const polling = pollUntil(strict, seen, () => false);
    await expect(simulation.settle(polling)).rejects.toThrow(words);
  }
});

test("a topic that is made again under its name is not read on", async () => {
  const { simulation } = stage;
  await simulation.settle(send(["a", "b"]));
  const reader = new Reader(clientOf());
  reader.add(TOPIC, 0, 0);
  const seen = new Seen();
  await simulation.settle(pollUntil(reader, seen, () => seen.count === 2));
  const admin = new Admin(clientOf());
  await simulation.settle(admin.deleteTopic(TOPIC));
  await simulation.settle(admin.createTopic({ name: TOPIC, partitions: 1, replicationFactor: 3 }));
  await simulation.settle(send(["other", "others", "and more"]));
  const polling = pollUntil(reader, seen, () => false);
  await expect(simulation.settle(polling)).rejects.toThrow("was deleted and made again");
  expect(seen.count).toBe(2);
});

test("a member that slept through its session begins again where the group is", async () => {
  const { simulation } = stage;
  const seen = [new Seen(), new Seen()];
  const held: number[] = [0, 0];
  const members = seen.map((_, at) => {
    return new GroupReader(clientOf(), {
      group: GROUP,
      topics: [TOPIC],
      startOffset: async () => 0,
      reassigned: (list) => (held[at] = list.length),
    });
  });
  const [sleeper, other] = members as [GroupReader, GroupReader];
  await simulation.settle(send(["a", "b"]));
  await simulation.settle(pollUntil(sleeper, seen[0]!, () => seen[0]!.count === 2));
  // What the sleeper has polled it never said to be done with, and its session ends.
  await simulation.settle(pollUntil(other, seen[1]!, () => held[1] === PARTITIONS));
  await simulation.settle(pollUntil(other, seen[1]!, () => seen[1]!.count === 2));
  await simulation.settle(send(["c"]));
  await simulation.settle(pollUntil(other, seen[1]!, () => seen[1]!.count === 3));
  await simulation.settle(other.close());
  await simulation.settle(send(["d"]));
  await simulation.settle(pollUntil(sleeper, seen[0]!, () => seen[0]!.count === 3));
  expect(seen.map((one) => one.byPartition.get(0))).toEqual([
    ["a", "b", "d"],
    ["a", "b", "c"],
  ]);
});

test("what a group has committed was handed out, while brokers are killed in turn", async () => {
  const client = clientOf();
  const admin = new Admin(client);
  const reader = new GroupReader(client, {
    group: GROUP,
    topics: [TOPIC],
    startOffset: (topic, partition) => admin.offsetAt(topic, partition, EARLIEST),
  });
  const seen = new Seen();
  let delivered: ReadonlyMap<number, readonly string[]> | null = null;
  const producing = produceUnderKills().then((all) => (delivered = all));
  const isOver = (): boolean => delivered !== null && seen.missing(delivered).length === 0;
  const reading = pollUntil(reader, seen, isOver);
  const all = await stage.simulation.settle(producing);
  await stage.simulation.settle(reading);
  await stage.simulation.settle(reader.close());
  const offsets = await stage.simulation.settle(new Groups(clientOf()).offsets(GROUP));
  const committed = offsets.reduce((sum, { offset }) => sum + offset, 0);
  expect(seen.missing(all)).toEqual([]);
  expect(committed).toBe([...all.values()].reduce((sum, list) => sum + list.length, 0));
});
