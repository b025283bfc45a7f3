// Idempotent producers that send a batch again while a leader cannot commit: what waits has a limit.
import { afterEach, expect, test } from "vitest";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import type { BrokerId } from "../../internal/model/ids.ts";
import { nameOf } from "./cluster/sim-cluster.ts";
import { KafkaStage } from "./kafka-stage.ts";

const stage = new KafkaStage(4, 3);

afterEach(() => {
  expect(stage.simulation.fatals).toEqual([]);
});

test("nobody waits for a batch without acks that is in the log already", async () => {
  await stage.start();
  const topic = { name: "t", numPartitions: 1, replicationFactor: 3, assignments: [], configs: [] };
  await stage.ask(1, createTopics, 7, { topics: [topic], timeoutMs: 10_000, validateOnly: false });
  const leader = await stage.leaderOf("t", 0);
  const { simulation, cluster } = stage;
  for (const other of [1, 2, 3].filter((id) => id !== leader)) {
    simulation.network.links.cut(nameOf(leader as BrokerId), nameOf(other as BrokerId));
  }
  const broker = cluster.at(leader).broker;
  const group = broker?.controller.image.topicNamed("t")?.partitions[0]?.group;
  const partition = group === undefined ? null : (broker?.partitions.get(group) ?? null);
  const outcomes: unknown[] = [];
  const send = (acks: number): void => {
    const record = {
      key: null,
      value: new Uint8Array(3),
      timestampMs: broker?.world.clock.nowMs(),
    };
    const numbers = { producerId: 7, producerEpoch: 0, baseSequence: 0 };
    const bytes = encodeBatch([{ ...record, timestampMs: record.timestampMs ?? 0 }], numbers);
    const batch = { bytes, start: 0, end: bytes.length };
    const request = { name: "t", topicId: null, partition: 0, batch, acks, allowsZstd: true };
    broker?.services.log.append({ ...request, timeoutMs: 0x7fff_ffff }, (done) => {
      outcomes.push(done);
    });
  };
  for (let sent = 0; sent < 100; sent++) send(0);
  expect(outcomes).toHaveLength(99);
  expect(outcomes[0]).toMatchObject({ ok: true, value: { baseOffset: 0 } });
  expect(partition?.waitingAppends).toBe(1);
  // Whoever wants to know waits for the original.
  send(-1);
  expect([outcomes.length, partition?.waitingAppends]).toEqual([99, 2]);
  simulation.network.links.healAll();
  await simulation.runForMs(5_000);
  expect([outcomes.length, partition?.waitingAppends]).toEqual([101, 0]);
});
