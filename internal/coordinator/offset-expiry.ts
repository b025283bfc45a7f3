// Which committed offsets are no longer kept. A group's offsets live as long as it is in use, and a retention time
// longer; those of a simple group, and of topics that a group in use no longer reads, a retention time from their commit.
import type { ClassicGroup } from "./classic-group.ts";
import type { ConsumerState } from "./consumer-state.ts";
import type { GroupRecord, StoredGroup } from "./group-records.ts";
import type { CommittedOffset } from "./group-requests.ts";
import type { GroupRow } from "./group-state.ts";
import { subscribedTopics } from "./subscriptions.ts";

export interface Usage {
  /** Nobody is in the group. */
  readonly isEmpty: boolean;
  /** Somebody is about to join it. */
  readonly isExpected: boolean;
  /** Since when nobody is; -1: a simple group, where each commit counts for itself. */
  readonly emptySinceMs: number;
  /** Since when it may be removed when it never committed; null: there is nothing to remove. */
  readonly storedSinceMs: number | null;
  /** What its members read; null: not known, so everything is kept. */
  readonly topics: ReadonlySet<string> | null;
}

export function classicUsage(group: ClassicGroup, stored: StoredGroup | null): Usage {
  return {
    isEmpty: group.isEmpty,
    isExpected: group.pending.size > 0,
    emptySinceMs: group.protocolType === null ? -1 : group.sinceMs,
    storedSinceMs: stored?.sinceMs ?? null,
    topics: group.phase === "Stable" ? subscribedTopics(group) : null,
  };
}

/** A consumer group's last epoch is as old as its emptiness: the last member's leaving was a change. */
export function consumerUsage(state: ConsumerState, topics: ReadonlySet<string> | null): Usage {
  const sinceMs = state.epochRow?.sinceMs ?? -1;
  const isEmpty = state.members.size === 0;
  return { isEmpty, isExpected: false, emptySinceMs: sinceMs, storedSinceMs: sinceMs, topics };
}

/** The records that remove what has expired of a group, and the group itself when nothing is left of it. */
export function expired(
  group: string,
  usage: Usage,
  row: GroupRow,
  nowMs: number,
  retentionMs: number,
  removal: readonly GroupRecord[],
): readonly GroupRecord[] {
  const isExpired = expiryRule(usage, nowMs, retentionMs);
  const records: GroupRecord[] = [];
  let kept = 0;
  for (const [topic, offsets] of row.offsets) {
    for (const [partition, committed] of offsets) {
      if (!isExpired(topic, committed)) kept++;
      else records.push({ kind: "offset-gone", group, topic, partition, atMs: nowMs });
    }
  }
  const isUnused = kept === 0 && usage.isEmpty && !usage.isExpected;
  if (isUnused && usage.storedSinceMs !== null) {
    // A group that never committed goes as late as one whose last offset expires.
    if (records.length > 0 || nowMs - usage.storedSinceMs >= retentionMs) records.push(...removal);
  }
  return records;
}

function expiryRule(
  { isEmpty, emptySinceMs, topics }: Usage,
  nowMs: number,
  retentionMs: number,
): (topic: string, committed: CommittedOffset) => boolean {
  const isOver = (committed: CommittedOffset, fromMs: number): boolean =>
    committed.expireMs >= 0 ? nowMs >= committed.expireMs : nowMs - fromMs >= retentionMs;
  if (isEmpty) {
    return (_topic, committed) => isOver(committed, Math.max(emptySinceMs, committed.commitMs));
  }
  return (topic, committed) =>
    topics !== null && !topics.has(topic) && isOver(committed, committed.commitMs);
}
