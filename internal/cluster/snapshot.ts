// The state of group 0 as records: applied to an empty state in this order, they make an equal one. Rows come in a fixed
// order, so equal states have equal snapshots, byte for byte.
import type { ClusterState } from "./cluster-state.ts";
import type { ControllerRecord } from "./records.ts";

export function* snapshotRecords(
  state: Readonly<ClusterState>,
): IterableIterator<ControllerRecord> {
  const { nextGroup, nextReplica, nextProducerId, deletedTermFloor } = state;
  yield { kind: "counters-set", nextGroup, nextReplica, nextProducerId, deletedTermFloor };
  if (state.clusterId !== null) yield { kind: "cluster-founded", clusterId: state.clusterId };
  for (const [feature, level] of sorted(state.features)) {
    yield { kind: "feature-level-set", feature, level };
  }
  for (const [broker, { fenced, draining, ...registration }] of sorted(state.brokers)) {
    yield { kind: "broker-registered", ...registration };
    const { incarnation } = registration;
    if (!fenced) yield { kind: "broker-unfenced", broker, incarnation };
    if (draining) yield { kind: "broker-draining", broker, incarnation };
  }
  for (const [broker, { floor, replies }] of sorted(state.answered)) {
    for (const [sequence, reply] of replies) {
      yield { kind: "request-answered", broker, sequence, floor, reply };
    }
  }
  for (const [broker, configs] of sorted(state.brokerConfigSets)) {
    yield { kind: "broker-configs-set", broker, configs };
  }
  for (const [group, configs] of sorted(state.groupConfigSets)) {
    yield { kind: "group-configs-set", group, configs };
  }
  for (const [topicId, { name, configs, partitions }] of sorted(state.topics)) {
    yield { kind: "topic-created", topicId, name, configs, partitions: [...partitions] };
  }
  for (const [name, highestTerm] of sorted(state.deletedTerms)) {
    yield { kind: "deleted-term-set", name, highestTerm };
  }
  for (const space of ["acl", "credential", "quota"] as const) {
    for (const [key, value] of sorted(state.entries(space))) {
      yield { kind: "entry-set", space, key, value };
    }
  }
}

function sorted<K extends string | number | null, V>(map: ReadonlyMap<K, V>): (readonly [K, V])[] {
  return [...map].sort(([a], [b]) => ((a ?? -1) < (b ?? -1) ? -1 : 1));
}
