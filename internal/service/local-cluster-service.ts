// Metadata and administration over this broker's image and the controller's client.
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { Topic } from "../cluster/cluster-state.ts";
import type {
  ControllerClient,
  ControllerFault,
  ControllerReply,
} from "../cluster/controller-requests.ts";
import type { MetadataImage } from "../cluster/image.ts";
import type { LeaderTable } from "../cluster/leaders.ts";
import { CREATED_TOPICS_MAX } from "../cluster/limits.ts";
import { controllerShown, partitionView } from "../cluster/metadata-view.ts";
import { newTopicId, topicNameRefusal } from "../cluster/topic-name.ts";
import type { LiveSettings } from "../config/live-settings.ts";
import type { BrokerId, ClusterId, LogIndex, Offset, TopicId } from "../model/ids.ts";
import { CONTROLLER_GROUP } from "../model/ids.ts";
import { isInternalTopic } from "../model/internal-topics.ts";
import type { Entropy } from "../ports/entropy.ts";
import { adminFault } from "./admin-fault.ts";
import type {
  AdminFault,
  BrokerView,
  ClusterService,
  ConfigTarget,
  ConfigView,
  CreatedTopic,
  NewTopic,
  QuorumView,
  TopicOutcome,
  TopicView,
} from "./cluster-service.ts";
import { brokerRefusal, otherBroker } from "./broker-changes.ts";
import type { AlteredResource } from "./broker-changes.ts";
import {
  brokerConfigViews,
  brokerDefaultViews,
  groupConfigViews,
  topicConfigViews,
} from "./config-views.ts";
import type { BrokerValues } from "./config-views.ts";

/** What this broker knows of the controller's group, for operators. */
export interface ControllerGroupFacts {
  readonly endIndex: (broker: BrokerId) => LogIndex;
  readonly voters: () => readonly BrokerId[];
  readonly commit: () => LogIndex;
}

export interface LocalClusterParts {
  readonly broker: BrokerId;
  readonly image: MetadataImage;
  readonly leaders: LeaderTable;
  readonly controller: ControllerClient;
  readonly settings: LiveSettings;
  readonly entropy: Entropy;
  readonly producerIds: { next(withinMs: number): Promise<Result<number, ControllerFault>> };
  readonly controllerGroup: ControllerGroupFacts;
}

export class LocalClusterService implements ClusterService {
  readonly #parts: LocalClusterParts;

  constructor(parts: LocalClusterParts) {
    this.#parts = parts;
  }

  get broker(): BrokerId {
    return this.#parts.broker;
  }

  get clusterId(): ClusterId | null {
    return this.#parts.image.clusterId;
  }

  get autoCreateTopics(): boolean {
    return this.#parts.settings.get("auto.create.topics.enable");
  }

  controller(): BrokerId {
    const { image, leaders, broker } = this.#parts;
    return controllerShown(image, leaders, CONTROLLER_GROUP, broker);
  }

  brokers(listener: string, withFenced: boolean): readonly BrokerView[] {
    const views: BrokerView[] = [];
    for (const { broker, rack, fenced, endpoints } of this.#parts.image.brokers()) {
      if (fenced && !withFenced) continue;
      const endpoint = endpoints.find((at) => at.listener === listener);
      if (endpoint === undefined) continue;
      views.push({ broker, host: endpoint.host, port: endpoint.port, rack, fenced });
    }
    return views.sort((a, b) => a.broker - b.broker);
  }

  topicNamed(name: string): TopicView | null {
    return this.#view(this.#parts.image.topicNamed(name));
  }

  topicWithId(topicId: TopicId): TopicView | null {
    return this.#view(this.#parts.image.topic(topicId));
  }

  *topicNames(): Iterable<string> {
    for (const topic of this.#parts.image.topics()) yield topic.name;
  }

  topicCount(): number {
    return this.#parts.image.topicCount;
  }

  isLegalTopicName(name: string): boolean {
    return topicNameRefusal(name) === null;
  }

  #view(topic: Topic | null): TopicView | null {
    if (topic === null) return null;
    const { image, leaders } = this.#parts;
    const { topicId, name } = topic;
    const partitions = topic.partitions.map((placement) =>
      partitionView(image, leaders, placement),
    );
    return { topicId, name, isInternal: isInternalTopic(name), partitions };
  }

  async autoCreate(
    names: readonly string[],
    withinMs: number,
  ): Promise<readonly TopicOutcome<CreatedTopic>[]> {
    const defaults = { partitions: -1, factor: -1, assignments: [], configs: [] };
    const topics = names.map((name) => ({ name, ...defaults }));
    return this.createTopics(topics, false, withinMs);
  }

  async createTopics(
    topics: readonly NewTopic[],
    validateOnly: boolean,
    withinMs: number,
  ): Promise<readonly TopicOutcome<CreatedTopic>[]> {
    if (topics.length > CREATED_TOPICS_MAX) {
      // As the controller would say; but not after such a request was copied and sent there.
      const detail = `One request creates at most ${CREATED_TOPICS_MAX} topics.`;
      const outcome = failed({ kind: "invalid-request", detail } as const);
      return topics.map(({ name }) => ({ name, outcome }));
    }
    const wanted = topics.map((topic) => ({ topicId: newTopicId(this.#parts.entropy), ...topic }));
    const reply = await this.#parts.controller.request<"create-topics">(
      { kind: "create-topics", topics: wanted, validateOnly, readyWithinMs: withinMs },
      withinMs,
    );
    if (!reply.ok) {
      const outcome = failed(adminFault(reply.fault));
      return topics.map(({ name }) => ({ name, outcome }));
    }
    return reply.value.topics.map(({ name, outcome }) =>
      this.#created(name, outcome, validateOnly || reply.value.ready),
    );
  }

  #created(
    name: string,
    outcome: ControllerReply<"create-topics">["topics"][number]["outcome"],
    isReady: boolean,
  ): TopicOutcome<CreatedTopic> {
    if (!outcome.ok) return { name, outcome: failed(adminFault(outcome.fault)) };
    const { topicId, partitions, factor, configs } = outcome.value;
    if (!isReady) {
      const detail = "The topic was created, but not every broker could serve it in time.";
      return { name, topicId, outcome: failed({ kind: "timed-out", detail }) };
    }
    const overrides = new Map(configs.map((config) => [config.name, config.value]));
    const views = topicConfigViews(overrides, factor, this.#brokerValues());
    return { name, topicId, outcome: ok({ topicId, partitions, factor, configs: views }) };
  }

  async deleteTopics(
    topics: readonly { readonly name: string | null; readonly topicId: TopicId | null }[],
    withinMs: number,
  ): ReturnType<ClusterService["deleteTopics"]> {
    const references = topics.map(({ name, topicId }) =>
      name === null ? { topicId: topicId as TopicId } : { name },
    );
    const reply = await this.#parts.controller.request<"delete-topics">(
      { kind: "delete-topics", topics: references },
      withinMs,
    );
    if (!reply.ok) {
      const outcome = failed(adminFault(reply.fault));
      return topics.map((topic) => ({ ...topic, outcome }));
    }
    return reply.value.topics.map(({ name, topicId, outcome }) => ({
      name,
      topicId,
      outcome: outcome.ok ? outcome : failed(adminFault(outcome.fault)),
    }));
  }

  async createPartitions(
    topics: Parameters<ClusterService["createPartitions"]>[0],
    validateOnly: boolean,
    withinMs: number,
  ): Promise<readonly TopicOutcome<null>[]> {
    const reply = await this.#parts.controller.request<"create-partitions">(
      { kind: "create-partitions", topics, validateOnly, readyWithinMs: withinMs },
      withinMs,
    );
    if (!reply.ok) {
      const outcome = failed(adminFault(reply.fault));
      return topics.map(({ name }) => ({ name, outcome }));
    }
    const isReady = validateOnly || reply.value.ready;
    return reply.value.topics.map(({ name, outcome }) => {
      if (!outcome.ok) return { name, outcome: failed(adminFault(outcome.fault)) };
      const detail = "The partitions were added, but not every broker could serve them in time.";
      return { name, outcome: isReady ? outcome : failed({ kind: "timed-out", detail }) };
    });
  }

  describeConfigs(
    target: ConfigTarget,
    names: readonly string[] | null,
  ): Result<readonly ConfigView[], AdminFault> {
    const views = this.#configViews(target);
    if (!views.ok || names === null) return views;
    const wanted = new Set(names);
    return ok(views.value.filter((view) => wanted.has(view.name)));
  }

  #configViews(target: ConfigTarget): Result<readonly ConfigView[], AdminFault> {
    const { image, broker } = this.#parts;
    if (target.resource === "group") {
      return ok(groupConfigViews(image.groupConfigs(target.name), this.#brokerValues()));
    }
    if (target.resource === "broker") {
      if (target.broker === null) return ok(brokerDefaultViews(image.brokerConfigs(null)));
      if (target.broker !== broker) return failed(otherBroker(target.broker));
      return ok(brokerConfigViews(this.#brokerValues()));
    }
    const illegal = illegalTopic(target.name);
    if (illegal !== null) return failed(illegal);
    const topic = image.topicNamed(target.name);
    if (topic === null) {
      return failed({ kind: "unknown-topic", detail: `There is no topic ${target.name}.` });
    }
    const overrides = new Map(topic.configs.map(({ name, value }) => [name, value]));
    const factor = topic.partitions[0]?.replicas.length ?? 1;
    return ok(topicConfigViews(overrides, factor, this.#brokerValues()));
  }

  #brokerValues(): BrokerValues {
    const { image, broker, settings } = this.#parts;
    return { settings, own: image.brokerConfigs(broker), forAll: image.brokerConfigs(null) };
  }

  configuredGroups(): Iterable<string> {
    return this.#parts.image.configuredGroups();
  }

  async alterConfigs(
    resources: readonly AlteredResource[],
    mode: "replace" | "incremental",
    validateOnly: boolean,
    withinMs: number,
  ): Promise<readonly Result<null, AdminFault>[]> {
    const { image, broker, settings } = this.#parts;
    const refusals = resources.map((resource) => {
      const { of } = resource;
      if (of.resource === "topic") return illegalTopic(of.name);
      return brokerRefusal(resource, mode, broker, image, settings);
    });
    const accepted = resources.filter((_, at) => refusals[at] === null);
    const outcomes = await this.#altered(accepted, mode, validateOnly, withinMs);
    let next = 0;
    return refusals.map((refusal) => {
      if (refusal !== null) return failed(refusal);
      return outcomes[next++] as Result<null, AdminFault>;
    });
  }

  async #altered(
    resources: readonly AlteredResource[],
    mode: "replace" | "incremental",
    validateOnly: boolean,
    withinMs: number,
  ): Promise<readonly Result<null, AdminFault>[]> {
    if (resources.length === 0) return [];
    const { controller } = this.#parts;
    const reply =
      mode === "incremental"
        ? await controller.request<"alter-configs-incrementally">(
            { kind: "alter-configs-incrementally", resources, validateOnly },
            withinMs,
          )
        : await controller.request<"alter-configs">(
            {
              kind: "alter-configs",
              resources: resources.map(({ of, changes }) => ({ of, configs: changes })),
              validateOnly,
            },
            withinMs,
          );
    if (!reply.ok) return resources.map(() => failed(adminFault(reply.fault)));
    return reply.value.outcomes.map((outcome) =>
      outcome.ok ? outcome : failed(adminFault(outcome.fault)),
    );
  }

  async allocateProducerId(withinMs: number): Promise<Result<number, AdminFault>> {
    const next = await this.#parts.producerIds.next(withinMs);
    return next.ok ? next : failed(adminFault(next.fault));
  }

  controllerQuorum(): QuorumView {
    const { leaders, controllerGroup } = this.#parts;
    return {
      leader: leaders.leaderOf(CONTROLLER_GROUP),
      leaderEpoch: leaders.highestTerm(CONTROLLER_GROUP),
      highWatermark: controllerGroup.commit() as number as Offset,
      voters: controllerGroup
        .voters()
        .map((broker) => ({ broker, endIndex: controllerGroup.endIndex(broker) })),
    };
  }
}

function illegalTopic(name: string): AdminFault | null {
  const detail = topicNameRefusal(name);
  return detail === null ? null : { kind: "invalid-topic-name", detail };
}
