// Fetches of what has left memory: their bytes are read back from disk into memory of their own, and however many clients
// catch up at once, what they hold together has a limit.
import { afterEach, expect, test } from "vitest";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import type { Offset } from "../../internal/model/ids.ts";
import type { Fetched } from "../../internal/service/log-service.ts";
import { batchOf } from "../wire/front-stage.ts";
import { KafkaStage } from "./kafka-stage.ts";

const KIB = 1024;
const BATCH_BYTES = 60 * KIB;
const BATCHES = 60;
/** Half of what all connections together may hold. */
const HELD_BYTES_MAX = 2 * KIB * KIB;
const CLIENTS = 8;

const stage = new KafkaStage(11, 1, {
  "connections.bytes.max": 2 * HELD_BYTES_MAX,
  "socket.request.max.bytes": HELD_BYTES_MAX,
});

afterEach(() => {
  expect(stage.simulation.fatals).toEqual([]);
});

test("many clients that catch up at once share what is read back from disk, and all get on", async () => {
  await stage.start();
  const topic = { name: "t", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
  await stage.ask(1, createTopics, 7, { topics: [topic], timeoutMs: 10_000, validateOnly: false });
  await stage.leaderOf("t", 0);
  const text = "x".repeat(BATCH_BYTES);
  for (let sent = 0; sent < BATCHES; sent++) {
    const topicData = [{ name: "t", partitionData: [{ index: 0, records: batchOf([text]) }] }];
    const body = { transactionalId: null, acks: -1, timeoutMs: 1000, topicData };
    const answer = await stage.ask(1, produce, 9, body);
    expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
  }
  const all = await stage.simulation.settle(together(CLIENTS));
  expect(all).toHaveLength(CLIENTS);
  const bytes = all.map((one) => one.partitions[0]?.bytes ?? 0);
  expect(Math.min(...bytes)).toBeGreaterThan(BATCH_BYTES - 1);
  const batches = CLIENTS * (BATCH_BYTES + KIB);
  expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThan(HELD_BYTES_MAX + batches);
  for (const one of all) one.release();
  const [alone] = await stage.simulation.settle(together(1));
  expect(alone?.partitions[0]?.bytes).toBeGreaterThan(HELD_BYTES_MAX - 2 * BATCH_BYTES);
  alone?.release();
});

/** The answers to as many fetches from the beginning, none of which was sent on yet. */
function together(count: number): Promise<Fetched[]> {
  const log = stage.cluster.at(1).broker?.services.log;
  const bytesMax = 64 * KIB * KIB;
  const partition = {
    name: "t",
    topicId: null,
    partition: 0,
    fetchOffset: 0 as Offset,
    leaderEpoch: -1,
    lastFetchedEpoch: -1,
    bytesMax,
  };
  const request = {
    partitions: [partition],
    waitMsMax: 0,
    bytesMin: 1,
    bytesMax,
    readCommitted: false,
    allowsFollower: false,
  };
  const fetches = Array.from({ length: count }, () => {
    return new Promise<Fetched>((resolve) => log?.fetch(request, resolve));
  });
  return Promise.all(fetches);
}
