// Check of commits by members of the past: an accepted one is a crime if its member had surely been replaced before it was
// sent. Surely means that somebody holds an answer which a coordinator gives only when the change is committed.
import { nameOf } from "../groups/group-history.ts";
import type { CommitSeen, GroupHistory, HeartbeatSeen, SyncSeen } from "../groups/group-history.ts";
import { FindingDraft } from "./finding.ts";
import type { Finding } from "./finding.ts";
import { at, Generations } from "./group-owners.ts";
import type { Mixed } from "./group-owners.ts";
import { tenuresOf } from "./tenures.ts";
import type { Tenure, TenureLimits } from "./tenures.ts";

export function oldCommits(
  history: GroupHistory,
  limits: TenureLimits,
  mixed: Mixed = new Set(),
): Finding {
  const draft = new FindingDraft(
    "old commit accepted",
    "no commit is accepted under a generation, epoch or member id that has been replaced",
  );
  const { commits, syncs, heartbeats } = history;
  const generations = new Generations(syncs, mixed);
  const instances = Map.groupBy(
    syncs.filter(({ instanceId }) => instanceId !== null),
    ({ group, instanceId }) => `${group}/${instanceId}`,
  );
  const members = Map.groupBy(heartbeats, ({ group, memberId }) => `${group}/${memberId}`);
  const tenures = Map.groupBy(
    tenuresOf(history, limits),
    ({ group, partition }) => `${group}/${partition}`,
  );
  for (const commit of commits) {
    draft.examined();
    if (commit.answeredMs === null || commit.code !== 0) continue;
    const { group, instanceId, memberId, partition } = commit;
    let why =
      commit.protocol === "classic"
        ? (olderGeneration(commit, generations) ??
          replacedInstance(commit, instances.get(`${group}/${instanceId}`) ?? []))
        : olderEpoch(commit, members.get(`${group}/${memberId}`) ?? []);
    why ??= takenOver(commit, tenures.get(`${group}/${partition}`) ?? []);
    if (why === null) continue;
    draft.violation(
      () =>
        `${group}: ${nameOf(commit)} commits ${commit.offset} on partition ${partition} under ` +
        `generation ${commit.generation} (${commit.kind}), sent at ${at(commit.sentMs)}; ${why}`,
    );
  }
  return draft.finding();
}

function olderGeneration(commit: CommitSeen, generations: Generations): string | null {
  const newest = generations.newestBefore(commit, commit.sentMs);
  if (newest === null || newest.generation <= commit.generation) return null;
  return `generation ${newest.generation} was given at ${at(newest.answeredMs)}`;
}

/** Another member id of the same instance was given partitions after this one was for the last time. */
function replacedInstance(commit: CommitSeen, syncs: readonly SyncSeen[]): string | null {
  const { memberId, sentMs } = commit;
  const before = syncs.filter(({ answeredMs }) => answeredMs < sentMs);
  const own = before.findLast((seen) => seen.memberId === memberId);
  const next = before.find(
    (seen) => seen.memberId !== memberId && seen.sentMs > (own?.answeredMs ?? Infinity),
  );
  return next === undefined ? null : `${next.memberId} took its seat at ${at(next.answeredMs)}`;
}

function olderEpoch(commit: CommitSeen, heartbeats: readonly HeartbeatSeen[]): string | null {
  const newer = heartbeats.find(
    ({ answeredMs, code, epoch, epochSent }) =>
      answeredMs !== null &&
      answeredMs < commit.sentMs &&
      code === 0 &&
      epochSent >= 0 &&
      epoch > commit.generation,
  );
  if (newer === undefined) return null;
  return `it was told epoch ${newer.epoch} at ${at(newer.answeredMs ?? 0)}`;
}

/** Somebody else was given the partition after this member was for the last time. */
function takenOver(commit: CommitSeen, tenures: readonly Tenure[]): string | null {
  const before = tenures.filter(({ fromMs }) => fromMs < commit.sentMs);
  const own = before.findLast(({ memberId }) => memberId === commit.memberId);
  const next = before.find(
    ({ owner, fromMs }) => owner !== own?.owner && fromMs > (own?.fromMs ?? Infinity),
  );
  return next === undefined ? null : `${next.memberId} was given it at ${at(next.fromMs)}`;
}
