// What the programs here ask of a cluster, as a Kafka client does: leaders and coordinators are looked up, and asked again
// for as long as they are on the move. Every answer is the name of its error; "NONE" for none.
import { setTimeout as pause } from "node:timers/promises";
import { HostClock } from "../../internal/host/clock.ts";
import { HostWire } from "../../internal/host/wire.ts";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { fetch } from "../../internal/kafka/api/01-fetch.ts";
import { listOffsets } from "../../internal/kafka/api/02-list-offsets.ts";
import { metadata } from "../../internal/kafka/api/03-metadata.ts";
import { offsetCommit } from "../../internal/kafka/api/08-offset-commit.ts";
import { offsetFetch } from "../../internal/kafka/api/09-offset-fetch.ts";
import { findCoordinator } from "../../internal/kafka/api/10-find-coordinator.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import { deleteTopics } from "../../internal/kafka/api/20-delete-topics.ts";
import { ErrorCode, errorName } from "../../internal/kafka/codec/errors.ts";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import type { BrokerProcess } from "../process/local-cluster.ts";
import { KafkaClient } from "../wire/kafka-client.ts";

const TRY_MS_MAX = 20_000;
const PAUSE_MS = 100;
const ANSWER_MS_MAX = 30_000;
/** What a Kafka client answers with a look at the metadata and another attempt. */
const MOVED: readonly number[] = [
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.OFFSET_NOT_AVAILABLE,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
];
const world = { wire: new HostWire(), clock: new HostClock() };

interface Answer<T> {
  readonly code: number;
  readonly value: T;
}

export class RoomClient {
  readonly #brokers: readonly BrokerProcess[];
  readonly #clients = new Map<number, KafkaClient>();

  constructor(brokers: readonly BrokerProcess[]) {
    this.#brokers = brokers;
  }

  /** The broker was restarted. */
  reconnect(broker: number): void {
    this.#clients.get(broker)?.close();
    this.#clients.delete(broker);
  }

  close(): void {
    for (const { id } of this.#brokers) this.reconnect(id);
  }

  async create(at: number, name: string, numPartitions: number): Promise<string> {
    const topic = { name, numPartitions, replicationFactor: 3, assignments: [], configs: [] };
    const body = { topics: [topic], timeoutMs: ANSWER_MS_MAX, validateOnly: false };
    const answer = await this.#at(at).request(createTopics, 5, body);
    return nameOf(answer.topics[0]?.errorCode ?? -1);
  }

  async remove(at: number, name: string): Promise<string> {
    const body = { topics: [], topicNames: [name], timeoutMs: ANSWER_MS_MAX };
    const answer = await this.#at(at).request(deleteTopics, 5, body);
    return nameOf(answer.responses[0]?.errorCode ?? -1);
  }

  async produce(name: string, index: number, bytes: number): Promise<string> {
    const record = { key: null, value: new Uint8Array(bytes), timestampMs: Date.now() };
    const batch = encodeBatch([record]);
    const partitionData = [{ index, records: { bytes: batch, start: 0, end: batch.length } }];
    const topicData = [{ name, partitionData }];
    const body = { transactionalId: null, acks: -1, timeoutMs: ANSWER_MS_MAX, topicData };
    const { code } = await this.#asking(
      () => this.#leader(name, index),
      async (client) => {
        const answer = await client.request(produce, 7, body);
        return { code: answer.responses[0]?.partitionResponses[0]?.errorCode ?? -1, value: null };
      },
    );
    return nameOf(code);
  }

  async readFirst(topic: string): Promise<string> {
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }];
    const limits = { maxWaitMs: 1_000, minBytes: 1, maxBytes: 1 << 20, isolationLevel: 0 };
    const { code, value } = await this.#asking(
      () => this.#leader(topic, 0),
      async (client) => {
        const body = { ...limits, topics: [{ topic, partitions }] };
        const answer = await client.request(fetch, 4, body as never);
        const found = answer.responses[0]?.partitions[0];
        return { code: found?.errorCode ?? -1, value: sizeOf(found?.records ?? null) };
      },
    );
    return code === 0 && value === 0 ? "NOTHING" : nameOf(code);
  }

  /** How many records the first partitions of a topic have together. */
  async count(name: string, partitions: number): Promise<number> {
    let count = 0;
    for (let partitionIndex = 0; partitionIndex < partitions; partitionIndex++) {
      const topics = [{ name, partitions: [{ partitionIndex, timestamp: -1 }] }];
      const { value } = await this.#asking(
        () => this.#leader(name, partitionIndex),
        async (client) => {
          const body = { replicaId: -1, isolationLevel: 0, topics };
          const answer = await client.request(listOffsets, 5, body as never);
          const found = answer.topics[0]?.partitions[0];
          return { code: found?.errorCode ?? -1, value: found?.offset ?? -1 };
        },
      );
      count += value;
    }
    return count;
  }

  async commit(groupId: string, name: string, committedOffset: number): Promise<string> {
    const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: "" }];
    const body = { groupId, memberId: "", topics: [{ name, partitions }] };
    const { code } = await this.#asking(
      () => this.#coordinator(groupId),
      async (client) => {
        const answer = await client.request(offsetCommit, 7, {
          ...body,
          groupInstanceId: null,
        } as never);
        return { code: answer.topics[0]?.partitions[0]?.errorCode ?? -1, value: null };
      },
    );
    return nameOf(code);
  }

  async committed(groupId: string, name: string): Promise<number> {
    const topics = [{ name, partitionIndexes: [0] }];
    const { value } = await this.#asking(
      () => this.#coordinator(groupId),
      async (client) => {
        const answer = await client.request(offsetFetch, 7, {
          groupId,
          topics,
          requireStable: false,
        } as never);
        const code = answer.errorCode || (answer.topics[0]?.partitions[0]?.errorCode ?? -1);
        return { code, value: answer.topics[0]?.partitions[0]?.committedOffset ?? -1 };
      },
    );
    return value;
  }

  async #leader(name: string, partition: number): Promise<number> {
    const topics = [{ name }];
    const body = { topics, allowAutoTopicCreation: false };
    const answer = await this.#any().request(metadata, 5, body as never);
    const found = answer.topics[0]?.partitions.find((each) => each.partitionIndex === partition);
    return found?.leaderId ?? -1;
  }

  async #coordinator(key: string): Promise<number> {
    const answer = await this.#any().request(findCoordinator, 2, { key, keyType: 0 } as never);
    return answer.errorCode === 0 ? (answer.nodeId ?? -1) : -1;
  }

  /** Asks whoever it is that `whom` names, again while that is on the move. */
  async #asking<T>(
    whom: () => Promise<number>,
    ask: (client: KafkaClient) => Promise<Answer<T>>,
  ): Promise<Answer<T>> {
    const untilMs = performance.now() + TRY_MS_MAX;
    for (;;) {
      const isLast = performance.now() > untilMs;
      try {
        const broker = await whom();
        if (broker !== -1) {
          const answer = await ask(this.#at(broker));
          if (!MOVED.includes(answer.code) || isLast) return answer;
        } else if (isLast) throw new Error("nobody leads");
      } catch (error) {
        if (isLast) throw error;
        for (const [id, client] of this.#clients)
          if (client.closeReason !== null) this.reconnect(id);
      }
      await pause(PAUSE_MS);
    }
  }

  #any(): KafkaClient {
    for (const client of this.#clients.values()) if (client.closeReason === null) return client;
    return this.#at(1);
  }

  #at(broker: number): KafkaClient {
    const known = this.#clients.get(broker);
    if (known !== undefined && known.closeReason === null) return known;
    const { kafka } = this.#brokers[broker - 1] as BrokerProcess;
    const client = new KafkaClient(world, kafka, { clientId: "room" });
    this.#clients.set(broker, client);
    return client;
  }
}

function nameOf(code: number): string {
  return errorName(code) ?? String(code);
}

function sizeOf(range: { readonly start: number; readonly end: number } | null): number {
  return range === null ? 0 : range.end - range.start;
}
