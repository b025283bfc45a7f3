// The project's own reader (K1), over the simulated wire: what it hands out of a partition has no holes and nothing twice,
// whatever befalls the brokers, and in the end it has everything.
import { kafkaOptions } from "../../../internal/kafka/options.ts";
import { KafkaServer } from "../../../internal/kafka/server.ts";
import type { FetchedRecord } from "../../../pkg/client/kafka/fetched-records.ts";
import { KafkaClient } from "../../../pkg/client/kafka/kafka-client.ts";
import { KafkaError } from "../../../pkg/client/kafka/kafka-error.ts";
import { Reader } from "../../../pkg/client/kafka/reader.ts";
import type { Book } from "../checkers/book.ts";
import { KAFKA_PORT, nameOf } from "../cluster/sim-cluster.ts";
import type { SimCluster } from "../cluster/sim-cluster.ts";
import type { Target } from "./gateway.ts";

/** Shorter than most faults, so that readers give up and are asked again. */
const RETRY_MS_MAX = 1_000;
const PAUSE_MS = 5;

/** Every broker serves Kafka's protocol from its next start on. */
export function serveKafka(cluster: SimCluster): void {
  cluster.listen({
    opened: (at, { world, services, settings }) => {
      const server = new KafkaServer(world, services, kafkaOptions(settings, "kafka"));
      void server.listen({ host: nameOf(at.id), port: KAFKA_PORT });
    },
  });
}

export class OwnReader {
  isDone = false;
  /** How many records it has handed out. */
  records = 0;
  readonly #cluster: SimCluster;
  readonly #book: Book;
  readonly #reader: Reader;
  /** By partition: the offset that comes next. */
  readonly #next = new Map<number, number>();
  #isStopping = false;

  constructor(cluster: SimCluster, book: Book, targets: readonly Target[]) {
    this.#cluster = cluster;
    this.#book = book;
    const world = cluster.simulation.node("own-reader").boot();
    const bootstrap = cluster.brokers.map(({ id }) => ({ host: nameOf(id), port: KAFKA_PORT }));
    const client = new KafkaClient(world, { bootstrap, retryMsMax: RETRY_MS_MAX });
    this.#reader = new Reader(client, { waitMsMax: 100 });
    for (const { topic, partition } of targets) this.#reader.add(topic, partition, 0);
  }

  stop(): void {
    this.#isStopping = true;
  }

  async run(): Promise<void> {
    while (!this.#isStopping || !this.#reader.isAtEnd) {
      try {
        this.#took(await this.#reader.poll());
      } catch (error) {
        // What does not pass in time is the caller's to hear; it asks again.
        if (!(error instanceof KafkaError) || !error.isRetriable) throw error;
      }
      await this.#cluster.simulation.sleepMs(PAUSE_MS);
    }
    this.isDone = true;
  }

  #took(records: readonly FetchedRecord[]): void {
    for (const { partition, offset } of records) {
      const expected = this.#next.get(partition) ?? 0;
      if (offset !== expected) {
        const what = `offset ${offset} of partition ${partition} in the place of ${expected}`;
        this.#book.verdict.report("own readers skip nothing", what);
      }
      this.#next.set(partition, offset + 1);
      this.records++;
    }
  }
}
