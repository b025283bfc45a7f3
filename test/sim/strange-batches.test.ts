// Batches whose sum holds and whose contents lie: whoever asks about them gets an answer, and no broker ends.
import { afterEach, expect, test } from "vitest";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { listOffsets } from "../../internal/kafka/api/02-list-offsets.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import {
  ATTRIBUTES_AT,
  BASE_TIMESTAMP_AT,
  MAX_TIMESTAMP_AT,
  sealCrc,
} from "../../internal/model/record-batch.ts";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import { writeI64 } from "../../internal/bytes/integers.ts";
import { whole } from "../wire/front-stage.ts";
import { KafkaStage } from "./kafka-stage.ts";

const LARGEST = -3;
const FAR = Number.MAX_SAFE_INTEGER;

let stage: KafkaStage;

async function start(seed: number): Promise<void> {
  stage = new KafkaStage(seed, 1);
  await stage.start();
  const topic = { name: "t", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
  const body = { topics: [topic], timeoutMs: 10_000, validateOnly: false };
  const made = await stage.ask(1, createTopics, 7, body);
  expect(made.topics.map((of) => of.errorCode)).toEqual([0]);
  await stage.leaderOf("t", 0);
}

afterEach(() => {
  expect(stage.simulation.fatals).toEqual([]);
});

async function send(batch: Uint8Array): Promise<number> {
  const topicData = [{ name: "t", partitionData: [{ index: 0, records: whole(batch) }] }];
  const body = { transactionalId: null, acks: -1, timeoutMs: 1000, topicData };
  const answer = await stage.ask(1, produce, 9, body);
  return answer.responses[0]?.partitionResponses[0]?.errorCode ?? -2;
}

async function at(timestamp: number) {
  const partitions = [{ partitionIndex: 0, timestamp }];
  const body = { replicaId: -1, isolationLevel: 0, topics: [{ name: "t", partitions }] };
  const answer = await stage.ask(1, listOffsets, 7, body);
  return answer.topics[0]?.partitions[0];
}

function record(timestampMs: number) {
  return { key: null, value: new Uint8Array(4), timestampMs };
}

test("a time that is no number here is nobody's time", async () => {
  await start(5);
  // The record's time is base and delta together, which is beyond the safe integers.
  const batch = encodeBatch([record(FAR)], { deleteHorizonMs: 0 });
  batch[ATTRIBUTES_AT + 1] = 0;
  writeI64(batch, BASE_TIMESTAMP_AT, FAR);
  writeI64(batch, MAX_TIMESTAMP_AT, 1000);
  sealCrc(batch, 0);
  expect(await send(batch)).toBe(0);
  expect(await at(0)).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1 });
  expect(await at(LARGEST)).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1 });
});
