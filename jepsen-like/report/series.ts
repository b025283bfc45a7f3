// What a run looks like over time, in numbers: records a second, latencies, who led, and when partitions accepted nothing.
import type { LeaderChange } from "../workload/leaders.ts";
import type { History } from "../history.ts";
import { acksByPartition, quantile } from "../nemesis/windows.ts";

export interface Bin {
  readonly fromMs: number;
  readonly recordsPerS: number;
  /** Of the batches that were acknowledged in it, from their first sending on; null without any. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** One broker's time as the leader of a partition, as clients knew it. */
export interface Reign extends Span {
  readonly broker: number;
  readonly epoch: number;
}

export function bins(history: History, fromMs: number, toMs: number, binMs: number): Bin[] {
  const count = Math.max(1, Math.ceil((toMs - fromMs) / binMs));
  const records = Array.from({ length: count }, () => 0);
  const latencies = Array.from({ length: count }, (): number[] => []);
  for (const { outcome, ackedMs, sentMs, count: size } of history.lanes.flatMap((l) => l.batches)) {
    const bin = Math.floor((ackedMs - fromMs) / binMs);
    if (outcome !== "acked" || bin < 0 || bin >= count) continue;
    records[bin] = (records[bin] ?? 0) + size;
    latencies[bin]?.push(ackedMs - sentMs);
  }
  return records.map((size, k) => {
    const of = latencies[k] ?? [];
    return {
      fromMs: fromMs + k * binMs,
      recordsPerS: (1_000 * size) / binMs,
      p50Ms: of.length === 0 ? null : quantile(of, 0.5),
      p99Ms: of.length === 0 ? null : quantile(of, 0.99),
    };
  });
}

/** By partition. */
export function reigns(changes: readonly LeaderChange[], toMs: number): Map<number, Reign[]> {
  const byPartition = Map.groupBy(changes, ({ partition }) => partition);
  return new Map(
    [...byPartition].map(([partition, list]) => [
      partition,
      list.map(({ atMs, broker, epoch }, k) => {
        return { fromMs: atMs, toMs: list[k + 1]?.atMs ?? toMs, broker, epoch };
      }),
    ]),
  );
}

/** By partition: the times of at least `leastMs` in which it acknowledged nothing. */
export function silences(
  history: History,
  fromMs: number,
  toMs: number,
  leastMs: number,
): Map<number, Span[]> {
  return new Map(
    [...acksByPartition(history)].map(([partition, acks]) => {
      const times = acks.map(({ ackedMs }) => ackedMs).filter((ms) => ms >= fromMs && ms <= toMs);
      const edges = [fromMs, ...times, toMs];
      const spans = edges.flatMap((atMs, k) => {
        const nextMs = edges[k + 1];
        return nextMs !== undefined && nextMs - atMs >= leastMs
          ? [{ fromMs: atMs, toMs: nextMs }]
          : [];
      });
      return [partition, spans];
    }),
  );
}
