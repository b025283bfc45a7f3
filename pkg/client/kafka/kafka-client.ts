// A client of one cluster: it knows the brokers and leaders, keeps one connection to each broker that it needs, and tries
// again where a broker says that another try may succeed. Producer, reader and admin are built on it.
import type { Address } from "../../../internal/config/addresses.ts";
import { showAddress } from "../../../internal/config/addresses.ts";
import { metadata } from "../../../internal/kafka/api/03-metadata.ts";
import type { MetadataResponse } from "../../../internal/kafka/api/03-metadata.ts";
import { apiVersions } from "../../../internal/kafka/api/18-api-versions.ts";
import type { Api } from "../../../internal/kafka/api/api.ts";
import { ErrorCode } from "../../../internal/kafka/codec/errors.ts";
import type { Complete, Draft } from "../../../internal/schema/message.ts";
import { BrokerConnection } from "./connection.ts";
import type { ClientWorld } from "./connection.ts";
import { KafkaError, refused, unreachable } from "./kafka-error.ts";

export interface KafkaClientOptions {
  /** Some brokers of the cluster; the others are learned. */
  readonly bootstrap: readonly Address[];
  readonly clientId?: string;
  /** How long an answer may take: 30 s. Questions that any broker answers from memory get 5 s of it. */
  readonly requestMsMax?: number;
  /** How long an operation is tried again: 30 s. Infinity: until it succeeds, also while no broker has answered yet. */
  readonly retryMsMax?: number;
  /** Told of an operation that goes on failing, each time that it is tried again. */
  readonly stillTrying?: (error: KafkaError) => void;
}

export type ClusterMetadata = Complete<MetadataResponse>;
export type TopicMetadata = ClusterMetadata["topics"][number];
export type PartitionMetadata = TopicMetadata["partitions"][number];

export interface PartitionLeader {
  readonly broker: number;
  readonly epoch: number;
}

export interface RequestOptions {
  /** Keeps the request below versions that look different. */
  readonly versionMax?: number;
  /** How long the answer may take, when less than the client's `requestMsMax`. */
  readonly withinMs?: number;
}

/** An address that did not answer is asked after all others for so long. */
const SHUNNED_MS = 5_000;
/** How often a topic that is not to be created is looked for: another broker may have heard of it already. */
const MISSING_TRIES = 4;
/** Failovers take less; what fails for longer is told of. */
const PATIENCE_MS = 2_000;
const RETRY_MS_MIN = 20;
const RETRY_MS_MAX = 1_000;

export class KafkaClient {
  readonly world: ClientWorld;
  readonly requestMsMax: number;
  /** For what is answered from memory: a broker that is late by so much is cut off, and another one knows as well. */
  readonly askMsMax: number;
  readonly retryMsMax: number;
  readonly #stillTrying: (error: KafkaError) => void;
  readonly #bootstrap: readonly Address[];
  readonly #clientId: string;
  readonly #brokers = new Map<number, Address>();
  readonly #topics = new Map<string, TopicMetadata>();
  /** Topics of which what was heard has turned out wrong. */
  readonly #stale = new Set<string>();
  /** By address. */
  readonly #connections = new Map<string, Promise<BrokerConnection>>();
  readonly #opened = new Set<BrokerConnection>();
  /** When an address failed last, by the monotonic clock. */
  readonly #failedAtMs = new Map<string, number>();
  /** Which of the known addresses is asked first when any will do. */
  #turn = 0;
  #hasConnected = false;
  /** Nothing is tried again after this, by the monotonic clock. */
  #endsAtMs = Number.POSITIVE_INFINITY;
  #isClosed = false;

  constructor(world: ClientWorld, options: KafkaClientOptions) {
    this.world = world;
    this.#bootstrap = options.bootstrap;
    this.#clientId = options.clientId ?? "flotilla";
    this.requestMsMax = options.requestMsMax ?? 30_000;
    this.askMsMax = Math.min(this.requestMsMax, 5_000);
    this.retryMsMax = options.retryMsMax ?? 30_000;
    this.#stillTrying = options.stillTrying ?? (() => {});
  }

  /** Asks a broker by its id, or any when `to` is null. One try. */
  async request<Req, Res>(
    to: number | null,
    api: Api<Req, Res>,
    body: Draft<Req>,
    { versionMax, withinMs = this.requestMsMax }: RequestOptions = {},
  ): Promise<Complete<Res>> {
    const [address, connection] =
      to === null ? await this.#anyConnection() : await this.#connectionTo(to);
    try {
      return await connection.request(api, body, Math.min(withinMs, this.requestMsMax), versionMax);
    } catch (error) {
      if (!connection.isOpen) this.#shun(address);
      throw error;
    }
  }

  /** Whether a listed broker answers this client just now. */
  async answers(broker: number): Promise<boolean> {
    const options = { withinMs: this.askMsMax };
    const answer = await this.request(broker, apiVersions, {}, options).catch(ignoreRetriable);
    return answer !== null;
  }

  /** Runs `attempt` until it succeeds, fails for good, or the time is over. */
  async retrying<T>(attempt: () => Promise<T>, retryMsMax = this.retryMsMax): Promise<T> {
    const { clock } = this.world;
    const startedMs = clock.upMs();
    for (let pauseMs = RETRY_MS_MIN; ; pauseMs = Math.min(2 * pauseMs, RETRY_MS_MAX)) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof KafkaError) || !this.#mayRetry(error)) throw error;
        const nowMs = clock.upMs();
        if (nowMs + pauseMs > Math.min(startedMs + retryMsMax, this.#endsAtMs)) {
          throw error.with(`gave up after ${Math.round((nowMs - startedMs) / 1_000)} s`);
        }
        this.failsSince(startedMs, error);
      }
      await this.pause(pauseMs);
    }
  }

  /** A cluster that never answered is most likely not there: who does not wait without an end hears of it at once. */
  #mayRetry(error: KafkaError): boolean {
    if (!error.isRetriable) return false;
    return this.#hasConnected || error.kind !== "unreachable" || this.retryMsMax === Infinity;
  }

  /** Something is tried again: whoever watches is told when it has failed for a while, or when no broker ever answered. */
  failsSince(sinceMs: number, error: KafkaError): void {
    const isNew = this.#hasConnected && this.world.clock.upMs() - sinceMs < PATIENCE_MS;
    if (!isNew) this.#stillTrying(error);
  }

  /** From now on nothing is tried for longer than this: the caller wants to end. */
  endWithin(ms: number): void {
    this.#endsAtMs = this.world.clock.upMs() + ms;
  }

  pause(pauseMs: number): Promise<void> {
    return new Promise((resolve) => void this.world.clock.after(pauseMs, resolve));
  }

  /**
   * What the cluster says about itself and about the named topics, or about all of them. Each call asks another broker: one
   * that is cut off from the others goes on saying what was true before.
   */
  async refresh(topics: readonly string[] | null, creates = false): Promise<ClusterMetadata> {
    this.#turn++;
    const answer = await this.request(
      null,
      metadata,
      {
        topics: topics === null ? null : topics.map((name) => ({ name })),
        allowAutoTopicCreation: creates,
      },
      creates ? {} : { withinMs: this.askMsMax },
    );
    if (answer.errorCode !== 0)
      throw refused(answer.errorCode, "cannot learn what the cluster has");
    this.#brokers.clear();
    for (const { nodeId, host, port } of answer.brokers) this.#brokers.set(nodeId, { host, port });
    for (const topic of answer.topics) {
      if (topic.name === null || topic.errorCode !== 0) continue;
      this.#topics.set(topic.name, newest(this.#topics.get(topic.name), topic));
      this.#stale.delete(topic.name);
    }
    return answer;
  }

  /** A topic with its partitions, as last heard; asks when nothing was heard yet. Creates it where that is allowed. */
  async topic(name: string, creates = false): Promise<TopicMetadata> {
    const known = this.#topics.get(name);
    if (known !== undefined && !this.#stale.has(name)) return known;
    let triesLeft = MISSING_TRIES;
    return this.retrying(async () => {
      try {
        return await this.lookUp(name, creates);
      } catch (error) {
        const isMissing = error instanceof KafkaError && error.kind === "missing";
        if (!isMissing || (!creates && --triesLeft === 0)) throw error;
        throw refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `topic ${name}`);
      }
    });
  }

  /** Asks a broker about a topic. One try, and a topic of which that broker has not heard yet is missing. */
  async lookUp(name: string, creates = false): Promise<TopicMetadata> {
    const { topics } = await this.refresh([name], creates);
    const code = topics.find((one) => one.name === name)?.errorCode;
    if (code === undefined || code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) {
      throw new KafkaError("missing", `there is no topic ${name}`);
    }
    const topic = this.#topics.get(name);
    if (code !== 0 || topic === undefined) throw refused(code, `topic ${name}`);
    return topic;
  }

  /** Who leads a partition; a retriable error while nobody does. */
  async leaderOf(topic: string, partition: number): Promise<PartitionLeader> {
    const { partitions } = await this.topic(topic);
    const found = partitions.find(({ partitionIndex }) => partitionIndex === partition);
    if (found === undefined) {
      throw new KafkaError("refused", `topic ${topic} has no partition ${partition}`);
    }
    if (found.leaderId >= 0) return { broker: found.leaderId, epoch: found.leaderEpoch };
    this.forget(topic);
    throw refused(ErrorCode.LEADER_NOT_AVAILABLE, `partition ${partition} of ${topic}`);
  }

  /** What was heard about a topic is no longer true. */
  forget(topic: string): void {
    this.#stale.add(topic);
  }

  close(): void {
    this.#isClosed = true;
    for (const connection of this.#opened) connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #anyConnection(): Promise<readonly [string, BrokerConnection]> {
    for (const address of this.#candidates()) {
      const connection = await this.#connection(address).catch(ignoreRetriable);
      if (connection !== null) return [showAddress(address), connection];
    }
    throw unreachable(this.#bootstrap);
  }

  /** All known addresses: from the one whose turn it is on, but those that failed just now come last. */
  #candidates(): readonly Address[] {
    const known = new Map<string, Address>();
    for (const address of [...this.#bootstrap, ...this.#brokers.values()]) {
      known.set(showAddress(address), address);
    }
    const list = [...known];
    const first = this.#turn % list.length;
    const sinceMs = this.world.clock.upMs() - SHUNNED_MS;
    const [well, shunned] = [false, true].map((isShunned) =>
      [...list.slice(first), ...list.slice(0, first)]
        .filter(([name]) => (this.#failedAtMs.get(name) ?? -Infinity) > sinceMs === isShunned)
        .map(([, address]) => address),
    );
    return [...(well ?? []), ...(shunned ?? [])];
  }

  async #connectionTo(broker: number): Promise<readonly [string, BrokerConnection]> {
    const address = this.#brokers.get(broker);
    // A broker that is not listed any more is fenced or gone: the leader is another one by now.
    if (address === undefined) {
      throw refused(ErrorCode.LEADER_NOT_AVAILABLE, `broker ${broker} is not listed`);
    }
    return [showAddress(address), await this.#connection(address)];
  }

  /** The connection to an address: the one that is open, or being opened, or a new one. */
  async #connection(address: Address): Promise<BrokerConnection> {
    const name = showAddress(address);
    for (;;) {
      const opening = this.#connections.get(name);
      if (opening === undefined) return this.#open(name, address);
      const connection = await opening.catch(() => null); // whoever opens it hears of the failure
      if (connection?.isOpen === true) return connection;
      if (this.#connections.get(name) === opening) this.#connections.delete(name);
    }
  }

  async #open(name: string, address: Address): Promise<BrokerConnection> {
    const opening = BrokerConnection.open(this.world, address, this.#clientId, this.askMsMax);
    this.#connections.set(name, opening);
    try {
      const connection = await opening;
      this.#hasConnected = true;
      if (this.#isClosed) connection.close();
      for (const one of this.#opened) if (!one.isOpen) this.#opened.delete(one);
      this.#opened.add(connection);
      return connection;
    } catch (error) {
      this.#shun(name);
      throw error;
    }
  }

  #shun(address: string): void {
    this.#failedAtMs.set(address, this.world.clock.upMs());
  }
}

/** What a broker that has fallen behind says of a partition does not replace what a newer leader epoch said. */
function newest(known: TopicMetadata | undefined, heard: TopicMetadata): TopicMetadata {
  if (known === undefined || known.topicId !== heard.topicId) return heard;
  const partitions = heard.partitions.map((partition) => {
    const before = known.partitions.find((one) => one.partitionIndex === partition.partitionIndex);
    const isOlder = before !== undefined && partition.leaderEpoch < before.leaderEpoch;
    return isOlder && partition.leaderEpoch >= 0 ? before : partition;
  });
  return { ...heard, partitions };
}

function ignoreRetriable(error: unknown): null {
  if (error instanceof KafkaError && error.isRetriable) return null;
  throw error;
}
