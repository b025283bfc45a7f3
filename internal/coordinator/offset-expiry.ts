// Which committed offsets are no longer kept. A group's offsets live as long as it is in use, and a retention time
// longer; those of a simple group, and of topics that a stable group no longer reads, a retention time from their commit.
import type { ClassicGroup } from "./classic-group.ts";
import type { GroupRecord } from "./group-records.ts";
import type { CommittedOffset } from "./group-requests.ts";
import type { GroupRow } from "./group-state.ts";
import { subscribedTopics } from "./subscriptions.ts";

/** The records that remove what has expired of a group, and the group itself when nothing is left of it. */
export function expired(
  group: ClassicGroup,
  row: GroupRow,
  nowMs: number,
  retentionMs: number,
): readonly GroupRecord[] {
  const isExpired = expiryRule(group, nowMs, retentionMs);
  const records: GroupRecord[] = [];
  let kept = 0;
  for (const [topic, offsets] of row.offsets) {
    for (const [partition, committed] of offsets) {
      if (!isExpired(topic, committed)) kept++;
      else records.push({ kind: "offset-gone", group: group.id, topic, partition, atMs: nowMs });
    }
  }
  const isUnused = kept === 0 && group.isEmpty && group.pending.size === 0;
  if (isUnused && row.stored !== null) {
    const { sinceMs } = row.stored;
    // A group that never committed goes as late as one whose last offset expires.
    if (records.length > 0 || nowMs - sinceMs >= retentionMs) {
      records.push({ kind: "group-gone", group: group.id, atMs: nowMs });
    }
  }
  return records;
}

function expiryRule(
  group: ClassicGroup,
  nowMs: number,
  retentionMs: number,
): (topic: string, committed: CommittedOffset) => boolean {
  const isOver = (committed: CommittedOffset, fromMs: number): boolean =>
    committed.expireMs >= 0 ? nowMs >= committed.expireMs : nowMs - fromMs >= retentionMs;
  if (group.isEmpty) {
    const emptySinceMs = group.protocolType === null ? -1 : group.sinceMs;
    return (_topic, committed) => isOver(committed, Math.max(emptySinceMs, committed.commitMs));
  }
  const topics = group.phase === "Stable" ? subscribedTopics(group) : null;
  return (topic, committed) =>
    topics !== null && !topics.has(topic) && isOver(committed, committed.commitMs);
}
