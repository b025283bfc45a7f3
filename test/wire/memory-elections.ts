// Elections over MemoryCluster, whose only broker is preferred for everything: what becomes of a partition is set by the test.
import { failed } from "../../internal/base/result.ts";
import type {
  ElectionService,
  PartitionElection,
} from "../../internal/service/election-service.ts";

type Outcome = PartitionElection["outcome"];

const NOT_NEEDED: Outcome = failed({ kind: "not-needed", detail: "It leads." });

export class MemoryElections implements ElectionService {
  /** By topic and partition, `orders-0`; others need no election. */
  readonly outcomes = new Map<string, Outcome>();
  /** What was asked for. */
  readonly asked: { readonly wanted: string; readonly withinMs: number }[] = [];

  async elect(
    wanted: "preferred" | "any",
    of: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null,
    withinMs: number,
  ): Promise<readonly PartitionElection[]> {
    this.asked.push({ wanted, withinMs });
    const named = of ?? [...this.outcomes.keys()].map(partitionOf);
    return named.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => {
        const outcome = this.outcomes.get(`${topic}-${partition}`) ?? NOT_NEEDED;
        return { topic, partition, outcome };
      }),
    );
  }
}

function partitionOf(key: string): { readonly topic: string; readonly partitions: number[] } {
  const at = key.lastIndexOf("-");
  return { topic: key.slice(0, at), partitions: [Number(key.slice(at + 1))] };
}
