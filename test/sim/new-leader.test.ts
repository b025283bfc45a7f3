// A leader whose first entry is not committed yet (F7): what earlier leaders committed and showed may be more than it knows,
// so it says so instead of an end that is too low, and a read waits for it.
import { expect, test } from "vitest";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { fetch } from "../../internal/kafka/api/01-fetch.ts";
import { listOffsets } from "../../internal/kafka/api/02-list-offsets.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import { ErrorCode } from "../../internal/kafka/codec/errors.ts";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import type { Offset } from "../../internal/model/ids.ts";
import type { Partition } from "../../internal/partition/partition.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { batchOf } from "../wire/front-stage.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import { KafkaStage } from "./kafka-stage.ts";
import { Simulation } from "./world/sim-world.ts";

const STALL_US = 400_000;

test("a new leader tells no end, and holds reads, until its first entry is committed", async () => {
  const stage = new KafkaStage(53, 3);
  const { simulation, cluster } = stage;
  await stage.start();
  const assignments = [{ partitionIndex: 0, brokerIds: [1, 2, 3] }];
  const topics = [
    { name: "t", numPartitions: -1, replicationFactor: -1, assignments, configs: [] },
  ];
  const made = await stage.ask(1, createTopics, 7, { topics, timeoutMs: 10_000 });
  expect(made.topics[0]?.errorCode).toBe(0);
  await stage.until("the first leads", async () => (await stage.leaderOf("t", 0)) === 1);
  const topicData = [{ name: "t", partitionData: [{ index: 0, records: batchOf(["x"]) }] }];
  const sent = await stage.ask(1, produce, 9, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 1_000,
    topicData,
  });
  expect(sent.responses[0]?.partitionResponses[0]?.errorCode).toBe(0);

  const replica = (id: number): Replica | null => {
    const { broker } = cluster.at(id);
    const group = broker?.controller.image.topicNamed("t")?.partitions[0]?.group;
    return group === undefined ? null : (broker?.raft.replica(group) ?? null);
  };
  const leader = (): number => [2, 3].find((id) => replica(id)?.leads === true) ?? 0;
  const end = async (at: number, version: number): Promise<number[]> => {
    const asked = [{ name: "t", partitions: [{ partitionIndex: 0, timestamp: -1 }] }];
    const body = { replicaId: -1, isolationLevel: 0, topics: asked };
    const one = (await stage.ask(at, listOffsets, version, body)).topics[0]?.partitions[0];
    return [one?.errorCode ?? -2, one?.offset ?? -2];
  };
  const read = async (at: number, maxWaitMs: number): Promise<number[]> => {
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }];
    const asked = [{ topic: "t", partitions }];
    const body = { maxWaitMs, minBytes: 1, maxBytes: 1 << 20, isolationLevel: 0, topics: asked };
    const one = (await stage.ask(at, fetch, 11, body)).responses[0]?.partitions[0];
    return [one?.errorCode ?? -2, one?.highWatermark ?? -2];
  };

  cluster.at(1).crash("power");
  // At the very moment of the election the other one's disk stands still: two disks are what a commit needs now.
  await simulation.run({
    until: () => leader() !== 0,
    untilUs: simulation.scheduler.nowUs + 5_000_000,
  });
  const at = leader();
  cluster.at(at === 2 ? 3 : 2).node.disk.stall("journal", STALL_US);
  expect([replica(at)?.leads, replica(at)?.serves]).toEqual([true, false]);
  expect((await end(at, 5))[0]).toBe(ErrorCode.OFFSET_NOT_AVAILABLE);
  expect((await end(at, 4))[0]).toBe(ErrorCode.LEADER_NOT_AVAILABLE);
  expect((await read(at, 50))[0]).toBe(ErrorCode.OFFSET_NOT_AVAILABLE);
  expect(replica(at)?.serves).toBe(false);
  // Held until it is known, and no longer.
  expect(await read(at, 5_000)).toEqual([0, 1]);
  expect(await end(at, 5)).toEqual([0, 1]);
  expect(simulation.fatals).toEqual([]);
});

test("a new leader takes appends, and says what its log speaks against, before its first entry is committed", async () => {
  const simulation = new Simulation({ seed: 1 });
  const cluster = new SimCluster(simulation, { brokers: 1 });
  cluster.startAll();
  await simulation.run({ until: () => cluster.isReady, untilUs: 20_000_000 });
  const { broker, node } = cluster.at(1);
  const { services, partitions } = broker!;
  const topic = { name: "t", partitions: 1, factor: 1, assignments: [], configs: [] };
  void services.cluster.createTopics([topic], false, 5_000);
  const partition = (): Partition | undefined => [...partitions.all()][0];
  await simulation.run({ until: () => partition()?.leads === true, untilUs: 40_000_000 });
  node.disk.stall("journal", STALL_US);

  const outcomes: unknown[] = [];
  for (const expectedEnd of [0, 1, 1] as Offset[]) {
    const record = { key: null, value: new Uint8Array(3), timestampMs: simulation.nowMs };
    const bytes = encodeBatch([record]);
    const batch = { bytes, start: 0, end: bytes.length };
    const address = { name: "t", topicId: null, partition: 0 };
    const request = { ...address, batch, acks: -1, timeoutMs: 5_000, allowsZstd: true };
    services.log.append({ ...request, expectedEnd }, (outcome) => outcomes.push(outcome));
  }
  expect(partition()?.replica.serves).toBe(false);
  expect(outcomes).toEqual([{ ok: false, fault: { kind: "unexpected-end", end: 2 } }]);
  await simulation.runForMs(1_000);
  expect(outcomes.slice(1)).toMatchObject([
    { ok: true, value: { baseOffset: 0 } },
    { ok: true, value: { baseOffset: 1 } },
  ]);
  expect(simulation.fatals).toEqual([]);
});
