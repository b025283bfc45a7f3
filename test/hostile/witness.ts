// The well-behaved client whose service the others try to ruin: on every broker it writes to a partition that this
// broker leads, reads it back, and asks for metadata. Any error that a Kafka client would show to its user, a lost
// connection, and any wait longer than a hang, is a complaint. Remembers every acknowledged record, for the end.
import { setTimeout as pause } from "node:timers/promises";
import { HostClock } from "../../internal/host/clock.ts";
import { HostWire } from "../../internal/host/wire.ts";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { fetch } from "../../internal/kafka/api/01-fetch.ts";
import { metadata } from "../../internal/kafka/api/03-metadata.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import { ErrorCode, errorName } from "../../internal/kafka/codec/errors.ts";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import type { TopicId } from "../../internal/model/ids.ts";
import { RecordBatchView, batchEnd } from "../../internal/model/record-batch.ts";
import { RecordCursor } from "../../internal/model/record-cursor.ts";
import type { Address } from "../../internal/ports/wire.ts";
import { KafkaClient } from "../wire/kafka-client.ts";

/** Not an expectation of latency: whatever takes longer hangs. */
export const HANG_MS = 5_000;
const REPEAT_MS = 50;
const ROUND_PAUSE_MS = 20;
const RECORDS_PER_BATCH = 3;
const COMPLAINTS_MAX = 20;
const world = { wire: new HostWire(), clock: new HostClock() };

/** What a Kafka client answers with a look at the metadata and another attempt. */
const MOVED: readonly number[] = [
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.OFFSET_NOT_AVAILABLE,
];

export interface BrokerAddress {
  readonly id: number;
  readonly kafka: Address;
}

export interface TopicView {
  readonly id: TopicId;
  /** The leader of each partition; -1 for none. */
  readonly leaders: readonly number[];
}

export class Witness {
  readonly topic: string;
  readonly complaints: string[] = [];
  acknowledgedRecords = 0;
  readRecords = 0;
  rounds = 0;
  leaderMoves = 0;
  longestMs = 0;
  readonly #brokers: readonly BrokerAddress[];
  readonly #clients = new Map<number, KafkaClient>();
  /** Values by partition and offset. */
  readonly #acknowledged: Map<number, string>[] = [];
  #leaders: readonly number[] = [];
  #sequence = 0;
  #isStopped = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(brokers: readonly BrokerAddress[], topic: string) {
    this.#brokers = brokers;
    this.topic = topic;
  }

  async open(partitions: number): Promise<void> {
    for (const { id, kafka } of this.#brokers) {
      const client = new KafkaClient(world, kafka, { clientId: "witness" });
      await client.opened;
      void client.closed.then((reason) => {
        if (!this.#isStopped) this.#complain(`broker ${id} closed the connection: ${reason}`);
      });
      this.#clients.set(id, client);
    }
    await this.create(this.topic, partitions);
    for (let k = 0; k < partitions; k++) this.#acknowledged.push(new Map());
  }

  /** Creates a topic and waits until it has leaders. */
  async create(name: string, numPartitions: number): Promise<TopicView> {
    const [first] = this.#clients.values();
    if (first === undefined) throw new Error("the witness is not open");
    const topics = [{ name, numPartitions, replicationFactor: 3, assignments: [], configs: [] }];
    const created = await first.request(createTopics, 5, {
      topics,
      timeoutMs: 20_000,
      validateOnly: false,
    });
    const [outcome] = created.topics;
    if (outcome?.errorCode !== 0) throw new Error(`${name}: ${outcome?.errorMessage ?? "?"}`);
    const view = await this.#look(first, name);
    if (name === this.topic) this.#leaders = view.leaders;
    return view;
  }

  async #look(client: KafkaClient, name: string): Promise<TopicView> {
    const answer = await client.request(metadata, 10, {
      topics: [{ name }],
      allowAutoTopicCreation: false,
    });
    const leaders: number[] = [];
    const [topic] = answer.topics;
    for (const one of topic?.partitions ?? []) leaders[one.partitionIndex] = one.leaderId;
    return { id: topic?.topicId ?? ("" as TopicId), leaders };
  }

  begin(): void {
    this.#running = Promise.all(this.#brokers.map(({ id }) => this.#watch(id)));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  close(): void {
    this.#isStopped = true;
    for (const client of this.#clients.values()) client.close();
  }

  async #watch(broker: number): Promise<void> {
    const client = this.#clients.get(broker) as KafkaClient;
    for (let round = 0; !this.#isStopped && this.complaints.length < COMPLAINTS_MAX; round++) {
      try {
        await this.#round(client, broker, round);
        this.rounds++;
      } catch (error) {
        this.#complain(`broker ${broker}: ${error instanceof Error ? error.message : "?"}`);
      }
      await pause(ROUND_PAUSE_MS);
    }
  }

  async #round(client: KafkaClient, broker: number, round: number): Promise<void> {
    if (round % 10 === 0) {
      const { leaders } = await this.#within("Metadata", this.#look(client, this.topic));
      this.#leaders = leaders;
    }
    const led = this.#leaders.flatMap((leader, k) => (leader === broker ? [k] : []));
    const partition = led[round % Math.max(1, led.length)];
    if (partition === undefined) return; // it leads nothing at the moment; the metadata was its turn
    await this.write(partition, `${broker}`);
  }

  /** Appends a batch wherever the leader is and reads it back. Complains by exception. */
  async write(partition: number, label: string): Promise<void> {
    const values = Array.from({ length: RECORDS_PER_BATCH }, () => `${label}-${++this.#sequence}`);
    const encoded = values.map((value) => {
      return { key: null, value: Buffer.from(value), timestampMs: Date.now() };
    });
    const base = await this.append(this.topic, partition, encodeBatch(encoded));
    const known = this.#acknowledged[partition] as Map<number, string>;
    values.forEach((value, k) => known.set(base + k, value));
    this.acknowledgedRecords += values.length;
    const seen = new Map(await this.#read(partition, base));
    values.forEach((value, k) => {
      if (seen.get(base + k) !== value) {
        throw new Error(`partition ${partition} has ${seen.get(base + k)} at ${base + k}`);
      }
    });
  }

  /** Answers the base offset. */
  async append(topic: string, partition: number, batch: Uint8Array): Promise<number> {
    return this.#atLeader(topic, partition, async (client) => {
      const records = { bytes: batch, start: 0, end: batch.length };
      const answer = await client.request(produce, 9, {
        transactionalId: null,
        acks: -1,
        timeoutMs: 30_000,
        topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
      });
      const one = answer.responses[0]?.partitionResponses[0];
      return { code: one?.errorCode ?? -1, value: one?.baseOffset ?? -1 };
    });
  }

  /** Records from an offset on, as far as one answer goes. */
  async #read(partition: number, fetchOffset: number): Promise<[number, string][]> {
    return this.#atLeader(this.topic, partition, async (client) => {
      const answer = await client.request(fetch, 11, {
        maxWaitMs: 100,
        minBytes: 1,
        maxBytes: 1 << 20,
        topics: [
          {
            topic: this.topic,
            partitions: [{ partition, fetchOffset, partitionMaxBytes: 1 << 20 }],
          },
        ],
      });
      const one = answer.responses[0]?.partitions[0];
      const found =
        one?.records == null
          ? []
          : recordsOf(one.records.bytes.slice(one.records.start, one.records.end));
      return { code: one?.errorCode ?? answer.errorCode, value: found };
    });
  }

  async #atLeader<T>(
    topic: string,
    partition: number,
    ask: (client: KafkaClient) => Promise<{ readonly code: number; readonly value: T }>,
  ): Promise<T> {
    const untilMs = performance.now() + HANG_MS;
    let leaders = topic === this.topic ? this.#leaders : [];
    for (;;) {
      const client = this.#clients.get(leaders[partition] ?? -1);
      if (client !== undefined) {
        const { code, value } = await this.#within(`${topic}-${partition}`, ask(client));
        if (code === ErrorCode.NONE) return value;
        if (!MOVED.includes(code))
          throw new Error(`${topic}-${partition}: ${errorName(code) ?? code}`);
        this.leaderMoves++;
      }
      if (performance.now() > untilMs) throw new Error(`${topic}-${partition} has no leader`);
      if (client !== undefined) await pause(REPEAT_MS);
      const [any] = this.#clients.values();
      ({ leaders } = await this.#look(any as KafkaClient, topic));
      if (topic === this.topic) this.#leaders = leaders;
    }
  }

  async #within<T>(what: string, answer: Promise<T>): Promise<T> {
    const startMs = performance.now();
    const late = new AbortController();
    const hung = pause(HANG_MS, null, { signal: late.signal }).then(
      () => Promise.reject(new Error(`${what} was not answered within ${HANG_MS} ms`)),
      () => new Promise<never>(() => {}),
    );
    try {
      return await Promise.race([answer, hung]);
    } finally {
      late.abort();
      this.longestMs = Math.max(this.longestMs, performance.now() - startMs);
    }
  }

  /** Reads everything from the beginning; answers the acknowledged records that are missing or different. */
  async verify(): Promise<string[]> {
    const wrong: string[] = [];
    for (const [partition, known] of this.#acknowledged.entries()) {
      const end = Math.max(-1, ...known.keys()) + 1;
      let at = 0;
      while (at < end) {
        const found = await this.#read(partition, at);
        if (found.length === 0) break;
        for (const [offset, value] of found) {
          const wanted = known.get(offset);
          at = offset + 1;
          if (wanted === undefined) continue; // its answer was lost: it may be there
          this.readRecords++;
          if (wanted !== value) wrong.push(`${partition}@${offset}: ${value} instead of ${wanted}`);
          known.delete(offset);
        }
      }
      for (const [offset, value] of known)
        wrong.push(`${partition}@${offset}: ${value} is missing`);
    }
    return wrong;
  }

  #complain(text: string): void {
    if (this.complaints.length < COMPLAINTS_MAX) this.complaints.push(text);
  }
}

function recordsOf(bytes: Uint8Array): [number, string][] {
  const found: [number, string][] = [];
  const decoder = new TextDecoder();
  for (let at = 0; ;) {
    const end = batchEnd(bytes, at, bytes.length);
    if (end === -1) return found;
    const batch = new RecordBatchView(bytes, at);
    const cursor = new RecordCursor({ bytes, start: batch.recordsStart, end }, batch.recordCount);
    while (cursor.next()) {
      const value = decoder.decode(bytes.subarray(cursor.valueStart, cursor.valueEnd));
      found.push([batch.baseOffset + cursor.offsetDelta, value]);
    }
    at = end;
  }
}
