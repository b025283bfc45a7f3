// Compacted topics over Kafka's protocol on three whole brokers: records have keys, however they are compressed, and the
// order of one connection holds while a batch is opened elsewhere.
import { afterEach, beforeEach, expect, test } from "vitest";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import { describeConfigs } from "../../internal/kafka/api/32-describe-configs.ts";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import type { BatchOptions } from "../../internal/model/encode-batch.ts";
import { whole } from "../wire/front-stage.ts";
import { KafkaStage } from "./kafka-stage.ts";

let stage: KafkaStage;
const encoder = new TextEncoder();

beforeEach(async () => {
  stage = new KafkaStage(21, 3);
  await stage.start();
  const configs = [
    { name: "cleanup.policy", value: "compact,delete" },
    { name: "min.cleanable.dirty.ratio", value: "0.01" },
  ];
  const topic = { name: "t", numPartitions: 1, replicationFactor: 3, assignments: [], configs };
  const body = { topics: [topic], timeoutMs: 10_000, validateOnly: false };
  expect((await stage.ask(1, createTopics, 7, body)).topics[0]?.errorCode).toBe(0);
});

afterEach(() => {
  expect(stage.simulation.fatals).toEqual([]);
});

function batchWith(keys: readonly (string | null)[], options: BatchOptions = {}, valueBytes = 3) {
  const value = new Uint8Array(valueBytes).map((_, at) => (at * 7919) >>> 3);
  const timestampMs = 1_700_000_000_000;
  const records = keys.map((key) => {
    return { key: key === null ? null : encoder.encode(key), value, timestampMs };
  });
  return whole(encodeBatch(records, options));
}

function requestOf(records: ReturnType<typeof whole>) {
  const topicData = [{ name: "t", partitionData: [{ index: 0, records }] }];
  return { transactionalId: null, acks: -1, timeoutMs: 5000, topicData };
}

async function send(records: ReturnType<typeof whole>, version = 9) {
  const leader = await stage.leaderOf("t", 0);
  const answer = await stage.ask(leader, produce, version, requestOf(records));
  const one = answer.responses[0]?.partitionResponses[0];
  const blamed = one?.recordErrors?.map((error) => error.batchIndex);
  return [one?.errorCode, one?.baseOffset, blamed];
}

test.each([0, 1, 2, 3, 4] as const)(
  "codec %i: records without a key are named and refused",
  async (codec) => {
    for (const valueBytes of [3, 10_000]) {
      const bad = batchWith(["a", null, "b", null], { codec }, valueBytes);
      expect(await send(bad)).toEqual([87, -1, [1, 3]]);
    }
    expect(await send(batchWith([null], { codec }), 7)).toEqual([87, -1, []]);
    expect(await send(batchWith(["a", "b"], { codec }, 10_000))).toEqual([0, 0, []]);
    expect(await send(batchWith(["c"], { codec }))).toEqual([0, 2, []]);
  },
);

test("a bomb is refused, and the broker goes on", async () => {
  const value = new Uint8Array(20 << 20);
  const records = [{ key: encoder.encode("k"), value, timestampMs: 1_700_000_000_000 }];
  expect(await send(whole(encodeBatch(records, { codec: 4 })))).toEqual([10, -1, []]);
  expect(await send(batchWith(["a"]))).toEqual([0, 0, []]);
});

test("requests of one connection keep their order while batches are opened elsewhere", async () => {
  const leader = await stage.leaderOf("t", 0);
  const sequence = (at: number): BatchOptions => {
    return { codec: 1, producerId: 5, producerEpoch: 0, baseSequence: at };
  };
  const client = await stage.client(leader);
  const asked = [0, 1, 2, 3, 4, 5].map((at) =>
    client.request(
      produce,
      9,
      requestOf(batchWith(["k"], sequence(at), at % 2 === 0 ? 100_000 : 3)),
    ),
  );
  const answers = await stage.simulation.settle(Promise.all(asked));
  const offsets = answers.map((answer) => {
    const one = answer.responses[0]?.partitionResponses[0];
    return [one?.errorCode, one?.baseOffset];
  });
  expect(offsets).toEqual([0, 1, 2, 3, 4, 5].map((at) => [0, at]));
});

test("DescribeConfigs says what is set", async () => {
  const resources = [{ resourceType: 2, resourceName: "t", configurationKeys: null }];
  const body = { resources, includeSynonyms: false, includeDocumentation: false };
  const answer = await stage.ask(1, describeConfigs, 4, body);
  const value = (name: string) =>
    answer.results[0]?.configs.find((config) => config.name === name)?.value;
  expect([value("cleanup.policy"), value("min.cleanable.dirty.ratio")]).toEqual([
    "compact,delete",
    "0.01",
  ]);
});
