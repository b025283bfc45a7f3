// Handlers that change where existing partitions live. The controller only sets a target with a growing revision; the
// group's own committed configuration says what is (C4). Replicas that a target excludes stay known as leaving until the
// group has settled: until then they may be wanted again, and are the same replicas if they are.
import type { Result } from "../base/result.ts";
import { ok } from "../base/result.ts";
import type { BrokerId } from "../model/ids.ts";
import type { ClusterState } from "./cluster-state.ts";
import type { Handler } from "./controller-context.ts";
import { refuse } from "./controller-context.ts";
import type { ControllerFault, ControllerRequest } from "./controller-requests.ts";
import { LEAVING_MAX } from "./limits.ts";
import { foundersOf, isSettled } from "./records.ts";
import type { ControllerRecord, PartitionPlacement, ReplicaPlacement } from "./records.ts";
import { assignmentRefusal, TopicDraft } from "./topic-draft.ts";

type Change = ControllerRequest<"place-replicas">["changes"][number];

export const placeReplicasAnew: Handler<"place-replicas"> = (state, request, context) => {
  const draft = new TopicDraft(state, context);
  const records: ControllerRecord[] = [];
  const touched = new Set<number>();
  const outcomes = request.changes.map((change): Result<{ revision: number }, ControllerFault> => {
    const before = state.topics.get(change.topicId)?.partitions[change.partition];
    if (before === undefined) return refuse("unknown-topic", "There is no such partition.");
    const refusal = changeRefusal(state, before, change, touched);
    if (refusal !== null) return refusal;
    touched.add(before.group);
    const placement = retarget(state, draft, before, change.brokers);
    if (placement === null) return ok({ revision: before.revision });
    records.push({ kind: "placement-set", topicId: change.topicId, placement });
    return ok({ revision: placement.revision });
  });
  return ok({ records, reply: { kind: "place-replicas", outcomes } });
};

function changeRefusal(
  state: Readonly<ClusterState>,
  before: PartitionPlacement,
  change: Change,
  touched: ReadonlySet<number>,
): ReturnType<typeof refuse> | null {
  if (touched.has(before.group)) {
    return refuse("invalid-request", "The request names this partition more than once.");
  }
  if (before.revision !== change.revision) {
    return refuse("stale-revision", `The placement is at revision ${before.revision} by now.`);
  }
  if (before.leaving.length > LEAVING_MAX) {
    const detail = "Too many replicas of this partition are still leaving for earlier targets.";
    return refuse("invalid-request", detail);
  }
  const refusal = assignmentRefusal(state, change.brokers, change.brokers.length);
  return refusal === null ? null : refuse("invalid-replica-assignment", refusal);
}

/** Null: it is the target already. */
function retarget(
  state: Readonly<ClusterState>,
  draft: TopicDraft,
  before: PartitionPlacement,
  brokers: readonly BrokerId[],
): PartitionPlacement | null {
  const replicas = brokers.map((broker) => replicaOn(state, draft, before, broker));
  const isSame =
    replicas.length === before.replicas.length &&
    replicas.every((placed, rank) => placed.replica === before.replicas[rank]!.replica);
  return isSame ? null : targetOf(before, replicas);
}

/**
 * A replica stays itself only where its directory is still the broker's (F5). A directory holds one replica of a group, so
 * one that is leaving it comes back as itself, whoever asks: two would wait for each other, without an end.
 */
function replicaOn(
  state: Readonly<ClusterState>,
  draft: TopicDraft,
  before: PartitionPlacement,
  broker: BrokerId,
): ReplicaPlacement {
  const known = [...before.replicas, ...before.leaving];
  const { directory } = state.brokers.get(broker)!;
  const kept = known.find((placed) => placed.broker === broker && placed.directory === directory);
  return kept ?? draft.replica(broker);
}

function targetOf(
  before: PartitionPlacement,
  replicas: readonly ReplicaPlacement[],
): PartitionPlacement {
  const stays = new Set(replicas.map(({ replica }) => replica));
  const leaving = [...before.replicas, ...before.leaving].filter((of) => !stays.has(of.replica));
  const revision = before.revision + 1;
  return { ...before, revision, replicas, leaving, founders: foundersOf(before) };
}

/** Of groups that have reached the targets named; one that has got another target since is passed over. */
export const settlePlacements: Handler<"settle-placements"> = (state, { kind, settled }) => {
  const records: ControllerRecord[] = [];
  const seen = new Set<PartitionPlacement>();
  for (const { topicId, partition, revision } of settled) {
    const placement = state.topics.get(topicId)?.partitions[partition];
    if (placement?.revision !== revision || isSettled(placement)) continue;
    if (seen.has(placement)) continue;
    seen.add(placement);
    records.push({ kind: "placement-settled", topicId, partition, revision });
  }
  return ok({ records, reply: { kind, count: records.length } });
};

export const replaceDirectory: Handler<"replace-directory"> = (state, request, context) => {
  const { broker, directory, countMax } = request;
  const registered = state.brokers.get(broker);
  if (registered === undefined) {
    return refuse("unknown-broker", `Broker ${broker} is not registered.`);
  }
  if (registered.directory !== directory) {
    return refuse("stale-incarnation", "The broker is registered with another directory.");
  }
  const draft = new TopicDraft(state, context);
  const records: ControllerRecord[] = [];
  for (const { topicId, partitions } of state.topics.values()) {
    for (const before of partitions) {
      if (records.length >= countMax) break;
      const lost = before.replicas.findIndex(
        (placed) => placed.broker === broker && placed.directory !== directory,
      );
      if (lost < 0) continue;
      const replicas = before.replicas.with(lost, replicaOn(state, draft, before, broker));
      const placement = targetOf(before, replicas);
      records.push({ kind: "placement-set", topicId, placement });
    }
  }
  return ok({ records, reply: { kind: "replace-directory", replaced: records.length } });
};
