// The driver for kafkajs. Of the codecs it has gzip alone; zstd is given to it the way its documentation says, with Node's own.
import kafkajs from "kafkajs";
import type { Consumer, Kafka as KafkaClient, Producer } from "kafkajs";
import { setTimeout as pause } from "node:timers/promises";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { packageVersion } from "../../package-version.ts";
import {
  COMMIT_EVERY_MS,
  drive,
  HEARTBEAT_MS,
  insist,
  isAltered,
  isCreated,
  keyOf,
  nameOf,
  portions,
  say,
  SESSION_MS,
  shown,
  stopAsked,
  valueOf,
  wordsOf,
} from "./contract.ts";
import type { Asked, Described } from "./contract.ts";

const { CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = kafkajs;
const CODECS = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  zstd: CompressionTypes.ZSTD,
} as const;

/**
 * When a retry finds a partition at a broker that has answered already for another one, kafkajs takes that answer for both and
 * never sends the rest (src/producer/sendMessages.js, `brokersWithoutResponse`; its issue 1303). Only the result of the call
 * shows it. An idempotent producer must not be used any more then: it gives the sequence number of what it skipped, and
 * what a broker may have stored before it died, to the next record, which that broker's successor takes for a duplicate.
 */
const SKIPPED = "send() resolved without a result for the partition: kafkajs never sent the record";

CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: (encoder: { buffer: Buffer }) => Promise.resolve(zstdCompressSync(encoder.buffer)),
  decompress: (buffer: Buffer) => Promise.resolve(zstdDecompressSync(buffer)),
});

/**
 * A group waits so long for members that live and do not rejoin. kafkajs that is to leave is one of them: it leaves when a rejoin
 * that is under way has ended.
 */
const REBALANCE_MS = 10_000;
/**
 * How long a fetch waits for records; five seconds where nothing is said. When a broker has come or gone, kafkajs ends its fetchers
 * and begins new ones, once the last fetch has its answer. A consumer that is to end meanwhile misses the new ones, which go round
 * without a pause, and never ends (src/consumer/fetchManager.js).
 */
const FETCH_WAIT_MS = 100;

function open({ bootstrap }: Asked): KafkaClient {
  return new Kafka({
    clientId: "kafkajs-driver",
    brokers: bootstrap.split(","),
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => console.error(JSON.stringify(entry)),
  });
}

async function produce(asked: Asked): Promise<void> {
  const { codec, topic } = asked;
  if (codec === "snappy" || codec === "lz4") {
    return say({ unsupported: `kafkajs has no ${codec} of its own` });
  }
  const kafka = open(asked);
  let producer = await openProducer(kafka, asked);
  for await (const numbers of portions(asked)) {
    const messages = numbers.map((n) => {
      return { key: keyOf(n), value: valueOf(n), partition: n % asked.partitions };
    });
    try {
      const told = await producer.send({ topic, acks: -1, compression: CODECS[codec], messages });
      const answered = new Set(told.map(({ partition }) => partition));
      const skipped = numbers.filter((n) => !answered.has(n % asked.partitions));
      for (const n of numbers) if (!skipped.includes(n)) say({ acked: n });
      for (const n of skipped) say({ error: SKIPPED, n });
      if (skipped.length === 0) continue;
      await producer.disconnect();
      producer = await openProducer(kafka, asked);
    } catch (error) {
      for (const n of numbers) say({ error: wordsOf(error), n });
    }
  }
  say({ done: true });
  await producer.disconnect();
}

async function openProducer(kafka: KafkaClient, { idempotent }: Asked): Promise<Producer> {
  const producer = kafka.producer(idempotent ? { idempotent, maxInFlightRequests: 1 } : {});
  await producer.connect();
  return producer;
}

async function consume(asked: Asked): Promise<void> {
  const { topic, protocol } = asked;
  if (protocol === "consumer") return say({ unsupported: "kafkajs has the classic protocol only" });
  if (asked.instanceId !== undefined) return say({ unsupported: "kafkajs has no static members" });
  const next = new Map<number, number>();
  const stopped = stopAsked();
  let isStopped = false;
  void stopped.then(() => (isStopped = true));
  const consumer = await insist(() => join(asked, next, () => !isStopped));
  if (consumer === null) return;
  const commit = commits(consumer, topic, next);
  while (!isStopped) {
    await Promise.race([stopped, pause(COMMIT_EVERY_MS)]);
    if (!isStopped) await commit();
  }
  // No record counts any more, and only then comes the last commit; disconnect leaves the group.
  await commit();
  await consumer.disconnect();
}

/** Fails when a broker dies meanwhile, although another one could be asked. */
async function join(
  asked: Asked,
  next: Map<number, number>,
  counts: () => boolean,
): Promise<Consumer> {
  const { topic, group: groupId, fromStart: fromBeginning } = asked;
  const consumer = open(asked).consumer({
    ...{ groupId, sessionTimeout: SESSION_MS, heartbeatInterval: HEARTBEAT_MS },
    rebalanceTimeout: REBALANCE_MS,
    maxWaitTimeInMs: FETCH_WAIT_MS,
  });
  listen(consumer, topic, new Set(), next);
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning });
    await consumer.run({
      autoCommit: false,
      eachMessage: ({ partition, message }) => {
        if (!counts()) return Promise.resolve();
        say({ record: [partition, Number(message.offset), nameOf(String(message.value))] });
        next.set(partition, Number(message.offset) + 1);
        return Promise.resolve();
      },
    });
    return consumer;
  } catch (error) {
    await consumer.disconnect().catch(() => {});
    throw error;
  }
}

/** kafkajs tells that a rebalance began and what it brought; what was given up is the rest. */
function listen(
  consumer: Consumer,
  topic: string,
  owned: Set<number>,
  next: Map<number, number>,
): void {
  const giveUp = (): void => {
    if (owned.size > 0) say({ revoked: [...owned] });
    owned.clear();
    next.clear();
  };
  consumer.on(consumer.events.REBALANCING, giveUp);
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    giveUp();
    for (const partition of payload.memberAssignment[topic] ?? []) owned.add(partition);
    say({ assigned: [...owned] });
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    giveUp();
    say({
      error: `${wordsOf(payload.error)}${payload.restart ? "" : " (it does not start again)"}`,
    });
  });
}

function commits(consumer: Consumer, topic: string, next: ReadonlyMap<number, number>) {
  const committed = new Map<number, number>();
  return async (): Promise<void> => {
    const due = [...next].filter(([partition, offset]) => committed.get(partition) !== offset);
    if (due.length === 0) return;
    const offsets = due.map(([partition, offset]) => ({
      topic,
      partition,
      offset: String(offset),
    }));
    try {
      await consumer.commitOffsets(offsets);
      for (const [partition, offset] of due) {
        committed.set(partition, offset);
        say({ committed: [partition, offset] });
      }
    } catch (error) {
      say({ error: `commit: ${wordsOf(error)}` });
    }
  };
}

/** A consumer needs a group here, so it gets one that nobody else has. */
async function seek(asked: Asked): Promise<void> {
  const { topic, timestampMs } = asked;
  const kafka = open(asked);
  const admin = kafka.admin();
  await admin.connect();
  const found = await admin.fetchTopicOffsetsByTimestamp(topic, timestampMs);
  const ends = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const wanted = new Map<number, number>();
  for (const { partition, offset } of found) {
    // Where nothing is that new, kafkajs answers with the end.
    const isEnd = ends.find((end) => end.partition === partition)?.high === offset;
    say({ found: [partition, isEnd ? -1 : Number(offset)] });
    if (!isEnd) wanted.set(partition, Number(offset));
  }
  const consumer = kafka.consumer({ groupId: `${topic}-seek-${process.pid}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const { promise: isRead, resolve } = Promise.withResolvers<void>();
  await consumer.run({
    autoCommit: false,
    eachMessage: ({ partition, message }) => {
      if (Number(message.offset) === wanted.get(partition)) {
        say({ record: [partition, Number(message.offset), nameOf(String(message.value))] });
        wanted.delete(partition);
      }
      if (wanted.size === 0) resolve();
      return Promise.resolve();
    },
  });
  for (const [partition, offset] of wanted) {
    consumer.seek({ topic, partition, offset: String(offset) });
  }
  await isRead;
  await consumer.disconnect();
}

async function administer(asked: Asked): Promise<void> {
  const { topic } = asked;
  const admin = open(asked).admin();
  await admin.connect();
  const config = (value: string): { name: string; value: string }[] => [
    { name: "retention.ms", value },
  ];
  const described = async (): Promise<Described> => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const resource = { type: ConfigResourceTypes.TOPIC, name: topic };
    const { resources } = await admin.describeConfigs({
      resources: [resource],
      includeSynonyms: false,
    });
    const entry = resources[0]?.configEntries.find(
      ({ configName }) => configName === "retention.ms",
    );
    return {
      partitions: topics[0]?.partitions.length ?? 0,
      retentionMs: Number(entry?.configValue),
    };
  };
  const size = { numPartitions: 3, replicationFactor: 3, configEntries: config("60000") };
  // `createTopics` resolves with false where the topic exists.
  await insist(() => admin.createTopics({ topics: [{ topic, ...size }] }));
  say({ created: true });
  say({ described: await insist(() => shown(described, isCreated)) });
  const resource = {
    type: ConfigResourceTypes.TOPIC,
    name: topic,
    configEntries: config("120000"),
  };
  await insist(() => admin.alterConfigs({ validateOnly: false, resources: [resource] }));
  const hasFive = (error: unknown): boolean => wordsOf(error).includes("partitions is invalid");
  await insist(() => admin.createPartitions({ topicPartitions: [{ topic, count: 5 }] }), hasFive);
  say({ altered: await insist(() => shown(described, isAltered)) });
  const isGone = (error: unknown): boolean => wordsOf(error).includes("does not host this");
  await insist(() => admin.deleteTopics({ topics: [topic] }), isGone);
  say({ deleted: true });
  await admin.disconnect();
}

await drive({
  version: () => Promise.resolve(say({ version: `kafkajs ${packageVersion("kafkajs")}` })),
  ...{ produce, consume, seek, admin: administer },
});
