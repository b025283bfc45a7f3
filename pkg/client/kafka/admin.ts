// Administration of a cluster: topics, their configs, and what the cluster says about itself. Any broker takes these
// requests and hands them on to the controller.
import { listOffsets } from "../../../internal/kafka/api/02-list-offsets.ts";
import { createTopics } from "../../../internal/kafka/api/19-create-topics.ts";
import { deleteTopics } from "../../../internal/kafka/api/20-delete-topics.ts";
import { describeConfigs } from "../../../internal/kafka/api/32-describe-configs.ts";
import { createPartitions } from "../../../internal/kafka/api/37-create-partitions.ts";
import { incrementalAlterConfigs } from "../../../internal/kafka/api/44-incremental-alter-configs.ts";
import { describeQuorum } from "../../../internal/kafka/api/55-describe-quorum.ts";
import { describeCluster } from "../../../internal/kafka/api/60-describe-cluster.ts";
import { ErrorCode } from "../../../internal/kafka/codec/errors.ts";
import type { KafkaClient } from "./kafka-client.ts";
import { KafkaError, refused } from "./kafka-error.ts";

export interface NewTopic {
  readonly name: string;
  /** Left out: the cluster's default. */
  readonly partitions?: number;
  /** Left out: the cluster's default. */
  readonly replicationFactor?: number;
  readonly configs?: Readonly<Record<string, string>>;
}

export interface TopicConfig {
  readonly name: string;
  readonly value: string | null;
  /** Whether the topic has a value of its own. */
  readonly isOverride: boolean;
}

export interface ClusterBroker {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
  readonly isFenced: boolean;
}

export interface ClusterDescription {
  readonly clusterId: string;
  /** To whom administration may be sent; it says nothing about who leads the controller's group. */
  readonly controllerId: number;
  readonly brokers: readonly ClusterBroker[];
}

/** The log of the controller's group, as Kafka names it. */
const CONTROLLER_TOPIC = "__cluster_metadata";
/** A broker looks for the controller for five seconds itself. */
const CONTROLLER_MS_MAX = 8_000;
/** Kafka's number for a topic in requests about configs. */
const TOPIC = 2;
/** Kafka's number for a config's value that the topic itself has. */
const TOPIC_SOURCE = 1;
const SET = 0;
const DELETE = 1;
/** Instead of a timestamp: the end, and the beginning, of a partition. */
export const LATEST = -1;
export const EARLIEST = -2;

export class Admin {
  readonly #client: KafkaClient;

  constructor(client: KafkaClient) {
    this.#client = client;
  }

  async createTopic(topic: NewTopic, validateOnly = false): Promise<void> {
    const configs = Object.entries(topic.configs ?? {});
    const create = async (): Promise<void> => {
      const { topics } = await this.#client.request(null, createTopics, {
        topics: [
          {
            name: topic.name,
            numPartitions: topic.partitions ?? -1,
            replicationFactor: topic.replicationFactor ?? -1,
            assignments: [],
            configs: configs.map(([name, value]) => ({ name, value })),
          },
        ],
        timeoutMs: this.#timeoutMs,
        validateOnly,
      });
      check(topics[0], `cannot create topic ${topic.name}`);
    };
    const what = `cannot create topic ${topic.name}`;
    if (validateOnly) await this.#client.retrying(create);
    else await this.#once(what, create, () => this.#isThere(topic, what));
    this.#client.forget(topic.name);
  }

  /** By its id: asked again after a lost answer, it deletes no topic that was made under the name meanwhile. */
  async deleteTopic(name: string): Promise<void> {
    this.#client.forget(name);
    const { topicId } = await this.#client.topic(name);
    let mayBeDone = false;
    await this.#client.retrying(async () => {
      try {
        const topics = [{ name: null, topicId }];
        const body = { topics, topicNames: [name], timeoutMs: this.#timeoutMs };
        const { responses } = await this.#client.request(null, deleteTopics, body);
        finalIfMissing(responses[0], name);
        check(responses[0], `cannot delete topic ${name}`);
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        mayBeDone ||= error.isOutcomeUnknown;
        if (error.kind !== "missing" || !mayBeDone) throw error;
      }
    });
    this.#client.forget(name);
  }

  /** Raises the number of partitions to `count`. */
  async addPartitions(name: string, count: number): Promise<void> {
    const grow = async (): Promise<void> => {
      const { results } = await this.#client.request(null, createPartitions, {
        topics: [{ name, count, assignments: null }],
        timeoutMs: this.#timeoutMs,
        validateOnly: false,
      });
      finalIfMissing(results[0], name);
      check(results[0], `cannot change topic ${name}`);
    };
    await this.#once(`cannot change topic ${name}`, grow, async () => {
      const { partitions } = await this.#client.lookUp(name);
      return partitions.length >= count;
    });
    this.#client.forget(name);
  }

  async topicConfigs(name: string): Promise<readonly TopicConfig[]> {
    return this.#client.retrying(async () => {
      const { results } = await this.#client.request(null, describeConfigs, {
        resources: [{ resourceType: TOPIC, resourceName: name, configurationKeys: null }],
      });
      finalIfMissing(results[0], name);
      return check(results[0], `cannot describe topic ${name}`).configs.map((config) => ({
        name: config.name,
        value: config.value,
        isOverride: config.configSource === TOPIC_SOURCE,
      }));
    });
  }

  /** Sets configs of a topic; a null value takes the topic's own value away. */
  async alterTopicConfigs(
    name: string,
    changes: Readonly<Record<string, string | null>>,
  ): Promise<void> {
    const configs = Object.entries(changes).map(([config, value]) => ({
      name: config,
      configOperation: value === null ? DELETE : SET,
      value,
    }));
    const alter = async (): Promise<void> => {
      const { responses } = await this.#client.request(null, incrementalAlterConfigs, {
        resources: [{ resourceType: TOPIC, resourceName: name, configs }],
        validateOnly: false,
      });
      finalIfMissing(responses[0], name);
      check(responses[0], `cannot change topic ${name}`);
    };
    await this.#once(`cannot change topic ${name}`, alter, () => this.#hasOwn(name, changes));
  }

  /**
   * The offset of the first record with at least this timestamp in milliseconds, or of EARLIEST or LATEST. -1 when there is
   * no such record.
   */
  async offsetAt(topic: string, partition: number, timestampMs: number): Promise<number> {
    return this.#client.retrying(async () => {
      try {
        const { broker, epoch } = await this.#client.leaderOf(topic, partition);
        const asked = {
          partitionIndex: partition,
          currentLeaderEpoch: epoch,
          timestamp: timestampMs,
        };
        const answer = await this.#client.request(
          broker,
          listOffsets,
          {
            replicaId: -1,
            isolationLevel: 1,
            topics: [{ name: topic, partitions: [asked] }],
            timeoutMs: this.#timeoutMs,
          },
          { withinMs: this.#client.askMsMax },
        );
        const found = answer.topics[0]?.partitions[0];
        return check(found, `offsets of partition ${partition} of ${topic}`).offset;
      } catch (error) {
        this.#client.forget(topic);
        throw error;
      }
    });
  }

  async describeCluster(): Promise<ClusterDescription> {
    return this.#client.retrying(async () => {
      const answer = await this.#client.request(null, describeCluster, {
        endpointType: 1,
        includeFencedBrokers: true,
      });
      const { clusterId, controllerId, brokers } = check(answer, "cannot describe the cluster");
      return {
        clusterId,
        controllerId,
        brokers: brokers.map(({ brokerId, host, port, rack, isFenced }) => ({
          id: brokerId,
          host,
          port,
          rack,
          isFenced,
        })),
      };
    });
  }

  /** Who leads the controller's group, asked of itself: null when nobody does, so that whatever else is told may be old. */
  async controller(): Promise<number | null> {
    const topics = [{ topicName: CONTROLLER_TOPIC, partitions: [{ partitionIndex: 0 }] }];
    try {
      const options = { withinMs: CONTROLLER_MS_MAX };
      const answer = await this.#client.request(null, describeQuorum, { topics }, options);
      const found = answer.topics[0]?.partitions[0];
      return found?.errorCode === 0 && found.leaderId >= 0 ? found.leaderId : null;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      if (error.kind === "unsupported") return (await this.describeCluster()).controllerId;
      if (error.isOutcomeUnknown) return null;
      throw error;
    }
  }

  /**
   * Carries a change out, and sends it no second time once it may have been: somebody else may have changed the same thing
   * since, which a second time would undo. After a lost answer it looks until `isDone`, or the time is over.
   */
  async #once(
    what: string,
    change: () => Promise<void>,
    isDone: () => Promise<boolean>,
  ): Promise<void> {
    let lost: KafkaError | null = null;
    await this.#client.retrying(async () => {
      try {
        if (lost === null) return await change();
      } catch (error) {
        if (!(error instanceof KafkaError) || !error.isOutcomeUnknown) throw error;
        lost = error;
      }
      if (await isDone()) return;
      const words =
        "whether it was carried out is unknown, and it may still be: look before you repeat it";
      throw new KafkaError("timed-out", `${what}: ${words} (${lost?.message ?? ""})`);
    });
  }

  /** Whether a topic is there as it was asked for. */
  async #isThere({ name, partitions, replicationFactor, configs = {} }: NewTopic, what: string) {
    const found = await this.#client.lookUp(name).catch((error: unknown) => {
      if (error instanceof KafkaError && error.kind === "missing") return null;
      throw error;
    });
    if (found === null) return false;
    const factor = found.partitions[0]?.replicaNodes.length;
    const isAlike =
      found.partitions.length === (partitions ?? found.partitions.length) &&
      factor === (replicationFactor ?? factor) &&
      (await this.#hasOwn(name, configs));
    if (isAlike) return true;
    const words = "a topic of this name, and of another shape, already exists";
    throw refused(ErrorCode.TOPIC_ALREADY_EXISTS, what, words);
  }

  /** Whether a topic's own configs are these; null: it has none of its own. */
  async #hasOwn(name: string, wanted: Readonly<Record<string, string | null>>): Promise<boolean> {
    const entries = Object.entries(wanted);
    if (entries.length === 0) return true;
    const own = new Map<string, string | null>();
    for (const one of await this.topicConfigs(name))
      if (one.isOverride) own.set(one.name, one.value);
    return entries.every(([config, value]) => (own.get(config) ?? null) === value);
  }

  get #timeoutMs(): number {
    return Math.floor(this.#client.requestMsMax * 0.9);
  }
}

interface Outcome {
  readonly errorCode: number;
  readonly errorMessage?: string | null;
}

function check<T extends Outcome>(outcome: T | undefined, what: string): T {
  if (outcome === undefined) throw new KafkaError("protocol", `${what}: the answer is empty`);
  if (outcome.errorCode === 0) return outcome;
  throw refused(outcome.errorCode, what, outcome.errorMessage ?? null);
}

/** Clients try again when a topic is unknown, since it may be new; whoever administers it wants to hear of it. */
function finalIfMissing(outcome: Outcome | undefined, topic: string): void {
  const code = outcome?.errorCode;
  if (code !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION && code !== ErrorCode.UNKNOWN_TOPIC_ID) return;
  throw new KafkaError("missing", `there is no topic ${topic}`);
}
