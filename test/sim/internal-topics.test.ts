// Internal topics hold the state of groups: clients never write them (S1), because a stranger's record would be taken for
// that state, and they are not made before there are disks enough for them (C7).
import { expect, test } from "vitest";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { listOffsets } from "../../internal/kafka/api/02-list-offsets.ts";
import { ErrorCode } from "../../internal/kafka/codec/errors.ts";
import { CONSUMER_OFFSETS } from "../../internal/model/internal-topics.ts";
import { batchOf } from "../wire/front-stage.ts";
import { GroupStage } from "./group-stage.ts";

test("a client's record is refused by the leader of __consumer_offsets, and is not in its log", async () => {
  const stage = new GroupStage(43);
  await stage.open("t", 1);
  const at = await stage.coordinator("g", 1);
  const index = stage.partitionOf("g");
  const end = async (): Promise<number> => {
    const topics = [
      { name: CONSUMER_OFFSETS, partitions: [{ partitionIndex: index, timestamp: -1 }] },
    ];
    const body = { replicaId: -1, isolationLevel: 0, topics };
    const answer = await stage.ask(at, listOffsets, 5, body);
    return answer.topics[0]?.partitions[0]?.offset ?? -2;
  };
  await stage.until("it serves", async () => (await end()) === 0);
  for (const acks of [-1, 1]) {
    const topicData = [
      { name: CONSUMER_OFFSETS, partitionData: [{ index, records: batchOf(["x"]) }] },
    ];
    const body = { transactionalId: null, acks, timeoutMs: 1_000, topicData };
    const answer = await stage.ask(at, produce, 9, body);
    const code = answer.responses[0]?.partitionResponses[0]?.errorCode;
    expect(code).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
  }
  await stage.simulation.runForMs(500);
  expect(await end()).toBe(0);
  expect(stage.simulation.fatals).toEqual([]);
});

test("no internal topic is made while fewer brokers are alive than it needs replicas (C7)", async () => {
  const stage = new GroupStage(47);
  await stage.open("t", 1);
  const { simulation, cluster } = stage;
  cluster.at(3).crash("power");
  const image = () => cluster.at(1).broker?.controller.image;
  await stage.until("it is fenced", async () => image()?.unfencedBrokers().length === 2);
  expect(await stage.coordinatorOf("g", 1)).toBe(-1);
  await simulation.runForMs(1_000);
  expect(image()?.topicNamed(CONSUMER_OFFSETS)).toBeNull();
  cluster.at(3).start(simulation.scheduler.nowUs);
  await stage.coordinator("g", 1);
  const replicas = image()
    ?.topicNamed(CONSUMER_OFFSETS)
    ?.partitions.map((of) => of.replicas.length);
  expect(new Set(replicas)).toEqual(new Set([3]));
  expect(simulation.fatals).toEqual([]);
});
