// Sends records in batches, in order for each partition, and idempotently: a batch that is sent again after a broken
// connection or a change of leaders is stored once. Each partition has one batch under way at a time, so neither order
// nor sequence numbers depend on what a retry overtakes; while it is under way the next batch grows.
import { initProducerId } from "../../../internal/kafka/api/22-init-producer-id.ts";
import type { RecordHeader } from "../../../internal/model/record-cursor.ts";
import type { KafkaClient } from "./kafka-client.ts";
import { KafkaError, refused } from "./kafka-error.ts";
import { PartitionQueue } from "./partition-queue.ts";
import type { Delivery, QueueHome } from "./partition-queue.ts";
import { partitionOfKey } from "./partitioner.ts";

export interface OutgoingRecord {
  readonly topic: string;
  /** Left out: by the key, or wherever a batch fills up. */
  readonly partition?: number;
  readonly key: Uint8Array | null;
  /** Null is a tombstone. */
  readonly value: Uint8Array | null;
  readonly headers?: readonly RecordHeader[];
  /** Left out: now. */
  readonly timestampMs?: number;
}

export interface ProducerOptions {
  /** How long a record waits for others to share its batch: 5 ms. */
  readonly lingerMs?: number;
  /** A batch of so many bytes does not wait: 256 KiB. */
  readonly batchBytes?: number;
  /** Bytes of records that are not delivered yet, above which `push` waits: 32 MiB. */
  readonly bufferBytesMax?: number;
  /** How long a batch is tried before the producer fails: 2 min. */
  readonly deliveryMsMax?: number;
  /** -1: durable on a majority, the default. 1: as the topic's acks.one says. */
  readonly acks?: -1 | 1;
  /** 0 none (the default), 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  readonly codec?: 0 | 1 | 2 | 3 | 4;
  /** Topics that do not exist are created with the cluster's defaults: true. */
  readonly createsTopics?: boolean;
  /** Runs once for each batch, when it is acknowledged. */
  readonly delivered?: (delivery: Delivery) => void;
}

interface Identity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

const RECORD_OVERHEAD_BYTES = 32;

export class Producer {
  readonly #client: KafkaClient;
  readonly #options: ProducerOptions;
  readonly #bufferBytesMax: number;
  readonly #queues = new Map<string, PartitionQueue>();
  readonly #partitionCounts = new Map<string, number>();
  readonly #sticky = new Map<string, number>();
  readonly #home: QueueHome;
  #identity: Promise<Identity> | null = null;
  #heldBytes = 0;
  #waiting: (() => void)[] = [];
  #failure: Error | null = null;

  constructor(client: KafkaClient, options: ProducerOptions = {}) {
    this.#client = client;
    this.#options = options;
    this.#bufferBytesMax = options.bufferBytesMax ?? 32 << 20;
    this.#home = {
      client,
      lingerMs: options.lingerMs ?? 5,
      batchBytes: options.batchBytes ?? 256 << 10,
      deliveryMsMax: options.deliveryMsMax ?? 120_000,
      acks: options.acks ?? -1,
      codec: options.codec ?? 0,
      identity: () => (this.#identity ??= this.#askForIdentity()),
      taken: (topic) => void this.#sticky.delete(topic),
      delivered: (delivery) => {
        this.#release(delivery.heldBytes);
        options.delivered?.(delivery);
      },
      failed: (error) => this.#fail(error),
    };
  }

  /**
   * Takes a record. Resolves when there is room for more, not when the record is delivered; await it before the next
   * call. Rejects when a batch could not be delivered: nothing is sent any more then.
   */
  async push(record: OutgoingRecord): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    const count = this.#partitionCounts.get(record.topic) ?? (await this.#learn(record.topic));
    const partition = record.partition ?? this.#partitionFor(record, count);
    if (partition >= count) {
      throw new KafkaError("refused", `topic ${record.topic} has ${count} partitions`);
    }
    const bytes = bytesOf(record);
    this.#heldBytes += bytes;
    this.#queueOf(record.topic, partition).add(
      {
        key: record.key,
        value: record.value,
        timestampMs: record.timestampMs ?? this.#client.world.clock.nowMs(),
        ...(record.headers === undefined ? {} : { headers: record.headers }),
      },
      bytes,
    );
    if (this.#heldBytes > this.#bufferBytesMax) await this.#until(this.#bufferBytesMax);
  }

  /** Resolves when everything that was pushed is delivered; rejects when something could not be. */
  async flush(): Promise<void> {
    for (const queue of this.#queues.values()) queue.hurry();
    await this.#until(0);
  }

  async #until(heldBytesMax: number): Promise<void> {
    while (this.#failure === null && this.#heldBytes > heldBytesMax) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#failure !== null) throw this.#failure;
  }

  #release(bytes: number): void {
    this.#heldBytes -= bytes;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async #learn(topic: string): Promise<number> {
    const { partitions } = await this.#client.topic(topic, this.#options.createsTopics ?? true);
    this.#partitionCounts.set(topic, partitions.length);
    return partitions.length;
  }

  #partitionFor({ topic, key }: OutgoingRecord, count: number): number {
    if (key !== null) return partitionOfKey(key, count);
    let partition = this.#sticky.get(topic);
    if (partition === undefined) {
      // The emptiest one, so that a slow partition does not hold up the others.
      const held = (one: number): number => this.#queues.get(`${topic}/${one}`)?.heldBytes ?? 0;
      partition = 0;
      for (let one = 1; one < count; one++) if (held(one) < held(partition)) partition = one;
      this.#sticky.set(topic, partition);
    }
    return partition;
  }

  #queueOf(topic: string, partition: number): PartitionQueue {
    const name = `${topic}/${partition}`;
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = new PartitionQueue(this.#home, topic, partition);
      this.#queues.set(name, queue);
    }
    return queue;
  }

  #askForIdentity(): Promise<Identity> {
    return this.#client.retrying(async () => {
      const anew = { producerId: -1, producerEpoch: -1 };
      const body = { transactionalId: null, transactionTimeoutMs: 60_000, ...anew };
      const options = { withinMs: this.#client.askMsMax };
      const answer = await this.#client.request(null, initProducerId, body, options);
      if (answer.errorCode !== 0) throw refused(answer.errorCode, "cannot get a producer id");
      return { producerId: answer.producerId, producerEpoch: answer.producerEpoch };
    });
  }
}

function bytesOf({ key, value, headers = [] }: OutgoingRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) bytes += 2 * header.key.length + (header.value?.length ?? 0) + 4;
  return bytes;
}
