// Looks through a partition's committed batches for a time. A log may have millions of entries, so the event loop has its
// turn in between (L7); what happens to the log meanwhile, at either end, does no harm.
import type { LogIndex } from "../model/ids.ts";
import type { Partition } from "../partition/partition.ts";
import type { Clock } from "../ports/clock.ts";
import { ENTRY_BATCH } from "../raft/entry.ts";

/** Entries that are looked at in one turn: a fraction of a millisecond, because many may search at once. */
const ENTRIES_PER_STRETCH = 16_384;

/** The first committed batch whose greatest timestamp is not before `timestampMs`. */
export async function indexAtTime(
  partition: Partition,
  clock: Clock,
  timestampMs: number,
): Promise<LogIndex | null> {
  const { entries } = partition.replica;
  let found: LogIndex | null = null;
  await eachBatch(partition, clock, (index) => {
    if (entries.timestampMax(index) < timestampMs) return "go on";
    found = index;
    return "enough";
  });
  return found;
}

/** The first committed batch with the greatest timestamp of all. */
export async function indexOfMaxTimestamp(
  partition: Partition,
  clock: Clock,
): Promise<LogIndex | null> {
  const { entries } = partition.replica;
  let best: LogIndex | null = null;
  let bestMs = Number.NEGATIVE_INFINITY;
  await eachBatch(partition, clock, (index) => {
    const atMs = entries.timestampMax(index);
    if (atMs > bestMs) [best, bestMs] = [index, atMs];
    return "go on";
  });
  return best;
}

/** Shows committed batches in their order until `look` has enough, or there are no more. */
async function eachBatch(
  partition: Partition,
  clock: Clock,
  look: (index: LogIndex) => "go on" | "enough",
): Promise<void> {
  let next = firstIndex(partition);
  for (;;) {
    const { entries, machine } = partition.replica;
    const end = Math.min(machine.commit, entries.last, next + ENTRIES_PER_STRETCH - 1);
    for (let index = next; index <= end; index = (index + 1) as LogIndex) {
      if (entries.kind(index) === ENTRY_BATCH && look(index) === "enough") return;
    }
    next = (end + 1) as LogIndex;
    if (next > Math.min(machine.commit, entries.last)) return;
    await new Promise<void>((resolve) => clock.after(0, resolve));
    next = Math.max(next, firstIndex(partition)) as LogIndex;
  }
}

/** The first entry that may hold a record that was not deleted. */
function firstIndex({ replica, logStart }: Partition): LogIndex {
  return replica.entries.find(logStart) ?? ((replica.entries.last + 1) as LogIndex);
}
