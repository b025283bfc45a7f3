// The records of one partition that a producer has not delivered yet: those that wait, and the one batch under way.
import { produce } from "../../../internal/kafka/api/00-produce.ts";
import type { ProduceResponsePartitionResponses } from "../../../internal/kafka/api/00-produce.ts";
import { ErrorCode } from "../../../internal/kafka/codec/errors.ts";
import { encodeBatch } from "../../../internal/model/encode-batch.ts";
import type { NewRecord } from "../../../internal/model/encode-batch.ts";
import type { Cancel } from "../../../internal/ports/clock.ts";
import type { KafkaClient } from "./kafka-client.ts";
import { KafkaError, refused } from "./kafka-error.ts";

/** A batch that was acknowledged. */
export interface Delivery {
  readonly topic: string;
  readonly partition: number;
  /** The offset of the first record; -1 when the batch was stored by an earlier try whose answer was lost. */
  readonly baseOffset: number;
  readonly recordCount: number;
  /** Bytes of the batch as it was sent. */
  readonly batchBytes: number;
  /** What the records counted as while they waited. */
  readonly heldBytes: number;
  /** From when the batch was sent first until it was acknowledged. */
  readonly tookMs: number;
}

export interface QueueHome {
  readonly client: KafkaClient;
  readonly lingerMs: number;
  readonly batchBytes: number;
  readonly deliveryMsMax: number;
  readonly acks: -1 | 1;
  readonly codec: 0 | 1 | 2 | 3 | 4;
  identity(): Promise<{ readonly producerId: number; readonly producerEpoch: number }>;
  /** A batch was closed: records without a key go elsewhere from now on. */
  taken(topic: string): void;
  delivered(delivery: Delivery): void;
  failed(error: Error): void;
}

/** From this version on topics are named by their ids. */
const VERSION_MAX = 12;
/** A leader that is silent for so long may be one no more; the batch can be sent again without harm. */
const ANSWER_MS_MAX = 10_000;
const RECORDS_MAX = 100_000;
const SEQUENCE_END = 2 ** 31;

export class PartitionQueue {
  readonly #home: QueueHome;
  readonly #topic: string;
  readonly #partition: number;
  #records: NewRecord[] = [];
  #bytes: number[] = [];
  #waitingBytes = 0;
  #sentBytes = 0;
  #sequence = 0;
  #isSending = false;
  #mayNotLinger = false;
  #cancelLinger: Cancel | null = null;

  constructor(home: QueueHome, topic: string, partition: number) {
    this.#home = home;
    this.#topic = topic;
    this.#partition = partition;
  }

  get heldBytes(): number {
    return this.#waitingBytes + this.#sentBytes;
  }

  add(record: NewRecord, bytes: number): void {
    this.#records.push(record);
    this.#bytes.push(bytes);
    this.#waitingBytes += bytes;
    this.#sendSoon();
  }

  /** Sends what waits without lingering. */
  hurry(): void {
    this.#mayNotLinger = true;
    this.#sendSoon();
  }

  #sendSoon(): void {
    if (this.#isSending || this.#records.length === 0) return;
    const { lingerMs, batchBytes, client } = this.#home;
    if (this.#mayNotLinger || this.#waitingBytes >= batchBytes || lingerMs === 0) {
      this.#cancelLinger?.();
      this.#cancelLinger = null;
      this.#isSending = true;
      void this.#send();
    } else {
      this.#cancelLinger ??= client.world.clock.after(lingerMs, () => {
        this.#cancelLinger = null;
        this.#mayNotLinger = true;
        this.#sendSoon();
      });
    }
  }

  async #send(): Promise<void> {
    const home = this.#home;
    const { clock } = home.client.world;
    try {
      // Everything that is pushed in this turn shares the batch.
      await new Promise<void>((resolve) => clock.turnEnd(resolve));
      const identity = await home.identity();
      const { records, heldBytes } = this.#take();
      const batch = encodeBatch(records, {
        ...identity,
        baseSequence: this.#sequence,
        codec: home.codec,
      });
      const sentMs = clock.upMs();
      const baseOffset = await home.client.retrying(() => this.#try(batch), home.deliveryMsMax);
      this.#sequence = (this.#sequence + records.length) % SEQUENCE_END;
      this.#sentBytes = 0;
      this.#isSending = false;
      home.delivered({
        topic: this.#topic,
        partition: this.#partition,
        baseOffset,
        recordCount: records.length,
        batchBytes: batch.length,
        heldBytes,
        tookMs: clock.upMs() - sentMs,
      });
      this.#sendSoon();
    } catch (error) {
      home.failed(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #take(): { readonly records: readonly NewRecord[]; readonly heldBytes: number } {
    let count = 0;
    let heldBytes = 0;
    while (count < this.#records.length && count < RECORDS_MAX) {
      const bytes = this.#bytes[count] ?? 0;
      if (count > 0 && heldBytes + bytes > this.#home.batchBytes) break;
      heldBytes += bytes;
      count++;
    }
    const records = this.#records.splice(0, count);
    this.#bytes.splice(0, count);
    this.#waitingBytes -= heldBytes;
    this.#sentBytes = heldBytes;
    // Those that were hurried along and did not fit still do not wait.
    if (this.#records.length === 0) this.#mayNotLinger = false;
    this.#home.taken(this.#topic);
    return { records, heldBytes };
  }

  async #try(batch: Uint8Array): Promise<number> {
    const { client, acks } = this.#home;
    try {
      const leader = await client.leaderOf(this.#topic, this.#partition);
      const withinMs = Math.min(client.requestMsMax, ANSWER_MS_MAX);
      const records = { bytes: batch, start: 0, end: batch.length };
      const partitionData = [{ index: this.#partition, records }];
      const answer = await client.request(
        leader.broker,
        produce,
        {
          transactionalId: null,
          acks,
          timeoutMs: Math.floor(withinMs * 0.9),
          topicData: [{ name: this.#topic, partitionData }],
        },
        { versionMax: VERSION_MAX, withinMs },
      );
      return this.#offsetOf(answer.responses[0]?.partitionResponses[0]);
    } catch (error) {
      client.forget(this.#topic);
      throw error;
    }
  }

  #offsetOf(
    answer:
      | Pick<ProduceResponsePartitionResponses, "errorCode" | "baseOffset" | "errorMessage">
      | undefined,
  ): number {
    if (answer === undefined) throw new KafkaError("protocol", "an answer without the partition");
    // An earlier try was stored, and other batches since: this one is there, at an offset that nobody remembers.
    if (answer.errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) return -1;
    if (answer.errorCode === 0) return answer.baseOffset;
    const what = `cannot write to partition ${this.#partition} of ${this.#topic}`;
    throw refused(answer.errorCode, what, answer.errorMessage);
  }
}
