// The metadata image: what this broker knows of the cluster, derived from committed records of group 0 alone. Voters of
// group 0 feed it as they apply; the others pull it over the links (image-follower.ts). Reads are synchronous. Listeners
// hear each record right after it is applied, and the new version once the whole entry is.
import { assert } from "../base/assert.ts";
import type { BrokerId, ClusterId, GroupId, LogIndex, ReplicaId, TopicId } from "../model/ids.ts";
import { NO_UNDO } from "../statelog/machine.ts";
import { ClusterState } from "./cluster-state.ts";
import type { Broker, Topic } from "./cluster-state.ts";
import { FIRST_GROUP } from "./limits.ts";
import { imageChanges } from "./image-changes.ts";
import type { ImageChange } from "./image-changes.ts";
import type { ImageListener } from "./image-listener.ts";
import type {
  ConfigEntry,
  ControllerRecord,
  EntrySpace,
  PartitionPlacement,
  ReplicaPlacement,
} from "./records.ts";

export type { ImageListener } from "./image-listener.ts";

export interface TopicPartition {
  readonly topic: Topic;
  readonly partition: number;
}

/**
 * What the image says of a replica that exists on a disk. "assigned": the target holds it. "leaving": the target excludes
 * it, and its group may still count it (C4). "gone": the image is later than the replica, and its group was deleted or has
 * settled without it; ids are given once (F5), so it never comes back (C5). "unknown": this image is older than the replica.
 */
export type ReplicaStanding = "assigned" | "leaving" | "gone" | "unknown";

export class MetadataImage {
  #state = new ClusterState();
  #version = 0 as LogIndex;
  #groups = new Map<GroupId, TopicPartition>();
  readonly #listeners = new Set<ImageListener>();

  /** The index of the last entry of group 0 that is in the image; 0 at first. */
  get version(): LogIndex {
    return this.#version;
  }

  get clusterId(): ClusterId | null {
    return this.#state.clusterId;
  }

  get partitionCount(): number {
    return this.#state.partitionCount;
  }

  topicNamed(name: string): Topic | null {
    return this.#state.topicNamed(name);
  }

  topic(topicId: TopicId): Topic | null {
    return this.#state.topics.get(topicId) ?? null;
  }

  topics(): IterableIterator<Topic> {
    return this.#state.topics.values();
  }

  get topicCount(): number {
    return this.#state.topics.size;
  }

  /** The placement of a partition, or null when topic or partition do not exist. */
  partition(name: string, partition: number): PartitionPlacement | null {
    return this.topicNamed(name)?.partitions[partition] ?? null;
  }

  partitionOfGroup(group: GroupId): TopicPartition | null {
    return this.#groups.get(group) ?? null;
  }

  /** The placement of a group, by its id. */
  placementOfGroup(group: GroupId): PartitionPlacement | null {
    const of = this.#groups.get(group);
    return of?.topic.partitions[of.partition] ?? null;
  }

  broker(broker: BrokerId): Broker | null {
    return this.#state.brokers.get(broker) ?? null;
  }

  /** Fenced ones too. */
  brokers(): IterableIterator<Broker> {
    return this.#state.brokers.values();
  }

  /** What Metadata lists (C2). */
  unfencedBrokers(): Broker[] {
    return [...this.#state.brokers.values()].filter((broker) => !broker.fenced);
  }

  /** Overrides of a topic by name; empty for an unknown topic. */
  topicConfigs(name: string): readonly ConfigEntry[] {
    return this.topicNamed(name)?.configs ?? [];
  }

  /** Dynamic values of one broker, or (null) the dynamic default of all. */
  brokerConfigs(broker: BrokerId | null): readonly ConfigEntry[] {
    return this.#state.brokerConfigSets.get(broker) ?? [];
  }

  /** Configs that a consumer group has of its own. */
  groupConfigs(group: string): readonly ConfigEntry[] {
    return this.#state.groupConfigSets.get(group) ?? [];
  }

  /** The groups that have any. */
  configuredGroups(): IterableIterator<string> {
    return this.#state.groupConfigSets.keys();
  }

  entries(space: EntrySpace): ReadonlyMap<string, Uint8Array> {
    return this.#state.entries(space);
  }

  /** 0: the feature is not in use. */
  featureLevel(feature: string): number {
    return this.#state.features.get(feature) ?? 0;
  }

  features(): ReadonlyMap<string, number> {
    return this.#state.features;
  }

  /** Whether the group was deleted: the image is later than it and lacks it (C5). */
  isGone(group: GroupId): boolean {
    return group >= FIRST_GROUP && group < this.#state.nextGroup && !this.#groups.has(group);
  }

  standing(group: GroupId, replica: ReplicaId): ReplicaStanding {
    const placement = this.placementOfGroup(group);
    if (placement === null) return this.isGone(group) ? "gone" : "unknown";
    const isAmong = (placed: readonly ReplicaPlacement[]): boolean =>
      placed.some((of) => of.replica === replica);
    if (isAmong(placement.replicas)) return "assigned";
    if (isAmong(placement.leaving)) return "leaving";
    return replica < this.#state.nextReplica ? "gone" : "unknown";
  }

  /** Takes the committed records of one entry. Entries come in log order; one that is known already is ignored. */
  advance(version: LogIndex, records: readonly ControllerRecord[]): void {
    if (version <= this.#version) return;
    for (const record of records) {
      const before = imageChanges.before(this.#state, record);
      this.#state.apply(record, NO_UNDO);
      const change = imageChanges.after(this.#state, record, before);
      if (change === null) continue;
      this.#index(change);
      this.#tell(change);
    }
    this.#arrive(version, records);
  }

  /** Replaces the image by a snapshot. One that is not newer is ignored. Listeners hear the differences. */
  install(version: LogIndex, records: readonly ControllerRecord[]): void {
    if (version <= this.#version) return;
    const next = new ClusterState();
    for (const record of records) next.apply(record, NO_UNDO);
    const before = this.#state;
    const founded = before.clusterId;
    assert(founded === null || founded === next.clusterId, "a snapshot is of the same cluster");
    this.#state = next;
    this.#groups = new Map();
    for (const topic of next.topics.values()) this.#indexPartitions(topic, 0);
    for (const change of imageChanges.between(before, next)) this.#tell(change);
    this.#arrive(version, null);
  }

  /** The state as records, for a snapshot. */
  get state(): Readonly<ClusterState> {
    return this.#state;
  }

  /** Returns what takes the listener off again. */
  listen(listener: ImageListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #arrive(version: LogIndex, records: readonly ControllerRecord[] | null): void {
    const before = this.#version;
    this.#version = version;
    for (const listener of this.#listeners) listener.took?.(before, version, records);
    for (const listener of this.#listeners) listener.advanced?.(version);
  }

  #index(change: ImageChange): void {
    if (change.change === "topic-added") this.#indexPartitions(change.topic, 0);
    else if (change.change === "partitions-added")
      this.#indexPartitions(change.topic, change.first);
    else if (change.change === "topic-removed") {
      for (const { group } of change.topic.partitions) this.#groups.delete(group);
    }
  }

  #indexPartitions(topic: Topic, first: number): void {
    for (let partition = first; partition < topic.partitions.length; partition++) {
      this.#groups.set(topic.partitions[partition]!.group, { topic, partition });
    }
  }

  #tell(change: ImageChange): void {
    for (const listener of this.#listeners) imageChanges.tell(listener, change);
  }
}
