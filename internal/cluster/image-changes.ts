// What changed between two states of the metadata image, as values: found record by record while the image follows the
// log, or by comparison when a snapshot replaces it. Both ways describe a change alike, so listeners need not care.
import { unreachable } from "../base/assert.ts";
import type { BrokerId } from "../model/ids.ts";
import type { Broker, ClusterState, Topic } from "./cluster-state.ts";
import type { ImageListener } from "./image-listener.ts";
import { isSettled } from "./records.ts";
import type { ControllerRecord, EntrySpace, PartitionPlacement } from "./records.ts";

export type ImageChange =
  | { readonly change: "topic-added" | "topic-removed" | "topic-configs"; readonly topic: Topic }
  | { readonly change: "partitions-added"; readonly topic: Topic; readonly first: number }
  | {
      readonly change: "placement";
      readonly topic: Topic;
      readonly before: PartitionPlacement;
      readonly after: PartitionPlacement;
    }
  | { readonly change: "broker-configs"; readonly broker: BrokerId | null }
  | { readonly change: "group-configs"; readonly group: string }
  | { readonly change: "broker"; readonly before: Broker | null; readonly after: Broker | null }
  | {
      readonly change: "entry";
      readonly space: EntrySpace;
      readonly key: string;
      readonly value: Uint8Array | null;
    }
  | { readonly change: "feature"; readonly feature: string; readonly level: number };

/** What a record is about to replace. */
interface Before {
  readonly topic: Topic | null;
  readonly partitionCount: number;
  readonly placement: PartitionPlacement | null;
  readonly broker: Broker | null;
}

const NOTHING: Before = { topic: null, partitionCount: 0, placement: null, broker: null };

function before(state: Readonly<ClusterState>, record: ControllerRecord): Before {
  if ("topicId" in record) {
    const topic = state.topics.get(record.topicId) ?? null;
    const at = placedBy(record);
    const partitionCount = topic?.partitions.length ?? 0;
    return { ...NOTHING, topic, partitionCount, placement: topic?.partitions[at] ?? null };
  }
  if ("broker" in record && record.broker !== null) {
    return { ...NOTHING, broker: state.brokers.get(record.broker) ?? null };
  }
  return NOTHING;
}

/** The partition whose placement a record replaces; -1: none. */
function placedBy(record: ControllerRecord): number {
  if (record.kind === "placement-set") return record.placement.partition;
  return record.kind === "placement-settled" ? record.partition : -1;
}

/** The change that an applied record made; null for those that nobody listens to. */
function after(
  state: Readonly<ClusterState>,
  record: ControllerRecord,
  was: Before,
): ImageChange | null {
  switch (record.kind) {
    case "topic-created":
      return { change: "topic-added", topic: state.topics.get(record.topicId)! };
    case "topic-deleted":
      return { change: "topic-removed", topic: was.topic! };
    case "partitions-added":
      return { change: "partitions-added", topic: was.topic!, first: was.partitionCount };
    case "placement-set":
    case "placement-settled": {
      const [topic, before] = [was.topic!, was.placement!];
      return { change: "placement", topic, before, after: topic.partitions[before.partition]! };
    }
    case "topic-configs-set":
      return { change: "topic-configs", topic: was.topic! };
    case "broker-registered":
    case "broker-fenced":
    case "broker-unfenced":
    case "broker-draining":
    case "broker-removed": {
      const now = state.brokers.get(record.broker) ?? null;
      return { change: "broker", before: was.broker, after: now };
    }
    case "broker-configs-set":
      return { change: "broker-configs", broker: record.broker };
    case "group-configs-set":
      return { change: "group-configs", group: record.group };
    case "entry-set": {
      const { space, key, value } = record;
      return { change: "entry", space, key, value };
    }
    case "feature-level-set":
      return { change: "feature", feature: record.feature, level: record.level };
    case "cluster-founded":
    case "producer-ids-allocated":
    case "request-answered":
    case "counters-set":
    case "deleted-term-set":
      return null;
    default:
      return unreachable(record);
  }
}

function between(from: Readonly<ClusterState>, to: Readonly<ClusterState>): ImageChange[] {
  const changes: ImageChange[] = [];
  for (const topic of from.topics.values()) {
    if (!to.topics.has(topic.topicId)) changes.push({ change: "topic-removed", topic });
  }
  for (const topic of to.topics.values()) {
    const old = from.topics.get(topic.topicId);
    if (old === undefined) changes.push({ change: "topic-added", topic });
    else compareTopics(old, topic, changes);
  }
  for (const id of new Set([...from.brokers.keys(), ...to.brokers.keys()])) {
    const [old, now] = [from.brokers.get(id) ?? null, to.brokers.get(id) ?? null];
    if (!sameValue(old, now)) changes.push({ change: "broker", before: old, after: now });
  }
  const configured = [...from.brokerConfigSets.keys(), ...to.brokerConfigSets.keys()];
  for (const broker of new Set(configured)) {
    const same = sameValue(from.brokerConfigSets.get(broker), to.brokerConfigSets.get(broker));
    if (!same) changes.push({ change: "broker-configs", broker });
  }
  for (const group of new Set([...from.groupConfigSets.keys(), ...to.groupConfigSets.keys()])) {
    const same = sameValue(from.groupConfigSets.get(group), to.groupConfigSets.get(group));
    if (!same) changes.push({ change: "group-configs", group });
  }
  for (const space of ["acl", "credential", "quota"] as const) {
    compareEntries(space, from, to, changes);
  }
  for (const feature of new Set([...from.features.keys(), ...to.features.keys()])) {
    const level = to.features.get(feature) ?? 0;
    if (level !== (from.features.get(feature) ?? 0)) {
      changes.push({ change: "feature", feature, level });
    }
  }
  return changes;
}

function compareTopics(old: Topic, topic: Topic, changes: ImageChange[]): void {
  for (let at = 0; at < old.partitions.length; at++) {
    const [was, now] = [old.partitions[at]!, topic.partitions[at]!];
    // A revision names one target for ever (C4), and its group settles at it once.
    if (was.revision === now.revision && isSettled(was) === isSettled(now)) continue;
    changes.push({ change: "placement", topic, before: was, after: now });
  }
  const first = old.partitions.length;
  if (topic.partitions.length > first) changes.push({ change: "partitions-added", topic, first });
  if (!sameValue(old.configs, topic.configs)) changes.push({ change: "topic-configs", topic });
}

function compareEntries(
  space: EntrySpace,
  from: Readonly<ClusterState>,
  to: Readonly<ClusterState>,
  changes: ImageChange[],
): void {
  const [old, now] = [from.entries(space), to.entries(space)];
  for (const key of new Set([...old.keys(), ...now.keys()])) {
    const value = now.get(key) ?? null;
    if (!sameBytes(old.get(key) ?? null, value)) {
      changes.push({ change: "entry", space, key, value });
    }
  }
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** Equality of plain values: fields may come in any order. */
function sameValue(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const [keys, others] = [Object.keys(a), Object.keys(b)];
  if (keys.length !== others.length) return false;
  return keys.every((key) =>
    sameValue((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
  );
}

function tell(listener: ImageListener, change: ImageChange): void {
  switch (change.change) {
    case "topic-added":
      return listener.topicAdded?.(change.topic);
    case "topic-removed":
      return listener.topicRemoved?.(change.topic);
    case "topic-configs":
      return listener.topicConfigsChanged?.(change.topic);
    case "partitions-added":
      return listener.partitionsAdded?.(change.topic, change.first);
    case "placement":
      return listener.placementChanged?.(change.topic, change.before, change.after);
    case "broker-configs":
      return listener.brokerConfigsChanged?.(change.broker);
    case "group-configs":
      return listener.groupConfigsChanged?.(change.group);
    case "broker":
      return listener.brokerChanged?.(change.before, change.after);
    case "entry":
      return listener.entryChanged?.(change.space, change.key, change.value);
    case "feature":
      return listener.featureChanged?.(change.feature, change.level);
    default:
      return unreachable(change);
  }
}

export const imageChanges = { before, after, between, tell };
