// Creates and deletes topics beside everything else, one question after the other, writes into them and reads them back.
// It asks any broker and knows nothing but the answers.
import { HANG_MS } from "../patience.ts";
import type { Random } from "../random.ts";
import { Connection } from "../wire/connection.ts";
import type { BrokerAddress } from "../wire/connection.ts";
import { CODE } from "../wire/error-codes.ts";
import { encodeBatch, readBatches, readValues } from "../wire/record-batch.ts";
import { CREATE_TOPICS, DELETE_TOPICS, FETCH, METADATA, PRODUCE } from "../wire/requests.ts";
import type { Api } from "../wire/requests.ts";
import { pause } from "../workload/clock.ts";
import type { RunClock } from "../workload/clock.ts";
import { decodeValue, encodeValue } from "../workload/value.ts";
import type { TopicEvent } from "./topic-history.ts";

/** Names in use at a time. */
const NAMES = 4;
/** Values of this one look like those of a lane that no producer has. */
const LANE = 1_000_000;
const NO_PRODUCER = { id: -1, epoch: -1, baseSequence: -1 };
const CHANGE_MS_MAX = 12_000;
const ANSWER_MS_MAX = 3_000;
const PAUSE_MS_MAX = 400;

export interface ChurnOptions {
  readonly addresses: ReadonlyMap<number, BrokerAddress>;
  readonly run: string;
  readonly random: Random;
  readonly nowMs: RunClock;
}

export class TopicChurn {
  readonly events: TopicEvent[] = [];
  readonly #options: ChurnOptions;
  readonly #churning: Promise<void>;
  #isCalm = false;
  #values = 0;
  #names = Array.from({ length: NAMES }, (_, k) => `churn-${k}`);
  #namesUsed = NAMES;

  constructor(options: ChurnOptions) {
    this.#options = options;
    this.#churning = this.#churn();
  }

  /** Names that are there for certain, by what was answered last. */
  #standing(): readonly string[] {
    return this.#names.filter((name) => {
      const last = this.events.findLast((event) => event.name === name && "outcome" in event);
      if (last === undefined || !("outcome" in last)) return false;
      return last.outcome === "exists" || (last.outcome === "done" && last.is === "create");
    });
  }

  async #churn(): Promise<void> {
    const { random } = this.#options;
    while (!this.#isCalm) {
      const name = random.pick(this.#names);
      const isThere = this.#standing().includes(name);
      if (!isThere) await this.#change("create", name);
      else if (random.chance(0.4)) await this.#change("delete", name);
      else if (random.chance(0.7)) await this.#append(name);
      else await this.#read(name);
      await pause(random.between(50, PAUSE_MS_MAX));
    }
  }

  /** When nothing is harmed any more: every broker lists what is there and nothing else, and it is read once more. */
  async settle(): Promise<readonly TopicEvent[]> {
    this.#isCalm = true;
    await this.#churning;
    const giveUpAtMs = this.#options.nowMs() + HANG_MS;
    for (const name of this.#standing()) {
      while (!(await this.#read(name)) && this.#options.nowMs() < giveUpAtMs) await pause(200);
    }
    for (const [broker, address] of this.#options.addresses) {
      while (!(await this.#list(broker, address)) && this.#options.nowMs() < giveUpAtMs) {
        await pause(200);
      }
    }
    return this.events;
  }

  /** What has no answer may still take effect, at any time: nobody can say any more what must be under the name. */
  #retire(name: string): void {
    this.#names = this.#names.map((one) => (one === name ? `churn-${this.#namesUsed++}` : one));
  }

  async #change(is: "create" | "delete", name: string): Promise<void> {
    const sentMs = this.#options.nowMs();
    const address = this.#anybody();
    const asking =
      is === "create"
        ? ask(address, CREATE_TOPICS, { name, partitions: 1, replicationFactor: 3 }, CHANGE_MS_MAX)
        : ask(address, DELETE_TOPICS, name, CHANGE_MS_MAX);
    const code = await asking.then((answer) => answer.code).catch(() => null);
    const answeredMs = this.#options.nowMs();
    const outcome =
      code === CODE.none
        ? "done"
        : is === "create" && code === CODE.topicAlreadyExists
          ? "exists"
          : is === "delete" && code === CODE.unknownTopicOrPartition
            ? "missing"
            : "unknown";
    this.events.push({ is, name, sentMs, answeredMs, outcome });
    if (outcome === "unknown") this.#retire(name);
  }

  async #append(name: string): Promise<void> {
    const { run, nowMs } = this.#options;
    const leader = await this.#leaderOf(name);
    if (leader === null) return;
    const value = this.#values++;
    const bytes = encodeValue(run, { lane: LANE, counter: value }, 20);
    const batch = encodeBatch([bytes], Date.now(), NO_PRODUCER);
    const sentMs = nowMs();
    const question = { topic: name, timeoutMs: ANSWER_MS_MAX, batches: [{ partition: 0, batch }] };
    const answer = await ask(leader, PRODUCE, question, ANSWER_MS_MAX).catch(() => []);
    const [first] = answer;
    if (first?.code === CODE.none) {
      const answeredMs = nowMs();
      this.events.push({ is: "append", name, sentMs, answeredMs, value, offset: first.baseOffset });
    } else this.#retire(name);
  }

  async #read(name: string): Promise<boolean> {
    const { run, nowMs } = this.#options;
    const leader = await this.#leaderOf(name);
    if (leader === null) return false;
    const sentMs = nowMs();
    const partitions = [{ partition: 0, offset: 0 }];
    const question = { topic: name, waitMs: 0, bytesMin: 0, bytesMax: 1 << 20, partitions };
    const fetched = await ask(leader, FETCH, question, ANSWER_MS_MAX).catch(() => []);
    const [first] = fetched;
    if (first?.code !== CODE.none) return false;
    const values: number[] = [];
    for (const [header, whole] of readBatches(first.records)) {
      for (const { offset, value } of readValues(header, whole)) {
        const found = decodeValue(run, value);
        values[offset] = found?.lane === LANE ? found.counter : -1;
      }
    }
    this.events.push({ is: "read", name, sentMs, answeredMs: nowMs(), values });
    return true;
  }

  /** True when the broker's answer is as it must be in the end; until then it may be behind, and nothing is noted. */
  async #list(broker: number, address: BrokerAddress): Promise<boolean> {
    const { nowMs } = this.#options;
    const sentMs = nowMs();
    const answer = await ask(address, METADATA, this.#names, ANSWER_MS_MAX).catch(() => null);
    if (answer === null) return false;
    const standing = new Set(this.#standing());
    const listed = this.#names.map((name) => {
      return [
        name,
        answer.topics.some((one) => one.name === name && one.code === CODE.none),
      ] as const;
    });
    const isRight = listed.every(([name, isThere]) => isThere === standing.has(name));
    if (!isRight && sentMs < this.#lastChangeMs() + HANG_MS / 2) return false;
    for (const [name, isThere] of listed) {
      this.events.push({ is: "listed", name, sentMs, answeredMs: nowMs(), broker, isThere });
    }
    return true;
  }

  #lastChangeMs(): number {
    return this.events.findLast((event) => "outcome" in event)?.answeredMs ?? 0;
  }

  #anybody(): BrokerAddress {
    return this.#options.random.pick([...this.#options.addresses.values()]);
  }

  async #leaderOf(name: string): Promise<BrokerAddress | null> {
    const answer = await ask(this.#anybody(), METADATA, [name], ANSWER_MS_MAX).catch(() => null);
    const leader = answer?.topics[0]?.partitions[0]?.leader ?? -1;
    return this.#options.addresses.get(leader) ?? null;
  }
}

async function ask<Q, A>(
  address: BrokerAddress,
  api: Api<Q, A>,
  question: Q,
  withinMs: number,
): Promise<A> {
  const connection = await Connection.open(address, "chaos-topics", 1_000);
  return connection.ask(api, question, withinMs).finally(() => connection.close());
}
