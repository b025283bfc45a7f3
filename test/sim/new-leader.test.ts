// A leader whose first entry is not committed yet (F7): what earlier leaders committed and showed may be more than it knows,
// so it says so instead of an end that is too low, and a read waits for it.
import { expect, test } from "vitest";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { fetch } from "../../internal/kafka/api/01-fetch.ts";
import { listOffsets } from "../../internal/kafka/api/02-list-offsets.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import { ErrorCode } from "../../internal/kafka/codec/errors.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { batchOf } from "../wire/front-stage.ts";
import { KafkaStage } from "./kafka-stage.ts";

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
