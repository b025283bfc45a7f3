// Who leads each partition, as the brokers' metadata tells it. Every broker is asked again and again, and the highest
// leader epoch wins: an old broker's old story never replaces a newer one.
import type { BrokerAddress } from "../wire/connection.ts";
import { MalformedAnswer } from "../wire/bytes.ts";
import { METADATA } from "../wire/requests.ts";
import type { History } from "../history.ts";
import { Connections } from "./connections.ts";

const ASK_EVERY_MS = 60;
const ANSWER_MS_MAX = 1_000;

export interface Leadership {
  readonly broker: number;
  readonly epoch: number;
}

export interface LeaderChange {
  readonly atMs: number;
  readonly partition: number;
  readonly broker: number;
  readonly epoch: number;
}

export class Leaders {
  /** Every change in the order in which this program learned of it. */
  readonly changes: LeaderChange[] = [];
  readonly #known = new Map<number, Leadership>();
  /** What a partition's leader itself said last of the replicas in sync, and when it was asked. */
  readonly #inSync = new Map<number, { readonly count: number; readonly askedMs: number }>();
  readonly #connections: Connections;
  readonly #brokers: readonly number[];
  readonly #asking = new Set<number>();
  readonly #timer: NodeJS.Timeout;
  readonly #topic: string;
  readonly #history: History;
  readonly #nowMs: () => number;

  constructor(
    addresses: ReadonlyMap<number, BrokerAddress>,
    topic: string,
    history: History,
    nowMs: () => number,
  ) {
    this.#connections = new Connections(addresses, "chaos-leaders");
    this.#brokers = [...addresses.keys()];
    this.#topic = topic;
    this.#history = history;
    this.#nowMs = nowMs;
    this.#timer = setInterval(() => this.#askAll(), ASK_EVERY_MS);
  }

  of(partition: number): Leadership | null {
    return this.#known.get(partition) ?? null;
  }

  partitionsOf(broker: number): number[] {
    return [...this.#known].flatMap(([partition, led]) =>
      led.broker === broker ? [partition] : [],
    );
  }

  /** How many replicas are in sync, as the leader said when it was asked after a moment; 0 before it did. */
  inSyncSince(partition: number, sinceMs: number): number {
    const said = this.#inSync.get(partition);
    return said !== undefined && said.askedMs >= sinceMs ? said.count : 0;
  }

  #askAll(): void {
    for (const broker of this.#brokers) {
      if (!this.#asking.has(broker)) void this.#ask(broker);
    }
  }

  async #ask(broker: number): Promise<void> {
    const link = this.#connections.to(broker);
    if (link === null) return;
    this.#asking.add(broker);
    const askedMs = this.#nowMs();
    try {
      const { topics } = await link.connection.ask(METADATA, [this.#topic], ANSWER_MS_MAX);
      for (const { partition, leader, leaderEpoch, isr } of topics[0]?.partitions ?? []) {
        if (leader >= 0) this.#learn(partition, leader, leaderEpoch);
        if (leader === broker) this.#inSync.set(partition, { count: isr.length, askedMs });
      }
    } catch (error) {
      if (error instanceof MalformedAnswer) this.#history.malformed.push(error.message);
    } finally {
      this.#asking.delete(broker);
    }
  }

  #learn(partition: number, broker: number, epoch: number): void {
    const known = this.#known.get(partition);
    if (known !== undefined && known.epoch >= epoch) {
      // Two leaders in one term must never be seen.
      if (known.epoch === epoch && known.broker !== broker) {
        this.#history.conflicts.push(
          `partition ${partition}: brokers ${known.broker} and ${broker} both lead epoch ${epoch}`,
        );
      }
      return;
    }
    this.#known.set(partition, { broker, epoch });
    this.changes.push({ atMs: this.#nowMs(), partition, broker, epoch });
  }

  close(): void {
    clearInterval(this.#timer);
    this.#connections.close();
  }
}
