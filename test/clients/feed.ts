// Writes records for consumers to read, with the chaos test's own client and not with the client that is tried: what a group misses
// must not depend on what its client can produce. Record `n` is `v<n>:` and goes to partition `n % partitions`. Each partition
// has a producer of its own that the brokers deduplicate, so every record is stored once however often a leader dies.
import { setTimeout as pause } from "node:timers/promises";
import { INIT_PRODUCER_ID, PRODUCE } from "../../jepsen-like/wire/requests.ts";
import { encodeBatch } from "../../jepsen-like/wire/record-batch.ts";
import { askAny, leaderOf, withBroker } from "./ask.ts";
import type { Addresses } from "./ask.ts";

const PORTION_EVERY_MS = 100;
const ANSWER_MS_MAX = 5_000;
const TRIES_MAX = 200;
const RETRY_MS = 100;
const DUPLICATE = 46;

interface Lane {
  readonly partition: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  sequence: number;
  leader: number;
}

export class Feed {
  readonly #brokers: Addresses;
  readonly #topic: string;
  readonly #lanes: readonly Lane[];
  /** How many records are stored: those below. */
  stored = 0;
  #isStopped = false;
  /** Nothing new until this is false again; what is on its way still arrives. */
  isPaused = false;
  #running: Promise<void> = Promise.resolve();

  private constructor(brokers: Addresses, topic: string, lanes: readonly Lane[]) {
    this.#brokers = brokers;
    this.#topic = topic;
    this.#lanes = lanes;
  }

  static async open(brokers: Addresses, topic: string, partitions: number): Promise<Feed> {
    const lanes: Lane[] = [];
    for (let partition = 0; partition < partitions; partition++) {
      const given = await askAny(brokers, INIT_PRODUCER_ID, null);
      if (given.code !== 0) throw new Error(`no producer id: error ${given.code}`);
      const { producerId, producerEpoch } = given;
      lanes.push({ partition, producerId, producerEpoch, sequence: 0, leader: 0 });
    }
    return new Feed(brokers, topic, lanes);
  }

  /** The next `count` records, stored when this resolves. */
  async more(count: number, timestampMs = Date.now()): Promise<void> {
    const end = this.stored + count;
    const portions = new Map<Lane, Buffer[]>();
    for (let n = this.stored; n < end; n++) {
      const lane = this.#lanes[n % this.#lanes.length] as Lane;
      const values = portions.get(lane);
      if (values === undefined) portions.set(lane, [Buffer.from(`v${n}:`)]);
      else values.push(Buffer.from(`v${n}:`));
    }
    await Promise.all([...portions].map((one) => this.#store(...one, timestampMs)));
    this.stored = end;
  }

  async #store(lane: Lane, values: readonly Buffer[], timestampMs: number): Promise<void> {
    const { producerId: id, producerEpoch: epoch, sequence: baseSequence, partition } = lane;
    const batch = encodeBatch(values, timestampMs, { id, epoch, baseSequence });
    let complaint = "";
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      try {
        lane.leader ||= await leaderOf(this.#brokers, this.#topic, partition);
        const question = { topic: this.#topic, timeoutMs: 2_000, batches: [{ partition, batch }] };
        const [answer] = await withBroker(this.#brokers.get(lane.leader), (broker) =>
          broker.ask(PRODUCE, question, ANSWER_MS_MAX),
        );
        if (answer?.code === 0 || answer?.code === DUPLICATE) {
          lane.sequence += values.length;
          return;
        }
        complaint = `error ${answer?.code}`;
      } catch (error) {
        complaint = (error as Error).message;
      }
      lane.leader = 0;
      await pause(RETRY_MS);
    }
    throw new Error(`the feed of ${this.#topic} cannot store partition ${partition}: ${complaint}`);
  }

  /** Goes on until `stop`, a portion for every partition ten times a second. */
  start(): void {
    this.#running = (async () => {
      while (!this.#isStopped) {
        if (!this.isPaused) await this.more(this.#lanes.length * 3);
        await pause(PORTION_EVERY_MS);
      }
    })();
    // Whoever stops the feed hears of it.
    this.#running.catch(() => {});
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }
}
