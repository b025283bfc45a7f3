// Produce load over the Kafka protocol with the project's own client: closed loop (so many batches outstanding) or open
// loop (so many messages a second, latency from the moment at which each was due).
import { setTimeout as pause } from "node:timers/promises";
import { HostClock } from "../../internal/host/clock.ts";
import { HostWire } from "../../internal/host/wire.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import { deleteTopics } from "../../internal/kafka/api/20-delete-topics.ts";
import { metadata } from "../../internal/kafka/api/03-metadata.ts";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import type { Address } from "../../internal/ports/wire.ts";
import { KafkaClient } from "../wire/kafka-client.ts";
import { Latencies } from "./latencies.ts";

export interface Load {
  readonly label: string;
  readonly partitions: number;
  readonly messageBytes: number;
  /** Closed loop: batches of one message outstanding; 0 for an open loop. */
  readonly outstanding: number;
  /** Open loop: messages a second. */
  readonly perSecond: number;
  /** Whether each message begins with the moment at which it was due, for who reads it. */
  readonly isStamped?: boolean;
}

export interface LoadResult {
  readonly acknowledged: number;
  /** Refused messages by error code; -1 for a lost connection. */
  readonly errors: ReadonlyMap<number, number>;
  readonly latencies: Latencies;
}

const PRODUCE_VERSION = 9;
const LEADER_ATTEMPTS_MAX = 300;
const LEADER_PAUSE_MS = 100;
const world = { wire: new HostWire(), clock: new HostClock() };

export class LoadClient {
  readonly #bootstrap: Address;
  readonly #clients = new Map<number, KafkaClient>();
  readonly #addresses = new Map<number, Address>();
  #leaders: number[] = [];

  constructor(bootstrap: Address) {
    this.#bootstrap = bootstrap;
  }

  /** Creates the topic and connects to the leaders of its partitions. */
  async prepare(topic: string, partitions: number): Promise<void> {
    const admin = new KafkaClient(world, this.#bootstrap);
    await admin.opened;
    const created = await admin.request(createTopics, 5, {
      topics: [
        {
          name: topic,
          numPartitions: partitions,
          replicationFactor: 3,
          assignments: [],
          configs: [],
        },
      ],
      timeoutMs: 30_000,
      validateOnly: false,
    });
    const [outcome] = created.topics;
    if (outcome?.errorCode !== 0) throw new Error(`${topic}: ${outcome?.errorMessage ?? "?"}`);
    const brokers = await this.#learnLeaders(admin, topic, partitions);
    admin.close();
    for (const { nodeId, host, port } of brokers) {
      const client = new KafkaClient(world, { host, port });
      await client.opened;
      this.#clients.set(nodeId, client);
      this.#addresses.set(nodeId, { host, port });
    }
  }

  /** Elections take a moment after a creation; what is measured begins when every partition has a leader. */
  async #learnLeaders(
    admin: KafkaClient,
    topic: string,
    partitions: number,
  ): Promise<readonly { nodeId: number; host: string; port: number }[]> {
    for (let attempt = 0; attempt < LEADER_ATTEMPTS_MAX; attempt++) {
      const known = await admin.request(metadata, 9, {
        topics: [{ name: topic }],
        allowAutoTopicCreation: false,
        includeClusterAuthorizedOperations: false,
        includeTopicAuthorizedOperations: false,
      });
      const leaders = new Array<number>(partitions).fill(-1);
      for (const { partitionIndex, leaderId } of known.topics[0]?.partitions ?? []) {
        leaders[partitionIndex] = leaderId;
      }
      this.#leaders = leaders;
      if (leaders.every((leader) => leader >= 0)) return known.brokers;
      await pause(LEADER_PAUSE_MS);
    }
    throw new Error(`${topic}: not every partition has a leader`);
  }

  /** Null: nobody leads it. */
  leaderOf(partition: number): Address | null {
    return this.#addresses.get(this.#leaders[partition] ?? -1) ?? null;
  }

  async remove(topic: string): Promise<void> {
    const [client] = this.#clients.values();
    await client?.request(deleteTopics, 3, { topicNames: [topic], timeoutMs: 10_000 });
    for (const one of this.#clients.values()) one.close();
    this.#clients.clear();
  }

  async run(topic: string, load: Load, warmMs: number, runMs: number): Promise<LoadResult> {
    const startMs = performance.now();
    const fromMs = startMs + warmMs;
    const untilMs = fromMs + runMs;
    const latencies = new Latencies();
    let acknowledged = 0;
    const errors = new Map<number, number>();
    let sent = 0;
    const value = new Uint8Array(load.messageBytes).fill(120);
    const send = async (dueMs: number): Promise<void> => {
      const partition = sent++ % load.partitions;
      if (load.isStamped === true) stamp(value, dueMs);
      const batch = encodeBatch([{ key: null, value, timestampMs: Date.now() }]);
      const code = await this.#produce(topic, partition, batch);
      const nowMs = performance.now();
      if (code !== 0) errors.set(code, (errors.get(code) ?? 0) + 1);
      else if (dueMs >= fromMs && nowMs <= untilMs + 1_000) {
        latencies.add(nowMs - dueMs);
        if (nowMs <= untilMs) acknowledged++;
      }
    };
    if (load.outstanding > 0) {
      const lane = async (): Promise<void> => {
        while (performance.now() < untilMs) await send(performance.now());
      };
      await Promise.all(Array.from({ length: load.outstanding }, lane));
    } else await openLoop(load.perSecond, startMs, untilMs, send);
    return { acknowledged, errors, latencies };
  }

  async #produce(topic: string, partition: number, batch: Uint8Array): Promise<number> {
    const client = this.#clients.get(this.#leaders[partition] ?? -1);
    if (client === undefined) return -1;
    const records = { bytes: batch, start: 0, end: batch.length };
    const answer = await client
      .request(produce, PRODUCE_VERSION, {
        transactionalId: null,
        acks: -1,
        timeoutMs: 30_000,
        topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
      } as never)
      .catch(() => null);
    return answer?.responses[0]?.partitionResponses[0]?.errorCode ?? -1;
  }
}

function stamp(value: Uint8Array, dueMs: number): void {
  new DataView(value.buffer).setFloat64(0, dueMs);
}

/** The moment with which a stamped message begins. */
export function stampOf(value: Uint8Array): number {
  return new DataView(value.buffer, value.byteOffset).getFloat64(0);
}

async function openLoop(
  perSecond: number,
  startMs: number,
  untilMs: number,
  send: (dueMs: number) => Promise<void>,
): Promise<void> {
  const under = new Set<Promise<void>>();
  for (let k = 0; ; k++) {
    const dueMs = startMs + (k / perSecond) * 1000;
    if (dueMs > untilMs) break;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0.5) await pause(waitMs);
    const one = send(dueMs).finally(() => under.delete(one));
    under.add(one);
  }
  await Promise.all(under);
}
