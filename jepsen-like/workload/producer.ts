// A producer over several partitions. At every tick it gathers what its lanes want to send and makes one Produce request
// for each broker, so that one request carries several partitions, as the clients of the world do.
import type { History } from "../history.ts";
import type { Random } from "../random.ts";
import { MalformedAnswer } from "../wire/bytes.ts";
import type { BrokerAddress } from "../wire/connection.ts";
import { CODE } from "../wire/error-codes.ts";
import { INIT_PRODUCER_ID, PRODUCE } from "../wire/requests.ts";
import type { RunClock } from "./clock.ts";
import { Connections } from "./connections.ts";
import type { Link } from "./connections.ts";
import { Flow } from "./lane.ts";
import type { Attempt } from "./lane.ts";
import type { Leaders } from "./leaders.ts";

const ANSWER_MS_MAX = 3_000;
const BROKER_MS_MAX = 2_500;

export interface ProducerOptions {
  readonly run: string;
  readonly topic: string;
  readonly producer: number;
  readonly isIdempotent: boolean;
  readonly partitions: readonly number[];
  readonly tickMs: number;
  /** How likely a lane makes a new batch at a tick, and how many records that has at most. */
  readonly batchChance: number;
  readonly recordsMax: number;
  readonly gzipEvery: number;
}

export class Producer {
  readonly flows: readonly Flow[];
  readonly #options: ProducerOptions;
  readonly #leaders: Leaders;
  readonly #history: History;
  readonly #random: Random;
  readonly #nowMs: RunClock;
  readonly #connections: Connections;
  readonly #brokers: readonly number[];
  readonly #timer: NodeJS.Timeout;
  readonly #flyingAt = new Map<number, number>();
  #isAskingSession = false;
  #isEnding = false;

  constructor(
    options: ProducerOptions,
    surroundings: {
      readonly addresses: ReadonlyMap<number, BrokerAddress>;
      readonly leaders: Leaders;
      readonly history: History;
      readonly random: Random;
      readonly nowMs: RunClock;
    },
  ) {
    this.#options = options;
    this.#leaders = surroundings.leaders;
    this.#history = surroundings.history;
    this.#random = surroundings.random;
    this.#nowMs = surroundings.nowMs;
    this.#brokers = [...surroundings.addresses.keys()];
    this.#connections = new Connections(
      surroundings.addresses,
      `chaos-producer-${options.producer}`,
    );
    const { run, isIdempotent, producer, gzipEvery } = options;
    const { history } = surroundings;
    this.flows = options.partitions.map(
      (partition) => new Flow({ run, history, isIdempotent, producer, partition, gzipEvery }),
    );
    this.#timer = setInterval(() => this.#tick(), options.tickMs);
  }

  /** Batches that are with a broker right now, unanswered. */
  flyingAt(broker: number): number {
    return this.#flyingAt.get(broker) ?? 0;
  }

  get unanswered(): number {
    return this.flows.reduce((sum, flow) => sum + flow.unanswered, 0);
  }

  /** Sends nothing new from now on; what is unanswered is still sent again. */
  end(): void {
    this.#isEnding = true;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#connections.close();
  }

  #tick(): void {
    const { batchChance, recordsMax } = this.#options;
    if (this.flows.some((flow) => flow.needsSession)) void this.#openSession();
    const nowMs = this.#nowMs();
    const byBroker = new Map<number, Attempt[]>();
    for (const flow of this.flows) {
      const leadership = this.#leaders.of(flow.partition);
      flow.follow(leadership);
      const wantsNew = !this.#isEnding && this.#random.chance(batchChance);
      if (leadership === null) continue;
      const link = this.#connections.to(leadership.broker);
      if (link === null) continue;
      const attempts = flow.take(nowMs, wantsNew ? this.#random.between(1, recordsMax) : 0);
      const all = byBroker.get(leadership.broker) ?? [];
      all.push(...attempts);
      byBroker.set(leadership.broker, all);
    }
    for (const [broker, attempts] of byBroker) this.#send(broker, attempts);
  }

  /** One batch of a partition per request: a second one goes into a second request on the same connection. */
  #send(broker: number, attempts: readonly Attempt[]): void {
    const link = this.#connections.to(broker);
    let rest = attempts;
    while (rest.length > 0) {
      const partitions = new Set<number>();
      const now: Attempt[] = [];
      const later: Attempt[] = [];
      for (const attempt of rest) {
        const isTaken = partitions.has(attempt.flow.partition);
        partitions.add(attempt.flow.partition);
        (isTaken ? later : now).push(attempt);
      }
      if (link === null) for (const attempt of now) attempt.flow.unsent(attempt);
      else void this.#request(broker, link, now);
      rest = later;
    }
  }

  async #request(broker: number, link: Link, attempts: readonly Attempt[]): Promise<void> {
    const { topic } = this.#options;
    for (const { open } of attempts) open.batch.link = link.link;
    this.#flyingAt.set(broker, this.flyingAt(broker) + attempts.length);
    const batches = attempts.map(({ flow, open }) => ({
      partition: flow.partition,
      batch: open.bytes,
    }));
    try {
      const question = { topic, timeoutMs: BROKER_MS_MAX, batches };
      const answers = await link.connection.ask(PRODUCE, question, ANSWER_MS_MAX);
      const nowMs = this.#nowMs();
      for (const attempt of attempts) {
        const answer = answers.find(({ partition }) => partition === attempt.flow.partition);
        if (answer === undefined) {
          this.#history.malformed.push("an answer to Produce lacks a partition");
          attempt.flow.refused(attempt, null, nowMs);
        } else if (answer.code === CODE.none) {
          attempt.flow.acked(attempt, answer.baseOffset, nowMs);
        } else {
          this.#history.refused(answer.code);
          attempt.flow.refused(attempt, answer.code, nowMs);
        }
      }
    } catch (error) {
      if (error instanceof MalformedAnswer) this.#history.malformed.push(error.message);
      this.#history.countCode("produce without answer");
      for (const attempt of attempts) attempt.flow.refused(attempt, null, this.#nowMs());
    } finally {
      this.#flyingAt.set(broker, this.flyingAt(broker) - attempts.length);
    }
  }

  /** Any broker may give a producer id; every session of a producer's lanes is the same one. */
  async #openSession(): Promise<void> {
    if (this.#isAskingSession) return;
    const link = this.#connections.to(this.#random.pick(this.#brokers));
    if (link === null) return;
    this.#isAskingSession = true;
    try {
      const identity = await link.connection.ask(INIT_PRODUCER_ID, null, ANSWER_MS_MAX);
      if (identity.code !== CODE.none) {
        this.#history.countCode(`init-producer-id ${identity.code}`);
        return;
      }
      for (const flow of this.flows) if (flow.needsSession) flow.begin(identity);
    } catch (error) {
      if (error instanceof MalformedAnswer) this.#history.malformed.push(error.message);
    } finally {
      this.#isAskingSession = false;
    }
  }
}
