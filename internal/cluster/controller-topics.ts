// Handlers of topics: create, delete, add partitions. Each topic of a request has its own outcome; what one topic adds
// is seen by the checks of the next.
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { Term, TopicId } from "../model/ids.ts";
import { isInternalTopic } from "../model/internal-topics.ts";
import type { ClusterState, Topic } from "./cluster-state.ts";
import { foldName } from "./cluster-state.ts";
import type { ControllerContext, Handler } from "./controller-context.ts";
import { refuse } from "./controller-context.ts";
import type {
  ControllerFault,
  CreatedTopic,
  NewTopic,
  TopicOutcome,
  TopicReference,
} from "./controller-requests.ts";
import { CREATED_TOPICS_MAX, RECREATED_TERM_STEP } from "./limits.ts";
import { configsRefusal, overrides, topicRules } from "./overrides.ts";
import { isId } from "./random-id.ts";
import type { ControllerRecord } from "./records.ts";
import { TopicDraft } from "./topic-draft.ts";
import { topicNameRefusal } from "./topic-name.ts";

type TopicCreated = Extract<ControllerRecord, { kind: "topic-created" }>;

const FACTOR_MAX = 32_767;

export const createTopics: Handler<"create-topics"> = (state, request, context) => {
  if (request.topics.length > CREATED_TOPICS_MAX) {
    return refuse("invalid-request", `One request creates at most ${CREATED_TOPICS_MAX} topics.`);
  }
  const draft = new TopicDraft(state, context);
  const records: TopicCreated[] = [];
  const earlier: Earlier = { names: new Map(), ids: new Set() };
  const repeated = namedTwice(request.topics.map((topic) => topic.name));
  const topics = request.topics.map((topic): TopicOutcome<CreatedTopic> => {
    const { name } = topic;
    if (repeated.has(name)) {
      const outcome = refuse("duplicate-topic", "The request names this topic more than once.");
      return { name, outcome };
    }
    const refusal = nameRefusal(state, earlier, topic);
    if (refusal !== null) return { name, outcome: failed(refusal) };
    const created = createTopic(state, draft, topic, context);
    if (!created.ok) return { name, outcome: created };
    records.push(created.value);
    earlier.names.set(foldName(name), name);
    earlier.ids.add(topic.topicId);
    return { name, outcome: ok(describeTopic(created.value)) };
  });
  const reply = { kind: "create-topics", topics, ready: true } as const;
  return ok({ records: request.validateOnly ? [] : records, reply });
};

/** Topics that the request adds before the one that is judged: by folded name, and by id. */
interface Earlier {
  readonly names: Map<string, string>;
  readonly ids: Set<TopicId>;
}

function describeTopic(topic: TopicCreated): CreatedTopic {
  const { topicId, configs, partitions } = topic;
  const factor = partitions[0]?.replicas.length ?? 0;
  return { topicId, partitions: partitions.length, factor, configs };
}

function namedTwice(names: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) repeated.add(name);
    seen.add(name);
  }
  return repeated;
}

function nameRefusal(
  state: Readonly<ClusterState>,
  earlier: Earlier,
  topic: NewTopic,
): ControllerFault | null {
  const { name, topicId } = topic;
  const refusal = topicNameRefusal(name);
  if (refusal !== null) return { kind: "invalid-topic-name", detail: refusal };
  if (state.topicNamed(name) !== null) {
    return { kind: "topic-exists", detail: `Topic '${name}' already exists.` };
  }
  const other = state.topicNamedLike(name)?.name ?? earlier.names.get(foldName(name));
  if (other !== undefined) {
    const detail = `Topic '${name}' collides with topic '${other}': . and _ count as equal.`;
    return { kind: "name-collision", detail };
  }
  if (!isId(topicId) || state.topics.has(topicId)) {
    return { kind: "invalid-request", detail: "The topic id is missing or taken." };
  }
  if (!earlier.ids.has(topicId)) return null;
  return { kind: "invalid-request", detail: "The topic id is named twice." };
}

function createTopic(
  state: Readonly<ClusterState>,
  draft: TopicDraft,
  topic: NewTopic,
  context: ControllerContext,
): Result<TopicCreated, ControllerFault> {
  const configs = overrides(topic.configs);
  const bad = configsRefusal(configs, topicRules(topic.name, context.topicConfigs));
  if (bad !== null) return failed(bad);
  const placed =
    topic.assignments.length > 0 ? assigned(draft, topic) : sized(draft, topic, context);
  if (!placed.ok) return placed;
  const { topicId, name } = topic;
  const oldTerm = state.deletedTerm(name);
  const firstTerm = (oldTerm === null ? 0 : oldTerm + RECREATED_TERM_STEP) as Term; // C6
  const partitions = draft.partitions(0, placed.value, firstTerm);
  return ok({ kind: "topic-created", topicId, name, configs, partitions });
}

function assigned(draft: TopicDraft, topic: NewTopic): ReturnType<TopicDraft["place"]> {
  if (topic.partitions !== -1 || topic.factor !== -1) {
    const detail = "With assignments, the partition count and the replication factor must be -1.";
    return refuse("invalid-request", detail);
  }
  const sorted = topic.assignments.toSorted((a, b) => a.partition - b.partition);
  if (sorted.some((assignment, at) => assignment.partition !== at)) {
    const detail = "Assigned partitions must be numbered from 0 without gaps or repeats.";
    return refuse("invalid-replica-assignment", detail);
  }
  const limit = draft.limitRefusal(0, sorted.length);
  if (limit !== null) return failed(limit);
  const brokers = sorted.map((assignment) => assignment.brokers);
  return draft.check(brokers, brokers[0]!.length);
}

function sized(
  draft: TopicDraft,
  topic: NewTopic,
  context: ControllerContext,
): ReturnType<TopicDraft["place"]> {
  const { partitionsDefault, factorDefault } = context.settings();
  const count = topic.partitions === -1 ? partitionsDefault : topic.partitions;
  const factor = topic.factor === -1 ? factorDefault : topic.factor;
  if (!Number.isSafeInteger(count) || count < 1) {
    return refuse("invalid-partitions", "The number of partitions must be 1 or more, or -1.");
  }
  if (!Number.isSafeInteger(factor) || factor < 1 || factor > FACTOR_MAX) {
    return refuse("invalid-replication-factor", "The factor must be 1 or more, or -1.");
  }
  const limit = draft.limitRefusal(0, count);
  return limit === null ? draft.place(count, factor) : failed(limit);
}

export const deleteTopics: Handler<"delete-topics"> = (state, request, context) => {
  const records: ControllerRecord[] = [];
  const gone = new Set<TopicId>();
  const topics = request.topics.map((reference) => {
    const topic = find(state, reference);
    const known = {
      name: topic?.name ?? ("name" in reference ? reference.name : null),
      topicId: topic?.topicId ?? ("topicId" in reference ? reference.topicId : null),
    };
    if (topic === null || gone.has(topic.topicId)) return { ...known, outcome: unknown(reference) };
    if (isInternalTopic(topic.name)) {
      const detail = `'${topic.name}' keeps the state of coordinators and stays; groups and offsets can be deleted.`;
      return { ...known, outcome: refuse("internal-topic", detail) };
    }
    gone.add(topic.topicId);
    let highestTerm = 0 as Term;
    for (const { group, firstTerm } of topic.partitions) {
      highestTerm = Math.max(highestTerm, firstTerm, context.highestTerm(group)) as Term; // C6
    }
    records.push({ kind: "topic-deleted", topicId: topic.topicId, highestTerm });
    return { ...known, outcome: ok(null) };
  });
  return ok({ records, reply: { kind: "delete-topics", topics } });
};

function find(state: Readonly<ClusterState>, reference: TopicReference): Topic | null {
  if ("name" in reference) return state.topicNamed(reference.name);
  return state.topics.get(reference.topicId) ?? null;
}

function unknown(reference: TopicReference): Result<null, ControllerFault> {
  if ("name" in reference) return refuse("unknown-topic", `There is no topic '${reference.name}'.`);
  return refuse("unknown-topic-id", "There is no topic with this id.");
}

export const createPartitions: Handler<"create-partitions"> = (state, request, context) => {
  const draft = new TopicDraft(state, context);
  const records: ControllerRecord[] = [];
  const repeated = namedTwice(request.topics.map((topic) => topic.name));
  const topics = request.topics.map(({ name, count, assignments }): TopicOutcome<null> => {
    if (repeated.has(name)) {
      const outcome = refuse("duplicate-topic", "The request names this topic more than once.");
      return { name, outcome };
    }
    const topic = state.topicNamed(name);
    if (topic === null) return { name, outcome: unknown({ name }) };
    const added = addedPartitions(draft, topic, count, assignments);
    if (!added.ok) return { name, outcome: added };
    const { firstTerm } = topic.partitions[0]!;
    const partitions = draft.partitions(topic.partitions.length, added.value, firstTerm);
    records.push({ kind: "partitions-added", topicId: topic.topicId, partitions });
    return { name, outcome: ok(null) };
  });
  const reply = { kind: "create-partitions", topics, ready: true } as const;
  return ok({ records: request.validateOnly ? [] : records, reply });
};

function addedPartitions(
  draft: TopicDraft,
  topic: Topic,
  count: number,
  assignments: readonly (readonly number[])[],
): ReturnType<TopicDraft["place"]> {
  const held = topic.partitions.length;
  const factor = topic.partitions[0]!.replicas.length;
  if (isInternalTopic(topic.name)) {
    const detail = `'${topic.name}' keeps the number of its partitions: with another, what is in them would not be found.`;
    return refuse("invalid-partitions", detail);
  }
  if (!Number.isSafeInteger(count) || count <= held) {
    const detail = `Topic '${topic.name}' has ${held} partitions; the new total must be larger.`;
    return refuse("invalid-partitions", detail);
  }
  const limit = draft.limitRefusal(held, count - held);
  if (limit !== null) return failed(limit);
  if (assignments.length === 0) return draft.place(count - held, factor);
  if (assignments.length !== count - held) {
    const detail = `${count - held} partitions are added and ${assignments.length} are assigned.`;
    return refuse("invalid-replica-assignment", detail);
  }
  return draft.check(assignments as Parameters<TopicDraft["check"]>[0], factor);
}
