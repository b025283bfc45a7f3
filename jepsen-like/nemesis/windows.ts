// How long faults kept partitions from accepting records: from the fault to the first acknowledgement of something that was
// sent after it. An answer that was under way when the fault struck proves nothing about the time after it.
import type { History } from "../history.ts";
import type { FaultRecord, Window } from "./fault-record.ts";

interface Ack {
  readonly attemptMs: number;
  readonly ackedMs: number;
}

/** The acknowledgements of each partition in the order of arrival. */
export function acksByPartition(history: History): Map<number, Ack[]> {
  const acks = new Map<number, Ack[]>();
  for (const { partition, batches } of history.lanes) {
    const of = acks.get(partition) ?? [];
    acks.set(partition, of);
    for (const { outcome, ackedAttemptMs, ackedMs } of batches) {
      if (outcome === "acked") of.push({ attemptMs: ackedAttemptMs, ackedMs });
    }
  }
  for (const of of acks.values()) of.sort((a, b) => a.ackedMs - b.ackedMs);
  return acks;
}

export function windowOf(fault: FaultRecord, acks: ReadonlyMap<number, readonly Ack[]>): Window {
  let backMs = fault.startMs;
  const stuck: number[] = [];
  for (const partition of fault.partitions) {
    const first = (acks.get(partition) ?? []).find(({ attemptMs }) => attemptMs >= fault.startMs);
    if (first === undefined) stuck.push(partition);
    else backMs = Math.max(backMs, first.ackedMs);
  }
  return {
    fault,
    sinceFaultMs: backMs - fault.startMs,
    sinceQuorumMs: Math.max(0, backMs - fault.quorumMs),
    stuck,
  };
}

/** The longest time within [from, to] in which no partition at all, and in which some partition, accepted nothing. */
export function longestGaps(
  acks: ReadonlyMap<number, readonly Ack[]>,
  fromMs: number,
  toMs: number,
): { readonly overallMs: number; readonly onePartitionMs: number } {
  const all = [...acks.values()].flat().toSorted((a, b) => a.ackedMs - b.ackedMs);
  const ofOne = [...acks.values()].map((of) => longestGap(of, fromMs, toMs));
  return { overallMs: longestGap(all, fromMs, toMs), onePartitionMs: Math.max(0, ...ofOne) };
}

function longestGap(acks: readonly Ack[], fromMs: number, toMs: number): number {
  let before = fromMs;
  let longest = 0;
  for (const { ackedMs } of acks) {
    if (ackedMs < fromMs || ackedMs > toMs) continue;
    longest = Math.max(longest, ackedMs - before);
    before = ackedMs;
  }
  return Math.max(longest, toMs - before);
}

/** The value below which `fraction` of the values lie; 0 for none. */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? 0;
}
