// A client of one cluster: it knows the brokers and leaders, keeps one connection to each broker that it needs, and tries
// again where a broker says that another try may succeed. Producer, reader and admin are built on it.
import type { Address } from "../../../internal/config/addresses.ts";
import { metadata } from "../../../internal/kafka/api/03-metadata.ts";
import type { MetadataResponse } from "../../../internal/kafka/api/03-metadata.ts";
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
  /** How long an answer may take: 30 s. */
  readonly requestMsMax?: number;
  /** How long an operation is tried again: 30 s. */
  readonly retryMsMax?: number;
}

export type ClusterMetadata = Complete<MetadataResponse>;
export type TopicMetadata = ClusterMetadata["topics"][number];
export type PartitionMetadata = TopicMetadata["partitions"][number];

/** The key of the connection to a bootstrap address, whose broker is not known. */
const BOOTSTRAP = -1;
/** How often a topic that is not to be created is looked for: another broker may have heard of it already. */
const MISSING_TRIES = 4;
const RETRY_MS_MIN = 20;
const RETRY_MS_MAX = 1_000;

export class KafkaClient {
  readonly world: ClientWorld;
  readonly requestMsMax: number;
  readonly retryMsMax: number;
  readonly #bootstrap: readonly Address[];
  readonly #clientId: string;
  readonly #brokers = new Map<number, Address>();
  readonly #topics = new Map<string, TopicMetadata>();
  /** By broker id. */
  readonly #connections = new Map<number, Promise<BrokerConnection>>();
  readonly #opened = new Set<BrokerConnection>();
  #hasConnected = false;
  #isClosed = false;

  constructor(world: ClientWorld, options: KafkaClientOptions) {
    this.world = world;
    this.#bootstrap = options.bootstrap;
    this.#clientId = options.clientId ?? "flotilla";
    this.requestMsMax = options.requestMsMax ?? 30_000;
    this.retryMsMax = options.retryMsMax ?? 30_000;
  }

  /** Asks any broker. `to` is a broker's id, or null. One try. */
  async request<Req, Res>(
    to: number | null,
    api: Api<Req, Res>,
    body: Draft<Req>,
    options: { readonly versionMax?: number } = {},
  ): Promise<Complete<Res>> {
    const connection = await (to === null ? this.#anyConnection() : this.#connectionTo(to));
    return connection.request(api, body, this.requestMsMax, options.versionMax);
  }

  /** Runs `attempt` until it succeeds, fails for good, or the time is over. */
  async retrying<T>(attempt: () => Promise<T>, retryMsMax = this.retryMsMax): Promise<T> {
    const { clock } = this.world;
    const giveUpAtMs = clock.upMs() + retryMsMax;
    for (let pauseMs = RETRY_MS_MIN; ; pauseMs = Math.min(2 * pauseMs, RETRY_MS_MAX)) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof KafkaError) || !this.#mayRetry(error)) throw error;
        if (clock.upMs() + pauseMs > giveUpAtMs) throw error;
      }
      await this.pause(pauseMs);
    }
  }

  /** A cluster that never answered is most likely not there: the caller hears of it at once. */
  #mayRetry(error: KafkaError): boolean {
    return error.isRetriable && (this.#hasConnected || error.kind !== "unreachable");
  }

  pause(pauseMs: number): Promise<void> {
    return new Promise((resolve) => void this.world.clock.after(pauseMs, resolve));
  }

  /** What the cluster says about itself and about the named topics, or about all of them. */
  async refresh(topics: readonly string[] | null, creates = false): Promise<ClusterMetadata> {
    const answer = await this.request(null, metadata, {
      topics: topics === null ? null : topics.map((name) => ({ name })),
      allowAutoTopicCreation: creates,
    });
    if (answer.errorCode !== 0) throw refused(answer.errorCode, "metadata");
    this.#brokers.clear();
    for (const { nodeId, host, port } of answer.brokers) this.#brokers.set(nodeId, { host, port });
    for (const topic of answer.topics) {
      if (topic.name !== null && topic.errorCode === 0) this.#topics.set(topic.name, topic);
    }
    return answer;
  }

  /** A topic with its partitions, as last heard; asks when nothing was heard yet. Creates it where that is allowed. */
  async topic(name: string, creates = false): Promise<TopicMetadata> {
    const known = this.#topics.get(name);
    if (known !== undefined) return known;
    let triesLeft = MISSING_TRIES;
    return this.retrying(async () => {
      const { topics } = await this.refresh([name], creates);
      const topic = topics.find((one) => one.name === name);
      const code = topic?.errorCode ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
      if (topic !== undefined && code === 0) return topic;
      const isMissing = code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
      if (isMissing && !creates && --triesLeft === 0)
        throw new KafkaError("refused", `there is no topic ${name}`);
      throw refused(code, `topic ${name}`);
    });
  }

  /** The broker that leads a partition; a retriable error while there is none. */
  async leaderOf(topic: string, partition: number): Promise<number> {
    const { partitions } = await this.topic(topic);
    const found = partitions.find(({ partitionIndex }) => partitionIndex === partition);
    if (found === undefined) {
      throw new KafkaError("refused", `topic ${topic} has no partition ${partition}`);
    }
    if (found.leaderId >= 0) return found.leaderId;
    this.forget(topic);
    throw refused(ErrorCode.LEADER_NOT_AVAILABLE, `partition ${partition} of ${topic}`);
  }

  /** What was heard about a topic is no longer true. */
  forget(topic: string): void {
    this.#topics.delete(topic);
  }

  close(): void {
    this.#isClosed = true;
    for (const connection of this.#opened) connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #anyConnection(): Promise<BrokerConnection> {
    for (const key of this.#connections.keys()) {
      const held = await this.#held(key);
      if (held !== null) return held;
    }
    for (const address of [...this.#bootstrap, ...this.#brokers.values()]) {
      const opened = await this.#open(BOOTSTRAP, address).catch(ignoreRetriable);
      if (opened !== null) return opened;
    }
    throw unreachable(this.#bootstrap);
  }

  async #connectionTo(broker: number): Promise<BrokerConnection> {
    const held = await this.#held(broker);
    if (held !== null) return held;
    const address = this.#brokers.get(broker);
    if (address !== undefined) return this.#open(broker, address);
    // A broker that is not listed any more is fenced or gone: the leader is another one by now.
    throw refused(ErrorCode.LEADER_NOT_AVAILABLE, `broker ${broker} is not listed`);
  }

  /** The open connection of a key; null when there is none, and none is being opened. */
  async #held(key: number): Promise<BrokerConnection | null> {
    for (;;) {
      const opening = this.#connections.get(key);
      if (opening === undefined) return null;
      const connection = await opening.catch(() => null); // whoever opens it hears of the failure
      if (connection?.isOpen === true) return connection;
      if (this.#connections.get(key) === opening) this.#connections.delete(key);
    }
  }

  async #open(key: number, address: Address): Promise<BrokerConnection> {
    const { world, requestMsMax } = this;
    const opening = BrokerConnection.open(world, address, this.#clientId, requestMsMax);
    this.#connections.set(key, opening);
    const connection = await opening;
    this.#hasConnected = true;
    if (this.#isClosed) connection.close();
    for (const one of this.#opened) if (!one.isOpen) this.#opened.delete(one);
    this.#opened.add(connection);
    return connection;
  }
}

function ignoreRetriable(error: unknown): null {
  if (error instanceof KafkaError && error.isRetriable) return null;
  throw error;
}
