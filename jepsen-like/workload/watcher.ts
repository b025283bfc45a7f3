// Two observers of what brokers show while faults go on. The end watcher asks every broker for the latest offset of every
// partition, also those that do not lead: who answers claims to lead, and the answer must not be older than what was
// acknowledged before the question. A leader that was paused and took its time to notice is caught by that. The tail reader follows every partition on one broker,
// leader or follower, and remembers each batch that it was served and each high watermark.
import type { History } from "../history.ts";
import { MalformedAnswer } from "../wire/bytes.ts";
import type { BrokerAddress } from "../wire/connection.ts";
import { CODE } from "../wire/error-codes.ts";
import { readBatches } from "../wire/record-batch.ts";
import { FETCH, LIST_OFFSETS } from "../wire/requests.ts";
import type { FetchedPartition } from "../wire/requests.ts";
import { pause } from "./clock.ts";
import type { RunClock } from "./clock.ts";
import { Connections } from "./connections.ts";

const ANSWER_MS_MAX = 2_000;
const ASK_EVERY_MS = 100;

export interface Surroundings {
  readonly addresses: ReadonlyMap<number, BrokerAddress>;
  readonly topic: string;
  readonly history: History;
  readonly nowMs: RunClock;
}

export class EndWatcher {
  readonly #surroundings: Surroundings;
  readonly #partitions: readonly number[];
  readonly #connections: Connections;
  readonly #asking = new Set<number>();
  readonly #timer: NodeJS.Timeout;

  constructor(surroundings: Surroundings, partitions: number) {
    this.#surroundings = surroundings;
    this.#partitions = Array.from({ length: partitions }, (_, partition) => partition);
    this.#connections = new Connections(surroundings.addresses, "chaos-ends");
    this.#timer = setInterval(() => {
      for (const broker of surroundings.addresses.keys()) {
        if (!this.#asking.has(broker)) void this.#ask(broker);
      }
    }, ASK_EVERY_MS);
  }

  async #ask(broker: number): Promise<void> {
    const { topic, history, nowMs } = this.#surroundings;
    const link = this.#connections.to(broker);
    if (link === null) return;
    this.#asking.add(broker);
    const askedMs = nowMs();
    try {
      const question = { topic, partitions: this.#partitions };
      const ends = await link.connection.ask(LIST_OFFSETS, question, ANSWER_MS_MAX);
      const answeredMs = nowMs();
      for (const { partition, code, offset, leaderEpoch } of ends) {
        if (code !== CODE.none) history.countCode(`list-offsets ${code}`);
        else
          history.ends.push({ partition, broker, leaderEpoch, askedMs, answeredMs, end: offset });
      }
    } catch (error) {
      if (error instanceof MalformedAnswer) history.malformed.push(error.message);
    } finally {
      this.#asking.delete(broker);
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#connections.close();
  }
}

export class TailReader {
  readonly #surroundings: Surroundings;
  readonly #broker: number;
  readonly #incarnation: () => number;
  readonly #connections: Connections;
  readonly #offsets: number[];
  #isClosed = false;

  constructor(
    surroundings: Surroundings,
    broker: number,
    partitions: number,
    incarnation: () => number,
  ) {
    this.#surroundings = surroundings;
    this.#broker = broker;
    this.#incarnation = incarnation;
    this.#connections = new Connections(surroundings.addresses, `chaos-tail-${broker}`);
    this.#offsets = Array.from({ length: partitions }, () => 0);
    void this.#follow();
  }

  async #follow(): Promise<void> {
    const { topic, history } = this.#surroundings;
    while (!this.#isClosed) {
      const link = this.#connections.to(this.#broker);
      if (link === null) {
        await pause(50);
        continue;
      }
      const incarnation = this.#incarnation();
      const partitions = this.#offsets.map((offset, partition) => ({ partition, offset }));
      const question = { topic, waitMs: 200, bytesMin: 1, bytesMax: 1 << 19, partitions };
      try {
        const fetched = await link.connection.ask(FETCH, question, ANSWER_MS_MAX);
        // An answer that arrives after the broker was started again belongs to the earlier life.
        for (const one of fetched) this.#took(one, incarnation);
        // Served data is awaited by nobody else: a short pause keeps this reader from being the load.
        await pause(20);
      } catch (error) {
        if (error instanceof MalformedAnswer) history.malformed.push(error.message);
        await pause(50);
      }
    }
  }

  #took(fetched: FetchedPartition, incarnation: number): void {
    const { history } = this.#surroundings;
    const { partition, code, highWatermark, records } = fetched;
    if (code !== CODE.none) {
      history.countCode(`fetch ${code}`);
      return;
    }
    history.sawWatermark({ partition, broker: this.#broker, incarnation, highWatermark });
    for (const [header] of readBatches(records)) {
      const { baseOffset, crc, lastOffsetDelta } = header;
      const end = baseOffset + lastOffsetDelta + 1;
      if (end > highWatermark) {
        history.conflicts.push(
          `partition ${partition}: broker ${this.#broker} served offset ${end - 1} above its ` +
            `high watermark ${highWatermark}`,
        );
      }
      history.sawBatch({ partition, broker: this.#broker, baseOffset, crc });
      this.#offsets[partition] = Math.max(this.#offsets[partition] ?? 0, end);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#connections.close();
  }
}
