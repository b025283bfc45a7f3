// DeleteRecords on three whole brokers (P7): the log start moves through the replicated log. It never goes back, never passes
// the high watermark, is the same on all replicas, and survives whatever happens between a command and its use.
import { afterEach, expect, test } from "vitest";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { fetch } from "../../internal/kafka/api/01-fetch.ts";
import { listOffsets } from "../../internal/kafka/api/02-list-offsets.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import { deleteRecords } from "../../internal/kafka/api/21-delete-records.ts";
import type { Partition } from "../../internal/partition/partition.ts";
import { batchOf } from "../wire/front-stage.ts";
import type { BrokerId } from "../../internal/model/ids.ts";
import { nameOf } from "./cluster/sim-cluster.ts";
import { KafkaStage } from "./kafka-stage.ts";

const EARLIEST = -2;
const LATEST = -1;

let stage: KafkaStage;

async function start(seed: number): Promise<void> {
  stage = new KafkaStage(seed, 3);
  await stage.start();
  const make = (name: string, configs: { name: string; value: string }[] = []) => {
    return { name, numPartitions: 1, replicationFactor: 3, assignments: [], configs };
  };
  const topics = [make("t"), make("compacted", [{ name: "cleanup.policy", value: "compact" }])];
  const body = { topics, timeoutMs: 10_000, validateOnly: false };
  const made = await stage.ask(1, createTopics, 7, body);
  expect(made.topics.map((topic) => topic.errorCode)).toEqual([0, 0]);
}

afterEach(() => {
  expect(stage.simulation.fatals).toEqual([]);
});

async function send(texts: readonly string[], leader: number): Promise<number> {
  const topicData = [{ name: "t", partitionData: [{ index: 0, records: batchOf(texts) }] }];
  const body = { transactionalId: null, acks: -1, timeoutMs: 1000, topicData };
  const answer = await stage.ask(leader, produce, 9, body);
  return answer.responses[0]?.partitionResponses[0]?.errorCode ?? -2;
}

async function remove(offset: number, leader: number, topic = "t"): Promise<[number, number]> {
  const topics = [{ name: topic, partitions: [{ partitionIndex: 0, offset }] }];
  const answer = await stage.ask(leader, deleteRecords, 2, { topics, timeoutMs: 2000 });
  const one = answer.topics[0]?.partitions[0];
  return [one?.errorCode ?? -2, one?.lowWatermark ?? -2];
}

async function offsetAt(timestamp: number, leader: number): Promise<number> {
  const partitions = [{ partitionIndex: 0, timestamp }];
  const body = { replicaId: -1, isolationLevel: 0, topics: [{ name: "t", partitions }] };
  const answer = await stage.ask(leader, listOffsets, 5, body);
  return answer.topics[0]?.partitions[0]?.offset ?? -2;
}

async function fetchAt(fetchOffset: number, leader: number) {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }];
  const body = {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 1 << 20,
    isolationLevel: 0,
    topics: [{ topic: "t", partitions }],
  };
  const answer = await stage.ask(leader, fetch, 11, body);
  const one = answer.responses[0]?.partitions[0];
  return {
    code: one?.errorCode,
    logStart: one?.logStartOffset,
    bytes: (one?.records?.end ?? 0) - (one?.records?.start ?? 0),
  };
}

/** The replicas of "t" that run. */
function replicas(): Partition[] {
  return stage.cluster.brokers.flatMap(({ broker }) => {
    const group = broker?.controller.image.topicNamed("t")?.partitions[0]?.group;
    const found = group === undefined ? null : broker?.partitions.get(group);
    return found === null || found === undefined ? [] : [found];
  });
}

test("the log begins where it was told to, for fetches, offsets and times, on every replica and after restarts", async () => {
  await start(3);
  const leader = await stage.leaderOf("t", 0);
  for (const text of ["a", "b", "c", "d"]) expect(await send([text, text], leader)).toBe(0);
  expect(await remove(9, leader)).toEqual([1, -1]);
  expect(await remove(-7, leader)).toEqual([1, -1]);
  expect(await remove(3, leader)).toEqual([0, 3]);
  expect(await remove(1, leader)).toEqual([0, 3]);
  expect(await offsetAt(EARLIEST, leader)).toBe(3);
  expect(await offsetAt(0, leader)).toBe(3);
  expect(await fetchAt(2, leader)).toMatchObject({ code: 1, bytes: 0 });
  expect(await fetchAt(3, leader)).toMatchObject({ code: 0, logStart: 3 });
  expect((await fetchAt(3, leader)).bytes).toBeGreaterThan(0);
  expect(await remove(0, leader, "compacted")).toEqual([44, -1]);
  expect(await remove(0, leader, "nobody")).toEqual([3, -1]);
  const follower = leader === 1 ? 2 : 1;
  expect(await remove(5, follower)).toEqual([6, -1]);
  expect(await remove(-1, leader)).toEqual([0, 8]);
  await stage.simulation.runForMs(300);
  expect(replicas().map((partition) => partition.logStart)).toEqual([8, 8, 8]);
  for (const broker of stage.cluster.brokers) broker.crash("power");
  await stage.start();
  const next = await stage.leaderOf("t", 0);
  await stage.until("the leader serves", async () => (await offsetAt(LATEST, next)) === 8);
  expect(await offsetAt(EARLIEST, next)).toBe(8);
  expect(await fetchAt(7, next)).toMatchObject({ code: 1 });
  expect(await send(["e"], next)).toBe(0);
  expect(await remove(-1, next)).toEqual([0, 9]);
});

test("a command that a lonely leader wrote is neither answered nor used, on any replica, for ever", async () => {
  await start(9);
  const { simulation, cluster } = stage;
  const leader = await stage.leaderOf("t", 0);
  for (const text of ["a", "b", "c"]) expect(await send([text], leader)).toBe(0);
  await simulation.runForMs(300);
  const others = [1, 2, 3].filter((id) => id !== leader) as BrokerId[];
  for (const other of others) {
    simulation.network.links.cut(nameOf(leader as BrokerId), nameOf(other));
  }
  // It answers still, because it has not noticed, and its log takes the command.
  const removal = removing(2, leader);
  await simulation.runForMs(50);
  const lonely = cluster.at(leader).broker?.raft;
  expect(
    [...(lonely?.replicas() ?? [])].some((one) => one.machine.lastIndex > one.machine.commit),
  ).toBe(true);
  expect(removal.answer).toBeNull();
  await stage.until("somebody else leads", async () => {
    return (await stage.leaderOf("t", 0, others[0])) !== leader;
  });
  const next = await stage.leaderOf("t", 0, others[0]);
  // More entries than the lonely leader wrote, so that its command's place is committed by another one.
  for (const text of ["d", "e", "f"]) expect(await send([text], next)).toBe(0);
  simulation.network.links.healAll();
  await simulation.runForMs(3_000);
  expect(removal.answer?.[0] ?? 6).not.toBe(0);
  expect(replicas().map((partition) => [partition.logStart, partition.highWatermark])).toEqual([
    [0, 6],
    [0, 6],
    [0, 6],
  ]);
  expect(await offsetAt(EARLIEST, next)).toBe(0);
  cluster.at(leader).crash("kill");
  await stage.start();
  await simulation.runForMs(1_000);
  expect(replicas().map((partition) => partition.logStart)).toEqual([0, 0, 0]);
});

/** Watches every replica: each broker's log start since its last start, and that it never passes its high watermark. */
function watch(seen: Map<Partition, number>): void {
  for (const partition of replicas()) {
    const { logStart, highWatermark } = partition;
    expect(logStart).toBeGreaterThanOrEqual(seen.get(partition) ?? 0);
    if (highWatermark > 0) expect(logStart).toBeLessThanOrEqual(highWatermark);
    seen.set(partition, logStart);
  }
}

test.each([101, 102, 103, 104, 105, 106])(
  "seed %i: what was answered holds, whoever crashes between a command and its use",
  async (seed) => {
    await start(seed);
    const { simulation, cluster } = stage;
    const entropy = simulation.node("dice").boot().entropy;
    const seen = new Map<Partition, number>();
    /** The highest log start that was answered, and the lowest and highest that may hold. */
    let answered = 0;
    let asked = 0;
    for (let round = 0; round < 12; round++) {
      const leader = await stage.leaderOf("t", 0, upBroker());
      if (cluster.at(leader).broker === null) continue;
      await send(["x", "y"], leader);
      const end = await offsetAt(LATEST, leader);
      const upTo = end <= 0 ? 0 : entropy.below(end + 1);
      const removal = removing(upTo, leader);
      // A crash in the middle: of the leader or of a follower, by power or by the process alone.
      const victim = cluster.at(1 + entropy.below(3));
      const isCrash =
        entropy.below(2) === 0 && cluster.brokers.every(({ broker }) => broker !== null);
      if (isCrash) {
        await simulation.runForMs(entropy.below(4));
        victim.crash(entropy.below(2) === 0 ? "power" : "kill");
      }
      await simulation.runForMs(1_000);
      const [code, low] = removal.answer ?? [-1, -1];
      asked = Math.max(asked, upTo);
      if (code === 0) {
        expect(low).toBeGreaterThanOrEqual(upTo);
        expect(low).toBeGreaterThanOrEqual(answered);
        answered = Math.max(answered, low);
      }
      watch(seen);
      if (isCrash) victim.start(simulation.scheduler.nowUs);
      await simulation.runForMs(200 + entropy.below(800));
      watch(seen);
    }
    await stage.until("all are up", async () => cluster.isReady);
    const leader = await stage.leaderOf("t", 0);
    await stage.until("the leader serves", async () => (await offsetAt(LATEST, leader)) >= 0);
    await stage.until("the replicas agree", async () => {
      return new Set(replicas().map((partition) => partition.logStart)).size === 1;
    });
    const earliest = await offsetAt(EARLIEST, leader);
    expect(earliest).toBeGreaterThanOrEqual(answered);
    expect(earliest).toBeLessThanOrEqual(asked);
    expect(replicas().map((partition) => partition.logStart)).toEqual([
      earliest,
      earliest,
      earliest,
    ]);
    if (earliest > 0) expect(await fetchAt(earliest - 1, leader)).toMatchObject({ code: 1 });
  },
);

test("a consumer with a session hears that the log start moved, once", async () => {
  await start(5);
  const leader = await stage.leaderOf("t", 0);
  for (const text of ["a", "b", "c"]) expect(await send([text], leader)).toBe(0);
  const consumer = await stage.client(leader);
  let session = { sessionId: 0, sessionEpoch: 0 };
  const told = async () => {
    const partitions = [{ partition: 0, fetchOffset: 3, partitionMaxBytes: 1 << 20 }];
    const topics = session.sessionEpoch === 0 ? [{ topic: "t", partitions }] : [];
    const bounds = { maxWaitMs: 0, minBytes: 0, maxBytes: 1 << 20 };
    const body = { ...bounds, ...session, isolationLevel: 0, topics };
    const answer = await stage.simulation.settle(consumer.request(fetch, 11, body));
    expect(answer.errorCode).toBe(0);
    session = { sessionId: answer.sessionId, sessionEpoch: session.sessionEpoch + 1 };
    return answer.responses.flatMap((of) => of.partitions.map((at) => at.logStartOffset));
  };
  expect([await told(), await told()]).toEqual([[0], []]);
  expect(await remove(2, leader)).toEqual([0, 2]);
  expect([await told(), await told()]).toEqual([[2], []]);
});

/** Asks, and does not wait: the answer is there when it has come. */
function removing(offset: number, leader: number): { answer: [number, number] | null } {
  const removal: { answer: [number, number] | null } = { answer: null };
  const topics = [{ name: "t", partitions: [{ partitionIndex: 0, offset }] }];
  stage.asking(leader, deleteRecords, 2, { topics, timeoutMs: 2000 }).then(
    (answer) => {
      const one = answer.topics[0]?.partitions[0];
      removal.answer = [one?.errorCode ?? -2, one?.lowWatermark ?? -2];
    },
    () => {}, // the connection broke: nobody knows
  );
  return removal;
}

function upBroker(): number {
  return stage.cluster.brokers.find(({ broker }) => broker !== null)?.id ?? 1;
}
