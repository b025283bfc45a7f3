// Elections over MemoryCluster, whose only broker is preferred for everything: what becomes of a partition is set by the test.
import { failed } from "../../internal/base/result.ts";
import type {
  ElectionFault,
  ElectionService,
  PartitionElection,
} from "../../internal/service/election-service.ts";
import type { MemoryCluster } from "./memory-cluster.ts";

type Outcome = PartitionElection["outcome"];

export class MemoryElections implements ElectionService {
  /** By topic and partition, `orders-0`; others that there are need no election. */
  readonly outcomes = new Map<string, Outcome>();
  /** What was asked for. */
  readonly asked: { readonly wanted: string; readonly withinMs: number }[] = [];
  readonly #cluster: MemoryCluster;

  constructor(cluster: MemoryCluster) {
    this.#cluster = cluster;
  }

  async elect(
    wanted: "preferred" | "any",
    of: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null,
    withinMs: number,
  ): Promise<readonly PartitionElection[]> {
    this.asked.push({ wanted, withinMs });
    const named = of ?? [...this.outcomes.keys()].map(partitionOf);
    return named.flatMap(({ topic, partitions }) =>
      [...new Set(partitions)].map((partition) => {
        const outcome = this.outcomes.get(`${topic}-${partition}`);
        return { topic, partition, outcome: outcome ?? this.#unneeded(topic, partition) };
      }),
    );
  }

  #unneeded(name: string, partition: number): Outcome {
    const topic = this.#cluster.topicNamed(name);
    const fault = (kind: ElectionFault["kind"], detail: string): Outcome =>
      failed({ kind, detail });
    if (topic === null) return fault("unknown-topic", "No such topic.");
    if (topic.partitions[partition] === undefined) return fault("unknown-partition", "None such.");
    return fault("not-needed", "It leads.");
  }
}

function partitionOf(key: string): { readonly topic: string; readonly partitions: number[] } {
  const at = key.lastIndexOf("-");
  return { topic: key.slice(0, at), partitions: [Number(key.slice(at + 1))] };
}
