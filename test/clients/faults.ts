// Brokers that die: killed as the system kills (SIGKILL), one at a time, and started again. The next one is killed only when
// the last one is back in every in-sync set, so that a majority of each partition lives all along and clients may expect service.
import { setTimeout as pause } from "node:timers/promises";
import { eventually } from "../../jepsen-like/cluster/cluster.ts";
import type { Cluster } from "../../jepsen-like/cluster/cluster.ts";
import { coordinatorOf, describe, leaderOf } from "./ask.ts";
import type { Addresses } from "./ask.ts";

/** Longer than an election, shorter than clients' patience. */
const DOWN_MS = 2_000;
const BACK_MS_MAX = 30_000;
const FOUND_MS_MAX = 10_000;

export class Faults {
  readonly #cluster: Cluster;
  readonly #brokers: Addresses;
  /** Kills so far: a check that meant to kill and did not must not pass. */
  kills = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(cluster: Cluster, brokers: Addresses) {
    this.#cluster = cluster;
    this.#brokers = brokers;
  }

  killLeader(topic: string, partition = 0): Promise<void> {
    return this.#killFound([topic], () => leaderOf(this.#brokers, topic, partition));
  }

  /** `topic` is waited for as well, where the group reads it. */
  killCoordinator(group: string, topic?: string): Promise<void> {
    const topics = ["__consumer_offsets", ...(topic === undefined ? [] : [topic])];
    return this.#killFound(topics, () => coordinatorOf(this.#brokers, group));
  }

  killController(): Promise<void> {
    return this.#killFound([], async () => {
      const { controllerId } = await describe(this.#brokers, "__consumer_offsets");
      if (controllerId < 0) throw new Error("no broker is the controller");
      return controllerId;
    });
  }

  /** Nobody is dying or coming back. */
  async settled(): Promise<void> {
    await this.#last;
    await this.whole([]);
  }

  /** All brokers run, know each other, and hold every partition of `topics`. */
  async whole(topics: readonly string[]): Promise<void> {
    this.#cluster.startAll();
    await this.#cluster.ready(BACK_MS_MAX);
    await eventually("a broker is not in sync", BACK_MS_MAX, async () => {
      for (const topic of topics) {
        const partitions = (await describe(this.#brokers, topic)).topics[0]?.partitions ?? [];
        const behind = partitions.filter(({ isr, replicas }) => isr.length < replicas.length);
        if (behind.length > 0) throw new Error(`${behind.length} partitions of ${topic}`);
      }
    });
  }

  /** One kill at a time: a scenario that failed early must not leave two brokers dead. */
  #killFound(topics: readonly string[], find: () => Promise<number>): Promise<void> {
    const killed = this.#last.then(() => this.#kill(topics, find));
    this.#last = killed.catch(() => {});
    return killed;
  }

  async #kill(topics: readonly string[], find: () => Promise<number>): Promise<void> {
    await this.whole(topics);
    let victim = 0;
    await eventually("nobody to kill", FOUND_MS_MAX, async () => {
      victim = await find();
    });
    const broker = this.#cluster.broker(victim);
    const signal = await broker.end("SIGKILL");
    if (signal !== "SIGKILL") throw new Error(`broker ${victim} was not killed: ${signal}`);
    this.kills++;
    await pause(DOWN_MS);
    broker.start();
    await this.whole(topics);
  }
}
