// What one request is about to add to the topics: handlers change no state, so the ids, counts and loads of the topics
// that a request adds before the next one are kept here.
import type { Failed, Result } from "../base/result.ts";
import { ok } from "../base/result.ts";
import type { BrokerId, GroupId, ReplicaId, Term } from "../model/ids.ts";
import type { ClusterState } from "./cluster-state.ts";
import type { ControllerContext } from "./controller-context.ts";
import { refuse } from "./controller-context.ts";
import type { ControllerFault } from "./controller-requests.ts";
import { placeReplicas } from "./placement.ts";
import type { PartitionPlacement, ReplicaPlacement } from "./records.ts";

type Placed = readonly (readonly BrokerId[])[];

const START_LIMIT = 1 << 20;

export class TopicDraft {
  readonly #state: Readonly<ClusterState>;
  readonly #context: ControllerContext;
  readonly #added = new Map<BrokerId, { replicas: number; preferred: number }>();
  #nextGroup: number;
  #nextReplica: number;
  #partitionCount: number;

  constructor(state: Readonly<ClusterState>, context: ControllerContext) {
    this.#state = state;
    this.#context = context;
    this.#nextGroup = state.nextGroup;
    this.#nextReplica = state.nextReplica;
    this.#partitionCount = state.partitionCount;
  }

  /** Null: a topic that has `held` partitions may get `added` more. */
  limitRefusal(held: number, added: number): ControllerFault | null {
    const { topicPartitionsMax, clusterPartitionsMax } = this.#context.settings();
    const kind = "too-many-partitions";
    if (held + added > topicPartitionsMax) {
      return { kind, detail: `A topic has at most ${topicPartitionsMax} partitions.` };
    }
    if (this.#partitionCount + added > clusterPartitionsMax) {
      return { kind, detail: `This cluster has at most ${clusterPartitionsMax} partitions.` };
    }
    return null;
  }

  /**
   * Chooses brokers for `count` partitions (P3): without those that are stopping if it can, and with fenced ones only where
   * there are not enough others. A topic can be made while a broker restarts.
   */
  place(count: number, factor: number): Result<Placed, ControllerFault> {
    const known = [...this.#state.brokers.values()];
    const all = known.filter(({ broker }) => this.#hasRoom(broker));
    if (all.length < factor && known.length >= factor)
      return this.#noRoom(known.map(({ broker }) => broker));
    const unfenced = all.filter((broker) => !broker.fenced);
    const staying = unfenced.filter((broker) => !broker.draining);
    const enough = [staying, unfenced].find((brokers) => brokers.length >= factor) ?? all;
    const loaded = enough.map(({ broker, rack, host, fenced }) => {
      const [held, added] = [this.#state.load(broker), this.#added.get(broker)];
      const replicas = held.replicas + (added?.replicas ?? 0);
      const preferred = held.preferred + (added?.preferred ?? 0);
      return { broker, rack, host, fenced, replicas, preferred };
    });
    const start = this.#context.entropy.below(START_LIMIT);
    const placed = placeReplicas(loaded, count, factor, start);
    if (placed.ok) return placed;
    const detail = `Replication factor ${factor} is larger than the ${placed.fault.live} available brokers.`;
    return refuse("invalid-replication-factor", detail);
  }

  /** Checks brokers that the client chose. Every partition has `factor` of them. */
  check(assignments: Placed, factor: number): Result<Placed, ControllerFault> {
    for (const brokers of assignments) {
      const refusal = assignmentRefusal(this.#state, brokers, factor);
      if (refusal !== null) return refuse("invalid-replica-assignment", refusal);
    }
    const brokers = [...new Set(assignments.flat())];
    return brokers.every((broker) => this.#hasRoom(broker))
      ? ok(assignments)
      : this.#noRoom(brokers);
  }

  #hasRoom(broker: BrokerId): boolean {
    return this.#context.hasRoom?.(broker) !== false;
  }

  /** Replicas take room in journals from their beginning (J11). */
  #noRoom(brokers: readonly BrokerId[]): Failed<ControllerFault> {
    const full = brokers.filter((broker) => !this.#hasRoom(broker)).sort((a, b) => a - b);
    const detail = `The journals of brokers ${full.join(", ")} are near journal.bytes.max and take no more replicas.`;
    return refuse("storage-full", detail);
  }

  /** Gives ids to new partitions, from number `firstPartition` on. */
  partitions(firstPartition: number, placed: Placed, firstTerm: Term): PartitionPlacement[] {
    this.#partitionCount += placed.length;
    return placed.map((brokers, at) => {
      brokers.forEach((broker, rank) => this.#weigh(broker, rank));
      const replicas = brokers.map((broker) => this.replica(broker));
      const group = this.#nextGroup++ as GroupId;
      const first = { revision: 1, replicas, leaving: [], founders: [] };
      return { partition: firstPartition + at, group, firstTerm, ...first };
    });
  }

  /** A new replica in the directory that the broker has now. */
  replica(broker: BrokerId): ReplicaPlacement {
    const replica = this.#nextReplica++ as ReplicaId;
    return { replica, broker, directory: this.#state.brokers.get(broker)!.directory };
  }

  #weigh(broker: BrokerId, rank: number): void {
    const added = this.#added.get(broker) ?? { replicas: 0, preferred: 0 };
    added.replicas++;
    if (rank === 0) added.preferred++;
    this.#added.set(broker, added);
  }
}

/** Null, or a sentence saying why a partition cannot live on these brokers. */
export function assignmentRefusal(
  state: Readonly<ClusterState>,
  brokers: readonly BrokerId[],
  factor: number,
): string | null {
  if (brokers.length === 0) return "A partition needs at least one replica.";
  if (brokers.length !== factor)
    return "All partitions of a topic need the same number of replicas.";
  if (new Set(brokers).size !== brokers.length) return "A broker is named twice for one partition.";
  const unknown = brokers.find((broker) => !state.brokers.has(broker));
  if (unknown !== undefined) return `Broker ${unknown} is not registered.`;
  const live = brokers.filter((broker) => !state.brokers.get(broker)!.fenced).length;
  // Without a majority the group could not even elect its first leader.
  return live * 2 > brokers.length ? null : "A majority of the named brokers is not available.";
}
