// Incremental fetch sessions over the wire: a consumer with a session reads what one without reads.
import { expect, test } from "vitest";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { fetch } from "../../internal/kafka/api/01-fetch.ts";
import type { FetchRequest } from "../../internal/kafka/api/01-fetch.ts";
import type { ByteRange } from "../../internal/bytes/byte-range.ts";
import { RecordBatchView } from "../../internal/model/record-batch.ts";
import type { Draft } from "../../internal/schema/message.ts";
import type { TopicId } from "../../internal/model/ids.ts";
import { batchOf, openFrontStage } from "./front-stage.ts";
import type { FrontStage } from "./front-stage.ts";
import type { KafkaClient } from "./kafka-client.ts";

const PARTITIONS = 40;

/** A consumer with a session, written from the protocol's description. */
class SessionConsumer {
  readonly offsets = new Map<number, number>();
  readonly highWatermarks = new Map<number, number>();
  readonly counts: number[] = [];
  sessionId = 0;
  epoch = 0;
  /** Partitions that the answers told of, all together. */
  told = 0;
  readonly #client: KafkaClient;
  readonly #topicId: TopicId;
  readonly #version: number;
  #moved = new Set<number>();

  constructor(client: KafkaClient, topicId: TopicId, version: number, partitions: number) {
    this.#client = client;
    this.#topicId = topicId;
    this.#version = version;
    for (let partition = 0; partition < partitions; partition++) this.offsets.set(partition, 0);
  }

  async poll(waitMs: number): Promise<number> {
    const isFull = this.epoch <= 0;
    const named = isFull ? [...this.offsets.keys()] : [...this.#moved];
    const partitions = named.map((partition) => ({
      partition,
      fetchOffset: this.offsets.get(partition) ?? 0,
      partitionMaxBytes: 10_000,
    }));
    const topics = named.length === 0 ? [] : [{ topic: "t", topicId: this.#topicId, partitions }];
    const body: Draft<FetchRequest> = {
      maxWaitMs: waitMs,
      minBytes: 1,
      maxBytes: 20_000,
      sessionId: this.sessionId,
      sessionEpoch: this.epoch,
      topics,
    };
    this.#moved = new Set();
    const answer = await this.#client.request(fetch, this.#version, body);
    expect(answer.errorCode).toBe(0);
    if (!isFull) expect(answer.sessionId).toBe(this.sessionId);
    this.sessionId = answer.sessionId;
    this.epoch++;
    let records = 0;
    for (const topic of answer.responses) {
      for (const one of topic.partitions) {
        this.told++;
        expect(one.errorCode).toBe(0);
        this.highWatermarks.set(one.partitionIndex, one.highWatermark);
        records += this.#consume(one.partitionIndex, one.records);
      }
    }
    return records;
  }

  #consume(partition: number, records: ByteRange | null): number {
    if (records === null) throw new Error("records are never null");
    let count = 0;
    for (let at = records.start; at < records.end;) {
      const batch = new RecordBatchView(records.bytes, at);
      expect(batch.baseOffset).toBe(this.offsets.get(partition));
      this.offsets.set(partition, batch.baseOffset + batch.recordCount);
      this.#moved.add(partition);
      count += batch.recordCount;
      at = batch.end;
    }
    return count;
  }
}

async function append(client: KafkaClient, partition: number, records: number): Promise<void> {
  const texts = Array.from({ length: records }, (_, k) => `r${k}`.padEnd(200, "."));
  const partitionData = [{ index: partition, records: batchOf(texts) }];
  const topicData = [{ name: "t", partitionData }];
  await client.request(produce, 9, { transactionalId: null, acks: -1, timeoutMs: 500, topicData });
}

async function withConsumer(
  version: number,
  script: (stage: FrontStage, consumer: SessionConsumer, writer: KafkaClient) => Promise<void>,
): Promise<void> {
  const stage = await openFrontStage({ seed: version });
  const topicId = stage.cluster.addTopic("t", PARTITIONS);
  const consumer = new SessionConsumer(stage.client(), topicId, version, PARTITIONS);
  await stage.play(() => script(stage, consumer, stage.client()));
  await stage.play(async () => {
    await stage.server.close();
    await stage.sleepMs(100);
  });
  expect([stage.simulation.fatals, stage.log.lent]).toEqual([[], 0]);
}

test.each([7, 11, 12, 13, 18])(
  "Fetch %i: everything is read once, and only news is told",
  async (version) => {
    await withConsumer(version, async (stage, consumer, writer) => {
      const entropy = stage.simulation.entropy("records");
      let written = 0;
      let read = 0;
      for (let round = 0; round < 60; round++) {
        const records = 1 + entropy.below(30);
        const partition = entropy.below(entropy.below(3) === 0 ? PARTITIONS : 3);
        await append(writer, partition, records);
        written += records;
        read += await consumer.poll(20);
      }
      for (let idle = 0; idle < 5;) {
        const got = await consumer.poll(20);
        read += got;
        idle = got === 0 ? idle + 1 : 0;
      }
      expect(read).toBe(written);
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const { highWatermark } = stage.log.partition("t", partition);
        expect(consumer.highWatermarks.get(partition)).toBe(highWatermark);
        expect(consumer.offsets.get(partition)).toBe(highWatermark);
      }
      // Without a session each answer would tell of all partitions.
      expect(consumer.told).toBeLessThan(5 * consumer.epoch);
      expect(stage.world.meter.value("flotilla_kafka_fetch_sessions")).toBe(1);
    });
  },
);

test("a session outlives its connection, and its errors are top-level", async () => {
  await withConsumer(12, async (stage, consumer, writer) => {
    await append(writer, 3, 4);
    await consumer.poll(5);
    const { sessionId, epoch } = consumer;
    const other = stage.client();
    const ask = (id: number, sessionEpoch: number) =>
      other.request(fetch, 12, {
        maxWaitMs: 5,
        minBytes: 1,
        maxBytes: 9,
        sessionId: id,
        sessionEpoch,
      });
    const codes = [];
    codes.push((await ask(sessionId, epoch + 5)).errorCode);
    codes.push((await ask(sessionId ^ 1, epoch)).errorCode);
    codes.push((await ask(sessionId, epoch)).errorCode);
    codes.push((await ask(sessionId, -1)).errorCode);
    codes.push((await ask(sessionId, epoch + 1)).errorCode);
    expect(codes).toEqual([71, 70, 0, 0, 70]);
  });
});

test("a consumer that vanished in the middle of a fetch leaves its session usable", async () => {
  await withConsumer(12, async (stage, consumer) => {
    await consumer.poll(5);
    const { sessionId, epoch } = consumer;
    const body = { maxWaitMs: 60_000, minBytes: 1, maxBytes: 9, sessionId };
    const lost = stage.client();
    lost.request(fetch, 12, { ...body, sessionEpoch: epoch }).catch(() => {});
    await stage.sleepMs(50);
    lost.close();
    await stage.sleepMs(50);
    const next = await stage
      .client()
      .request(fetch, 12, { ...body, maxWaitMs: 5, sessionEpoch: epoch + 1 });
    expect([next.errorCode, next.sessionId]).toEqual([0, sessionId]);
  });
});
