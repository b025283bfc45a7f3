// A client that sends far more requests than its connection may have under way, against whole simulated brokers: the frames
// that had to wait are taken up when answers leave, and an answer comes out of the very commit that a Raft machine is in
// the middle of carrying out.
import { afterEach, beforeEach, expect, test } from "vitest";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { metadata } from "../../internal/kafka/api/03-metadata.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import { kafkaOptions } from "../../internal/kafka/options.ts";
import { KafkaServer } from "../../internal/kafka/server.ts";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import type { BrokerId } from "../../internal/model/ids.ts";
import { KafkaClient } from "../wire/kafka-client.ts";
import { KAFKA_PORT, nameOf, SimCluster } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";
import type { SimWorld } from "./world/sim-world.ts";

const REQUESTS_MAX = 8;
const WAIT_MS_MAX = 20_000;

let simulation: Simulation;
let cluster: SimCluster;
let peer: SimWorld;

beforeEach(() => {
  simulation = new Simulation({ seed: 11 });
  cluster = new SimCluster(simulation, {
    brokers: 3,
    settings: { "connection.requests.max": REQUESTS_MAX },
  });
  cluster.listen({
    opened: (at, broker) => {
      const options = kafkaOptions(at.settings, "kafka");
      const server = new KafkaServer(broker.world, broker.services, options);
      void server.listen({ host: nameOf(at.id), port: KAFKA_PORT });
    },
  });
  peer = simulation.node("client").boot();
  cluster.startAll();
});

afterEach(() => {
  expect(simulation.fatals).toEqual([]);
});

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; waitedMs < WAIT_MS_MAX; waitedMs += 50) {
    if (await holds()) return;
    await simulation.runForMs(50);
  }
  throw new Error(`not within ${WAIT_MS_MAX} ms: ${what}`);
}

function connect(broker: number): KafkaClient {
  return new KafkaClient(peer, { host: nameOf(broker as BrokerId), port: KAFKA_PORT });
}

async function leaderOf(topic: string): Promise<number> {
  const client = connect(1);
  let leader = -1;
  await until("the partition has a leader", async () => {
    const known = await simulation.settle(
      client.request(metadata, 9, { topics: [{ name: topic }], allowAutoTopicCreation: false }),
    );
    leader = known.topics[0]?.partitions[0]?.leaderId ?? -1;
    return leader !== -1;
  });
  client.connection.end();
  return leader;
}

test("requests beyond what a connection may have under way are appended later, in order", async () => {
  await until("the cluster is ready", async () => cluster.isReady);
  const admin = connect(1);
  await simulation.settle(admin.opened);
  const topic = { name: "t", numPartitions: 1, replicationFactor: 3, assignments: [], configs: [] };
  const creation = { topics: [topic], timeoutMs: 10_000, validateOnly: false };
  await simulation.settle(admin.request(createTopics, 7, creation));
  admin.connection.end();
  const leader = await leaderOf("t");
  const client = connect(leader);
  await simulation.settle(client.opened);
  const count = REQUESTS_MAX * 12;
  const bytes = encodeBatch([{ key: null, value: new Uint8Array(20), timestampMs: 1 }]);
  const records = { bytes, start: 0, end: bytes.length };
  const answers = Array.from({ length: count }, () => {
    const topicData = [{ name: "t", partitionData: [{ index: 0, records }] }];
    return client.request(produce, 9, { acks: -1, timeoutMs: 10_000, topicData } as never);
  });
  const outcomes = (await simulation.settle(Promise.all(answers))).map((answer) => {
    const { errorCode, baseOffset } = answer.responses[0]?.partitionResponses[0] ?? {};
    return [errorCode, baseOffset];
  });
  expect(outcomes).toEqual(Array.from({ length: count }, (_, k) => [0, k]));
});
