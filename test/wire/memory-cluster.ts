// A ClusterService of one broker that keeps its topics in memory, for tests and measurements of the front ends. Every
// change takes a moment, as it does where a controller has to commit it.
import { failed, ok } from "../../internal/base/result.ts";
import type { Result } from "../../internal/base/result.ts";
import { Reader } from "../../internal/bytes/reader.ts";
import type { BrokerId, ClusterId, Offset, Term, TopicId } from "../../internal/model/ids.ts";
import type { Clock } from "../../internal/ports/clock.ts";
import type {
  AdminFault,
  BrokerView,
  ClusterService,
  ConfigChange,
  ConfigSynonym,
  ConfigTarget,
  ConfigView,
  CreatedTopic,
  NewTopic,
  PartitionView,
  QuorumView,
  TopicOutcome,
  TopicView,
} from "../../internal/service/cluster-service.ts";
import type { MemoryLog } from "./memory-log.ts";

interface StoredTopic {
  readonly topicId: TopicId;
  readonly name: string;
  partitions: number;
  readonly configs: Map<string, string>;
}

const CHANGE_MS = 1;
const BROKER = 1 as BrokerId;
const KNOWN: ReadonlyMap<string, string> = new Map([
  ["cleanup.policy", "delete"],
  ["retention.ms", "604800000"],
]);

export class MemoryCluster implements ClusterService {
  readonly broker = BROKER;
  clusterId: ClusterId | null = "AAAAAAAAAAAAAAAAAAAAAQ" as ClusterId;
  autoCreateTopics = true;
  brokerViews: readonly BrokerView[] = [
    { broker: BROKER, host: "broker-1", port: 9092, rack: null, fenced: false },
  ];
  /** Null: partitions have no leader. */
  leader: BrokerId | null = BROKER;
  /** What every change is refused with. */
  fault: AdminFault | null = null;
  /** Configs of consumer groups. */
  readonly groups = new Map<string, Map<string, string>>();
  readonly #clock: Clock;
  readonly #log: MemoryLog;
  readonly #topics = new Map<string, StoredTopic>();
  #ids = 0;
  #producerIds = 1000;

  constructor(clock: Clock, log: MemoryLog) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Makes a topic at once. */
  addTopic(name: string, partitions: number): TopicId {
    const seed = new Uint8Array(16);
    seed[0] = 7;
    seed[15] = ++this.#ids;
    const topicId = new Reader(seed).uuid() as TopicId;
    this.#topics.set(name, { topicId, name, partitions, configs: new Map() });
    this.#log.addTopic(name, topicId, partitions);
    return topicId;
  }

  controller(): BrokerId {
    return BROKER;
  }

  brokers(_listener: string, withFenced: boolean): readonly BrokerView[] {
    return this.brokerViews.filter(({ fenced }) => withFenced || !fenced);
  }

  topicNamed(name: string): TopicView | null {
    const topic = this.#topics.get(name);
    return topic === undefined ? null : this.#view(topic);
  }

  topicWithId(topicId: TopicId): TopicView | null {
    for (const topic of this.#topics.values()) {
      if (topic.topicId === topicId) return this.#view(topic);
    }
    return null;
  }

  #view({ topicId, name, partitions }: StoredTopic): TopicView {
    const one = (partition: number): PartitionView => ({
      partition,
      leader: this.leader,
      leaderEpoch: 1 as Term,
      replicas: [BROKER],
      isr: [BROKER],
      offline: [],
    });
    const views = Array.from({ length: partitions }, (_, index) => one(index));
    return { topicId, name, isInternal: name.startsWith("__"), partitions: views };
  }

  topicNames(): Iterable<string> {
    return this.#topics.keys();
  }

  topicCount(): number {
    return this.#topics.size;
  }

  isLegalTopicName(name: string): boolean {
    return /^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== "." && name !== "..";
  }

  async autoCreate(names: readonly string[]): Promise<readonly TopicOutcome<CreatedTopic>[]> {
    return this.createTopics(names.map((name) => ({ name, ...DEFAULTS })));
  }

  async createTopics(
    topics: readonly NewTopic[],
    validateOnly = false,
  ): Promise<readonly TopicOutcome<CreatedTopic>[]> {
    await this.#pause();
    return topics.map((topic) => {
      const fault = this.fault ?? this.#creationFault(topic);
      if (fault !== null) return { name: topic.name, outcome: failed(fault) };
      const partitions = topic.partitions === -1 ? 1 : topic.partitions;
      const topicId = validateOnly ? ("" as TopicId) : this.addTopic(topic.name, partitions);
      const created = { topicId, partitions, factor: 1, configs: this.#configsOf(new Map()) };
      return { name: topic.name, topicId, outcome: ok(created) };
    });
  }

  #creationFault({ name, partitions }: NewTopic): AdminFault | null {
    if (!this.isLegalTopicName(name)) return { kind: "invalid-topic-name", detail: "A bad name." };
    if (this.#topics.has(name)) return { kind: "topic-exists", detail: "It exists." };
    if (partitions !== -1 && partitions < 1) {
      return { kind: "invalid-partitions", detail: "At least one." };
    }
    return null;
  }

  async deleteTopics(
    topics: readonly { readonly name: string | null; readonly topicId: TopicId | null }[],
  ) {
    await this.#pause();
    return topics.map(({ name, topicId }) => {
      const view = name === null ? this.topicWithId(topicId as TopicId) : this.topicNamed(name);
      if (view === null) {
        const kind: AdminFault["kind"] = name === null ? "unknown-topic-id" : "unknown-topic";
        return { name, topicId, outcome: failed({ kind, detail: "No such topic." }) };
      }
      this.#topics.delete(view.name);
      this.#log.removeTopic(view.name, view.topicId);
      return { name: view.name, topicId: view.topicId, outcome: ok(null) };
    });
  }

  async createPartitions(
    topics: readonly { readonly name: string; readonly count: number }[],
    validateOnly: boolean,
  ): Promise<readonly TopicOutcome<null>[]> {
    await this.#pause();
    return topics.map(({ name, count }) => {
      const topic = this.#topics.get(name);
      if (topic === undefined) {
        return { name, outcome: failed({ kind: "unknown-topic", detail: "No such topic." }) };
      }
      if (count <= topic.partitions) {
        return { name, outcome: failed({ kind: "invalid-partitions", detail: "Only upwards." }) };
      }
      if (!validateOnly) {
        topic.partitions = count;
        this.#log.addTopic(name, topic.topicId, count);
      }
      return { name, outcome: ok(null) };
    });
  }

  configuredGroups(): Iterable<string> {
    return this.groups.keys();
  }

  describeConfigs(
    target: ConfigTarget,
    names: readonly string[] | null,
  ): Result<readonly ConfigView[], AdminFault> {
    if (this.fault !== null) return failed(this.fault);
    if (target.resource === "broker") return ok([]);
    if (target.resource === "group") {
      const own = this.groups.get(target.name) ?? new Map<string, string>();
      const views = this.#configsOf(own).map((view) => ({ ...view, source: "group" as const }));
      return ok(names === null ? views : views.filter(({ name }) => names.includes(name)));
    }
    const topic = this.#topics.get(target.name);
    if (topic === undefined) return failed({ kind: "unknown-topic", detail: "No such topic." });
    const all = this.#configsOf(topic.configs);
    return ok(names === null ? all : all.filter(({ name }) => names.includes(name)));
  }

  #configsOf(overrides: ReadonlyMap<string, string>): ConfigView[] {
    return [...KNOWN].map(([name, fallback]) => {
      const given = overrides.get(name);
      const own: ConfigSynonym[] =
        given === undefined ? [] : [{ name, value: given, source: "topic" }];
      return {
        name,
        value: given ?? fallback,
        readOnly: false,
        isSensitive: false,
        source: given === undefined ? "default" : "topic",
        synonyms: [...own, { name, value: fallback, source: "default" }],
        type: name === "retention.ms" ? "long" : "list",
        doc: "A config.",
      };
    });
  }

  async alterConfigs(
    resources: readonly { readonly of: ConfigTarget; readonly changes: readonly ConfigChange[] }[],
    mode: "replace" | "incremental",
    validateOnly: boolean,
  ): Promise<readonly Result<null, AdminFault>[]> {
    await this.#pause();
    return resources.map(({ of, changes }) => {
      if (of.resource === "group" && !this.groups.has(of.name)) this.groups.set(of.name, new Map());
      const topic = of.resource === "topic" ? this.#topics.get(of.name) : undefined;
      const group = of.resource === "group" ? this.groups.get(of.name) : undefined;
      const held = topic?.configs ?? group;
      if (this.fault !== null) return failed(this.fault);
      if (held === undefined) return failed({ kind: "unknown-topic", detail: "No such topic." });
      if (changes.some(({ name }) => !KNOWN.has(name))) {
        return failed({ kind: "invalid-config", detail: "No such config." });
      }
      if (validateOnly) return ok(null);
      if (mode === "replace") held.clear();
      for (const { name, operation, value } of changes) {
        if (operation === "delete") held.delete(name);
        else held.set(name, value ?? "");
      }
      return ok(null);
    });
  }

  async allocateProducerId(): Promise<Result<number, AdminFault>> {
    await this.#pause();
    return this.fault === null ? ok(this.#producerIds++) : failed(this.fault);
  }

  controllerQuorum(): QuorumView {
    return { leader: BROKER, leaderEpoch: 1 as Term, highWatermark: 0 as Offset, voters: [] };
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#clock.after(CHANGE_MS, resolve));
  }
}

const DEFAULTS = { partitions: -1, factor: -1, assignments: [], configs: [] };
