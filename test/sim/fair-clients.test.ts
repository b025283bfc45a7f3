// Clients whose batches must be opened take turns: one that sends many holds nobody up who sends one.
import { expect, test } from "vitest";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import { whole } from "../wire/front-stage.ts";
import { SimTasks } from "./world/sim-tasks.ts";
import { KafkaStage } from "./kafka-stage.ts";

const MANY = 60;
const GZIP = 1;
/** More than is opened inside the call. */
const VALUE_BYTES = 100_000;

test("a batch of one client is opened before the many that another one sent earlier", async () => {
  const stage = new KafkaStage(9, 1);
  await stage.start();
  const shape = { name: "t", replicationFactor: 1, assignments: [], configs: [] };
  const topics = [{ ...shape, numPartitions: MANY + 1 }];
  const body = { topics, timeoutMs: 10_000, validateOnly: false };
  const made = await stage.ask(1, createTopics, 7, body);
  expect(made.topics.map(({ errorCode }) => errorCode)).toEqual([0]);
  for (let at = 0; at <= MANY; at++) await stage.leaderOf("t", at);
  const { compute } = SimTasks.prototype;
  let opened = 0;
  SimTasks.prototype.compute = function (this: SimTasks, job) {
    opened++;
    return compute.call(this, job) as never;
  };
  /** How many had been opened by the answer. */
  const send = async (partitions: readonly number[]): Promise<number> => {
    const value = new Uint8Array(VALUE_BYTES);
    const batch = encodeBatch([{ key: null, value, timestampMs: 1 }], { codec: GZIP });
    const partitionData = partitions.map((index) => ({ index, records: whole(batch) }));
    const topicData = [{ name: "t", partitionData }];
    const asked = { transactionalId: null, acks: -1, timeoutMs: 10_000, topicData };
    const answer = await stage.asking(1, produce, 9, asked);
    const codes = answer.responses[0]?.partitionResponses.map(({ errorCode }) => errorCode);
    expect(codes).toEqual(partitions.map(() => 0));
    return opened;
  };
  try {
    const many = send(Array.from({ length: MANY }, (_, at) => at));
    await stage.simulation.runForMs(2);
    const one = send([MANY]);
    const [all, few] = await stage.simulation.settle(Promise.all([many, one]));
    expect(all).toBe(MANY + 1);
    expect(few).toBeLessThan(MANY / 2);
  } finally {
    SimTasks.prototype.compute = compute;
  }
  expect(stage.simulation.fatals).toEqual([]);
});
