// The part of the Admin service that is about topics.
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { isUuid } from "../bytes/uuid.ts";
import type { BrokerId, TopicId } from "../model/ids.ts";
import type { World } from "../ports/world.ts";
import type {
  AdminFault,
  ClusterService,
  NewTopic,
  TopicView,
} from "../service/cluster-service.ts";
import { waitMs } from "./calls.ts";
import type { AnyCall, ServeUnary } from "./calls.ts";
import type {
  Assignment,
  CreatePartitionsRequest,
  CreatePartitionsResponse,
  CreateTopicRequest,
  CreateTopicResponse,
  DeleteTopicRequest,
  DeleteTopicResponse,
  DescribeTopicRequest,
  DescribeTopicResponse,
  ListTopicsRequest,
  ListTopicsResponse,
  TopicSummary,
} from "./generated/admin.ts";
import { TOPICS_PER_PAGE_MAX } from "./limits.ts";
import type { GrpcLimits } from "./limits.ts";
import { INTERNAL, invalid, shown } from "./refusal.ts";
import type { Refusal } from "./refusal.ts";
import { refuseAdmin } from "./status-table.ts";

const DEFAULT = -1;
const FACTOR_MAX = 0x7fff;
/** Of brokers and partitions, and of how many partitions: what the controller's requests can carry. */
const NUMBER_MAX = 0x7fff_ffff;

export class AdminTopics {
  readonly #world: World;
  readonly #cluster: ClusterService;
  readonly #limits: GrpcLimits;

  constructor(world: World, cluster: ClusterService, limits: GrpcLimits) {
    this.#world = world;
    this.#cluster = cluster;
    this.#limits = limits;
  }

  readonly createTopic: ServeUnary<CreateTopicRequest, CreateTopicResponse> = async (
    request,
    call,
  ) => {
    const topic = newTopic(request);
    if (!topic.ok) return topic;
    const withinMs = this.#withinMs(call);
    const outcomes = await this.#cluster.createTopics(
      [topic.value],
      request.validateOnly,
      withinMs,
    );
    const created = onlyOutcome(outcomes);
    if (!created.ok) return created;
    const { topicId, partitions, factor } = created.value;
    return ok({ topicId, partitions, replicationFactor: factor });
  };

  readonly deleteTopic: ServeUnary<DeleteTopicRequest, DeleteTopicResponse> = async (
    request,
    call,
  ) => {
    const named = nameOrId(request);
    if (!named.ok) return named;
    const outcomes = await this.#cluster.deleteTopics([named.value], this.#withinMs(call));
    const deleted = onlyOutcome(outcomes);
    return deleted.ok ? ok({}) : deleted;
  };

  readonly listTopics: ServeUnary<ListTopicsRequest, ListTopicsResponse> = async (request) => {
    const { prefix, pageToken, includeInternal } = request;
    const pageSize = Math.min(request.pageSize || TOPICS_PER_PAGE_MAX, TOPICS_PER_PAGE_MAX);
    const names: string[] = [];
    for (const name of this.#cluster.topicNames()) {
      if (name.startsWith(prefix) && name > pageToken) names.push(name);
    }
    names.sort();
    const topics: TopicSummary[] = [];
    for (const name of names) {
      const topic = this.#cluster.topicNamed(name);
      if (topic === null || (topic.isInternal && !includeInternal)) continue;
      if (topics.length === pageSize) {
        return ok({ topics, nextPageToken: topics.at(-1)?.name ?? "" });
      }
      const { topicId, isInternal } = topic;
      topics.push({ name, topicId, isInternal, partitions: topic.partitions.length });
    }
    return ok({ topics, nextPageToken: "" });
  };

  readonly describeTopic: ServeUnary<DescribeTopicRequest, DescribeTopicResponse> = async (
    request,
  ) => {
    const named = nameOrId(request);
    if (!named.ok) return named;
    const { name, topicId } = named.value;
    const topic =
      name !== null
        ? this.#cluster.topicNamed(name)
        : this.#cluster.topicWithId(topicId as TopicId);
    if (topic !== null) return ok(description(topic));
    const kind = name !== null ? "unknown-topic" : "unknown-topic-id";
    const detail = `There is no topic ${shown(name ?? topicId ?? "")}. Admin.ListTopics says which there are.`;
    return failed(refuseAdmin({ kind, detail }));
  };

  readonly createPartitions: ServeUnary<CreatePartitionsRequest, CreatePartitionsResponse> = async (
    request,
    call,
  ) => {
    const { topic: name, partitions: count, validateOnly } = request;
    if (name === "") return failed(invalid("Name the topic."));
    if (count > NUMBER_MAX) return failed(invalid("No topic has that many partitions."));
    if (!request.assignments.every(fits)) return failed(NO_SUCH_NUMBER);
    // The new partitions follow the present ones, so their numbers only give the order.
    const assignments = request.assignments
      .toSorted((one, other) => one.partition - other.partition)
      .map(({ brokers }) => brokers as readonly BrokerId[]);
    const outcomes = await this.#cluster.createPartitions(
      [{ name, count, assignments }],
      validateOnly,
      this.#withinMs(call),
    );
    const created = onlyOutcome(outcomes);
    return created.ok ? ok({}) : created;
  };

  #withinMs(call: AnyCall): number {
    return waitMs(call, this.#world.clock.nowMs(), this.#limits.adminWaitMsMax);
  }
}

function newTopic(request: CreateTopicRequest): Result<NewTopic, Refusal> {
  const { name, partitions = DEFAULT, replicationFactor: factor = DEFAULT } = request;
  if (name === "") return failed(invalid("Name the topic to create."));
  if (partitions > NUMBER_MAX) return failed(invalid("No topic has that many partitions."));
  if (factor > FACTOR_MAX) return failed(invalid("No partition has that many replicas."));
  if (!request.assignments.every(fits)) return failed(NO_SUCH_NUMBER);
  const assignments = request.assignments.map(assignment);
  const configs = request.configs.map((config) => ({
    name: config.name,
    value: config.value ?? null,
  }));
  return ok({ name, partitions, factor, assignments, configs });
}

const NO_SUCH_NUMBER = invalid("An assignment names a partition or a broker that cannot exist.");

function fits({ partition, brokers }: Assignment): boolean {
  return partition <= NUMBER_MAX && brokers.every((broker) => broker <= NUMBER_MAX);
}

function assignment({ partition, brokers }: Assignment): NewTopic["assignments"][number] {
  return { partition, brokers: brokers as readonly BrokerId[] };
}

function nameOrId({
  name,
  topicId,
}: DescribeTopicRequest): Result<
  { readonly name: string | null; readonly topicId: TopicId | null },
  Refusal
> {
  if ((name === "") === (topicId === "")) {
    return failed(invalid("Say which topic: either its name or its topic_id."));
  }
  if (name !== "") return ok({ name, topicId: null });
  // Another text of the same bytes, or of none, could not be sent on.
  if (!isUuid(topicId)) return failed(invalid("topic_id is one that Admin.ListTopics tells."));
  return ok({ name: null, topicId: topicId as TopicId });
}

/** The answer to a request about one thing. */
export function onlyOutcome<T>(
  outcomes: readonly { readonly outcome: Result<T, AdminFault> }[],
): Result<T, Refusal> {
  const outcome = outcomes[0]?.outcome;
  if (outcome === undefined) return failed(INTERNAL);
  return outcome.ok ? outcome : failed(refuseAdmin(outcome.fault));
}

function description(topic: TopicView): DescribeTopicResponse {
  const { name, topicId, isInternal } = topic;
  const partitions = topic.partitions.map((view) => {
    const { partition, leaderEpoch, replicas, isr: inSync, offline } = view;
    const placed = { partition, leaderEpoch, replicas, inSync, offline };
    return view.leader === null ? placed : { ...placed, leader: view.leader };
  });
  return { name, topicId, isInternal, partitions };
}
