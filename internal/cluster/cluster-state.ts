// The state of group 0: what its records say when applied in order. The controller holds one with an undo list
// (speculative on the leader, C8); the metadata image of every broker holds one of committed records only.
import { assert, unreachable } from "../base/assert.ts";
import type {
  BrokerId,
  ClusterId,
  GroupId,
  Incarnation,
  ReplicaId,
  Term,
  TopicId,
} from "../model/ids.ts";
import { withAnswer } from "./answered-requests.ts";
import type { AnsweredRequests } from "./answered-requests.ts";
import type { UndoList } from "../statelog/machine.ts";
import type {
  BrokerRegistration,
  ConfigEntry,
  ControllerRecord,
  EntrySpace,
  PartitionPlacement,
} from "./records.ts";
import { DELETED_TERMS_MAX, FIRST_GROUP, FIRST_PRODUCER_ID, FIRST_REPLICA } from "./limits.ts";

/** A topic as it is now. The partitions array grows and its elements are replaced; everything else is a value. */
export interface Topic {
  readonly topicId: TopicId;
  readonly name: string;
  readonly configs: readonly ConfigEntry[];
  /** Index = partition. */
  readonly partitions: readonly PartitionPlacement[];
}

export interface Broker extends BrokerRegistration {
  readonly fenced: boolean;
  /** It is about to stop: new replicas and leaderships avoid it, and this incarnation stays fenced once it is. */
  readonly draining: boolean;
}

/** What a broker carries already, for placement. */
export interface BrokerLoad {
  readonly replicas: number;
  /** Replicas that are first in their placement. */
  readonly preferred: number;
}

const NO_LOAD: BrokerLoad = { replicas: 0, preferred: 0 };

interface MutableTopic {
  readonly topicId: TopicId;
  readonly name: string;
  configs: readonly ConfigEntry[];
  readonly partitions: PartitionPlacement[];
}

export class ClusterState {
  clusterId: ClusterId | null = null;
  nextGroup: GroupId = FIRST_GROUP;
  nextReplica: ReplicaId = FIRST_REPLICA;
  nextProducerId: number = FIRST_PRODUCER_ID;
  /** Partitions of all topics. */
  partitionCount = 0;
  /**
   * At least the highest term of every deleted topic that is no longer in `deletedTerms`: that table is emptied when
   * it is full, and a name that is not in it starts above this floor instead of above its own old terms (C6).
   */
  deletedTermFloor: Term = 0 as Term;

  readonly #features = new Map<string, number>();
  readonly #brokers = new Map<BrokerId, Broker>();
  readonly #topics = new Map<TopicId, MutableTopic>();
  readonly #byName = new Map<string, TopicId>();
  /** Names with . and _ made equal, to refuse a name that would share metric names with another. */
  readonly #byFoldedName = new Map<string, TopicId>();
  #deletedTerms = new Map<string, Term>();
  readonly #loads = new Map<BrokerId, BrokerLoad>();
  readonly #brokerConfigs = new Map<BrokerId | null, readonly ConfigEntry[]>();
  readonly #groupConfigs = new Map<string, readonly ConfigEntry[]>();
  readonly #answered = new Map<BrokerId, AnsweredRequests>();
  readonly #entries: Record<EntrySpace, Map<string, Uint8Array>> = {
    acl: new Map(),
    credential: new Map(),
    quota: new Map(),
  };

  get features(): ReadonlyMap<string, number> {
    return this.#features;
  }

  get brokers(): ReadonlyMap<BrokerId, Broker> {
    return this.#brokers;
  }

  get topics(): ReadonlyMap<TopicId, Topic> {
    return this.#topics;
  }

  get deletedTerms(): ReadonlyMap<string, Term> {
    return this.#deletedTerms;
  }

  get brokerConfigSets(): ReadonlyMap<BrokerId | null, readonly ConfigEntry[]> {
    return this.#brokerConfigs;
  }

  /** Consumer groups that have configs of their own. */
  get groupConfigSets(): ReadonlyMap<string, readonly ConfigEntry[]> {
    return this.#groupConfigs;
  }

  /** By the broker that asked. */
  get answered(): ReadonlyMap<BrokerId, AnsweredRequests> {
    return this.#answered;
  }

  entries(space: EntrySpace): ReadonlyMap<string, Uint8Array> {
    return this.#entries[space];
  }

  load(broker: BrokerId): BrokerLoad {
    return this.#loads.get(broker) ?? NO_LOAD;
  }

  topicNamed(name: string): Topic | null {
    const id = this.#byName.get(name);
    return id === undefined ? null : (this.#topics.get(id) ?? null);
  }

  /** The topic whose name equals `name` when . and _ are the same character. */
  topicNamedLike(name: string): Topic | null {
    const id = this.#byFoldedName.get(foldName(name));
    return id === undefined ? null : (this.#topics.get(id) ?? null);
  }

  /** The highest term that a deleted topic of this name may have reached; null when the name is new. */
  deletedTerm(name: string): Term | null {
    return (
      this.#deletedTerms.get(name) ?? (this.deletedTermFloor > 0 ? this.deletedTermFloor : null)
    );
  }

  /** Applies one record. Each change adds the step that takes it back to `undo`. */
  apply(record: ControllerRecord, undo: UndoList): void {
    switch (record.kind) {
      case "cluster-founded":
        assert(this.clusterId === null, "a cluster is founded once");
        this.clusterId = record.clusterId;
        undo.add(() => (this.clusterId = null));
        return;
      case "feature-level-set":
        return setOrDelete(
          this.#features,
          record.feature,
          record.level === 0 ? undefined : record.level,
          undo,
        );
      case "broker-registered":
        return this.#register(record, undo);
      case "broker-fenced":
      case "broker-unfenced":
        return this.#changeBroker(record, { fenced: record.kind === "broker-fenced" }, undo);
      case "broker-draining":
        return this.#changeBroker(record, { draining: true }, undo);
      case "broker-removed":
        assert(this.#brokers.has(record.broker), "a broker that is removed is registered");
        setOrDelete(this.#brokers, record.broker, undefined, undo);
        setOrDelete(this.#answered, record.broker, undefined, undo);
        return setOrDelete(this.#brokerConfigs, record.broker, undefined, undo);
      case "topic-created":
        return this.#createTopic(record, undo);
      case "topic-deleted":
        return this.#deleteTopic(record, undo);
      case "partitions-added":
        return this.#addPartitions(this.#topic(record.topicId), record.partitions, undo);
      case "placement-set":
        return this.#setPlacement(this.#topic(record.topicId), record.placement, undo);
      case "placement-settled":
        return this.#settlePlacement(record, undo);
      case "topic-configs-set":
      case "broker-configs-set":
      case "group-configs-set":
        return this.#setConfigs(record, undo);
      case "producer-ids-allocated": {
        assert(record.first >= this.nextProducerId, "producer ids are never given twice");
        const before = this.nextProducerId;
        this.nextProducerId = record.end;
        undo.add(() => (this.nextProducerId = before));
        return;
      }
      case "request-answered":
        return this.#noteAnswer(record, undo);
      case "entry-set":
        return setOrDelete(
          this.#entries[record.space],
          record.key,
          record.value ?? undefined,
          undo,
        );
      case "counters-set":
        return this.#setCounters(record, undo);
      case "deleted-term-set":
        return setOrDelete(this.#deletedTerms, record.name, record.highestTerm, undo);
      default:
        return unreachable(record);
    }
  }

  #topic(id: TopicId): MutableTopic {
    const topic = this.#topics.get(id);
    assert(topic !== undefined, "a record about a topic follows its creation");
    return topic;
  }

  #register(
    record: Extract<ControllerRecord, { kind: "broker-registered" }>,
    undo: UndoList,
  ): void {
    const { kind: _, ...registration } = record;
    const { broker, directory, incarnation } = registration;
    const before = this.#brokers.get(broker);
    if (before?.directory !== directory || before.incarnation !== incarnation) {
      setOrDelete(this.#answered, broker, undefined, undo);
    }
    setOrDelete(this.#brokers, broker, { ...registration, fenced: true, draining: false }, undo);
  }

  #noteAnswer(
    record: Extract<ControllerRecord, { kind: "request-answered" }>,
    undo: UndoList,
  ): void {
    const { broker, reply } = record;
    assert(this.#brokers.has(broker), "a broker whose request is carried out is registered");
    setOrDelete(
      this.#answered,
      broker,
      withAnswer(this.#answered.get(broker), record, reply),
      undo,
    );
  }

  #changeBroker(
    record: { readonly broker: BrokerId; readonly incarnation: Incarnation },
    change: Partial<Pick<Broker, "fenced" | "draining">>,
    undo: UndoList,
  ): void {
    const broker = this.#brokers.get(record.broker);
    assert(broker !== undefined, "a broker that changes is registered");
    assert(broker.incarnation === record.incarnation, "a change names the registered incarnation");
    setOrDelete(this.#brokers, record.broker, { ...broker, ...change }, undo);
  }

  #setConfigs(
    record: Extract<
      ControllerRecord,
      { kind: "topic-configs-set" | "broker-configs-set" | "group-configs-set" }
    >,
    undo: UndoList,
  ): void {
    if (record.kind === "topic-configs-set") {
      const topic = this.#topic(record.topicId);
      const before = topic.configs;
      topic.configs = record.configs;
      undo.add(() => (topic.configs = before));
      return;
    }
    const configs = record.configs.length === 0 ? undefined : record.configs;
    if (record.kind === "broker-configs-set") {
      setOrDelete(this.#brokerConfigs, record.broker, configs, undo);
    } else setOrDelete(this.#groupConfigs, record.group, configs, undo);
  }

  #createTopic(record: Extract<ControllerRecord, { kind: "topic-created" }>, undo: UndoList): void {
    const { topicId, name, configs } = record;
    assert(!this.#topics.has(topicId) && !this.#byName.has(name), "a topic is created once");
    const topic: MutableTopic = { topicId, name, configs, partitions: [] };
    setOrDelete(this.#topics, topicId, topic, undo);
    setOrDelete(this.#byName, name, topicId, undo);
    setOrDelete(this.#byFoldedName, foldName(name), topicId, undo);
    this.#addPartitions(topic, record.partitions, undo);
  }

  #deleteTopic(record: Extract<ControllerRecord, { kind: "topic-deleted" }>, undo: UndoList): void {
    const topic = this.#topic(record.topicId);
    setOrDelete(this.#topics, topic.topicId, undefined, undo);
    setOrDelete(this.#byName, topic.name, undefined, undo);
    setOrDelete(this.#byFoldedName, foldName(topic.name), undefined, undo);
    const count = topic.partitions.length;
    this.partitionCount -= count;
    for (const placement of topic.partitions) this.#weigh(placement, -1);
    undo.add(() => {
      this.partitionCount += count;
      for (const placement of topic.partitions) this.#weigh(placement, 1);
    });
    this.#rememberDeletedTerm(topic.name, record.highestTerm, undo);
  }

  #rememberDeletedTerm(name: string, highestTerm: Term, undo: UndoList): void {
    const before = this.#deletedTerms.get(name) ?? (0 as Term);
    setOrDelete(this.#deletedTerms, name, Math.max(before, highestTerm) as Term, undo);
    if (this.#deletedTerms.size <= DELETED_TERMS_MAX) return;
    const [terms, floor] = [this.#deletedTerms, this.deletedTermFloor];
    this.#deletedTerms = new Map();
    this.deletedTermFloor = Math.max(1, floor) as Term; // Not 0: that would say that no name was ever deleted.
    for (const term of terms.values()) {
      if (term > this.deletedTermFloor) this.deletedTermFloor = term;
    }
    undo.add(() => {
      this.#deletedTerms = terms;
      this.deletedTermFloor = floor;
    });
  }

  #addPartitions(
    topic: MutableTopic,
    partitions: readonly PartitionPlacement[],
    undo: UndoList,
  ): void {
    const { nextGroup, nextReplica, partitionCount } = this;
    const before = topic.partitions.length;
    for (const placement of partitions) {
      assert(placement.partition === topic.partitions.length, "partitions are added in order");
      topic.partitions.push(placement);
      this.#countIds(placement);
      this.#weigh(placement, 1);
    }
    this.partitionCount += partitions.length;
    undo.add(() => {
      for (const placement of partitions) this.#weigh(placement, -1);
      topic.partitions.length = before;
      this.nextGroup = nextGroup;
      this.nextReplica = nextReplica;
      this.partitionCount = partitionCount;
    });
  }

  #setPlacement(topic: MutableTopic, placement: PartitionPlacement, undo: UndoList): void {
    const { nextReplica } = this;
    const before = topic.partitions[placement.partition];
    assert(before !== undefined, "a placement is set for a partition that exists");
    assert(before.group === placement.group, "a partition keeps its group");
    assert(placement.revision > before.revision, "a target's revision grows (C4)");
    const held = [...placement.replicas, ...placement.leaving];
    const directories = new Set(held.map(({ directory }) => directory));
    assert(directories.size === held.length, "a directory holds one replica of a group (C4)");
    this.#countIds(placement);
    this.#replace(topic, before, placement, undo);
    undo.add(() => (this.nextReplica = nextReplica));
  }

  #settlePlacement(
    record: Extract<ControllerRecord, { kind: "placement-settled" }>,
    undo: UndoList,
  ): void {
    const topic = this.#topic(record.topicId);
    const before = topic.partitions[record.partition];
    assert(before?.revision === record.revision, "a group settles at the target that it was given");
    this.#replace(topic, before, { ...before, leaving: [], founders: [] }, undo);
  }

  #replace(
    topic: MutableTopic,
    before: PartitionPlacement,
    after: PartitionPlacement,
    undo: UndoList,
  ): void {
    const turn = (from: PartitionPlacement, to: PartitionPlacement): void => {
      topic.partitions[to.partition] = to;
      this.#weigh(from, -1);
      this.#weigh(to, 1);
    };
    turn(before, after);
    undo.add(() => turn(after, before));
  }

  /** Who is leaving still holds its data, and may still be counted. */
  #weigh({ replicas, leaving }: PartitionPlacement, sign: 1 | -1): void {
    for (const [rank, { broker }] of [...replicas, ...leaving].entries()) {
      const load = this.load(broker);
      const preferred = load.preferred + (rank === 0 ? sign : 0);
      const held = load.replicas + sign;
      if (held === 0) this.#loads.delete(broker);
      else this.#loads.set(broker, { replicas: held, preferred });
    }
  }

  /** Counters follow the ids seen in records and never go back (F5); undo restores what was never committed. */
  #countIds(placement: PartitionPlacement): void {
    if (placement.group >= this.nextGroup) this.nextGroup = (placement.group + 1) as GroupId;
    for (const { replica } of placement.replicas) {
      if (replica >= this.nextReplica) this.nextReplica = (replica + 1) as ReplicaId;
    }
  }

  #setCounters(record: Extract<ControllerRecord, { kind: "counters-set" }>, undo: UndoList): void {
    const { nextGroup, nextReplica, nextProducerId, deletedTermFloor } = this;
    assert(record.nextGroup >= nextGroup, "group ids are never reused (F5)");
    assert(record.nextReplica >= nextReplica, "replica ids are never reused (F5)");
    this.nextGroup = record.nextGroup;
    this.nextReplica = record.nextReplica;
    this.nextProducerId = record.nextProducerId;
    this.deletedTermFloor = record.deletedTermFloor;
    undo.add(() => {
      this.nextGroup = nextGroup;
      this.nextReplica = nextReplica;
      this.nextProducerId = nextProducerId;
      this.deletedTermFloor = deletedTermFloor;
    });
  }
}

export function foldName(name: string): string {
  return name.replaceAll(".", "_");
}

/** Undone in reverse order, this leaves the map's entries as they were (their order may differ). */
function setOrDelete<K, V>(map: Map<K, V>, key: K, value: V | undefined, undo: UndoList): void {
  const before = map.get(key);
  if (value === undefined) map.delete(key);
  else map.set(key, value);
  undo.add(() => {
    if (before === undefined) map.delete(key);
    else map.set(key, before);
  });
}
