// A consumer of one partition that polls without pause: each fetch waits at the broker until there is something. It takes
// the time from the moment at which a stamped message was due to the moment at which this process has it.
import { setTimeout as pause } from "node:timers/promises";
import { fetch } from "../../internal/kafka/api/01-fetch.ts";
import { decodeBatch, splitBatches } from "../../internal/model/decode-batch.ts";
import type { Address } from "../../internal/ports/wire.ts";
import { KafkaClient } from "../wire/kafka-client.ts";
import { world } from "./group-members.ts";
import { Latencies } from "./latencies.ts";
import { stampOf } from "./produce-load.ts";

const POLL_MS = 500;
const FETCH_BYTES_MAX = 1 << 20;
const RETRY_MS = 20;

export class TailReader {
  readonly latencies = new Latencies();
  readonly #client: KafkaClient;
  readonly #topic: string;
  readonly #fromMs: number;
  #isStopped = false;
  /** Messages that were read, those before `fromMs` too. */
  read = 0;
  polls = 0;

  /** Messages that were due before `fromMs` are read and not counted. */
  constructor(leader: Address, topic: string, fromMs: number) {
    this.#client = new KafkaClient(world, leader);
    this.#topic = topic;
    this.#fromMs = fromMs;
  }

  stop(): void {
    this.#isStopped = true;
    this.#client.close();
  }

  /** Ends when it is stopped. */
  async run(): Promise<void> {
    let offset = 0;
    while (!this.#isStopped) {
      const next = await this.#poll(offset).catch((thrown: unknown) => {
        if (this.#isStopped) return null;
        throw thrown;
      });
      if (next === null) return;
      if (next === offset) await pause(RETRY_MS);
      offset = next;
    }
  }

  async #poll(fetchOffset: number): Promise<number> {
    const partitions = [
      {
        partition: 0,
        currentLeaderEpoch: -1,
        fetchOffset,
        logStartOffset: -1,
        partitionMaxBytes: FETCH_BYTES_MAX,
      },
    ];
    const answer = await this.#client.request(fetch, 11, {
      replicaId: -1,
      maxWaitMs: POLL_MS,
      minBytes: 1,
      maxBytes: FETCH_BYTES_MAX,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [{ topic: this.#topic, partitions }],
      forgottenTopicsData: [],
      rackId: "",
    } as never);
    const nowMs = performance.now();
    this.polls++;
    const records = answer.responses[0]?.partitions[0]?.records ?? null;
    let next = fetchOffset;
    if (records === null) return next;
    for (const range of splitBatches(records as never)) {
      const decoded = decodeBatch(range);
      if (!decoded.ok) throw new Error(`a batch cannot be read: ${decoded.fault.kind}`);
      for (const { offset, value } of decoded.value) {
        if (offset < fetchOffset || value === null) continue;
        next = offset + 1;
        this.read++;
        const dueMs = stampOf(value);
        if (dueMs >= this.#fromMs) this.latencies.add(nowMs - dueMs);
      }
    }
    return next;
  }
}
