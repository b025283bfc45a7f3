// A group as the simulation sees it from above: its replicas on all brokers, its newest configuration, who leads.
import type { GroupId, ReplicaId } from "../../../internal/model/ids.ts";
import type { Replica } from "../../../internal/replica/replica.ts";
import type { SimBroker, SimCluster } from "../cluster/sim-cluster.ts";

export interface PlacedReplica {
  readonly at: SimBroker;
  readonly replica: Replica;
}

export class GroupView {
  readonly group: GroupId;
  readonly placed: readonly PlacedReplica[];
  /** The replica that knows most; null when none is up. */
  readonly newest: Replica | null;

  constructor(cluster: SimCluster, group: GroupId) {
    this.group = group;
    const placed: PlacedReplica[] = [];
    for (const at of cluster.brokers) {
      const replica = at.broker?.raft.replica(group) ?? null;
      if (replica !== null) placed.push({ at, replica });
    }
    this.placed = placed;
    this.newest = placed.map(({ replica }) => replica).sort(byKnowledge)[0] ?? null;
  }

  /** A leader that has committed in its term, on a machine that can be talked to. */
  get leader(): PlacedReplica | null {
    const leaders = this.placed
      .filter(({ at, replica }) => replica.serves && at.reachable !== null)
      .sort((a, b) => b.replica.machine.term - a.replica.machine.term);
    return leaders[0] ?? null;
  }

  /** Where somebody leads, whether or not it has committed yet. */
  get leading(): readonly SimBroker[] {
    const leaders = this.placed.filter(({ at, replica }) => replica.leads && at.reachable !== null);
    return leaders.map(({ at }) => at);
  }

  /** The voters of the newest configuration, both halves. */
  get halves(): readonly (readonly ReplicaId[])[] {
    const knower = this.leader?.replica ?? this.newest;
    if (knower === null) return [];
    const { voters, votersOutgoing } = knower.machine.configuration;
    return votersOutgoing.length === 0 ? [voters] : [voters, votersOutgoing];
  }

  /** The replica with that id, if it is up and still is that member. */
  member(id: ReplicaId): PlacedReplica | null {
    return this.placed.find(({ replica }) => replica.self === id) ?? null;
  }

  describe(): string {
    const parts = this.placed.map(({ at, replica }) => {
      const { role, term, commit, lastIndex, standing } = replica.machine;
      const up = at.reachable === null ? " (unreachable)" : "";
      return `${at.id}/${replica.self}${up}: ${role} term ${term} ${commit}/${lastIndex} ${standing}`;
    });
    const halves = this.halves.map((half) => `[${half.join(" ")}]`).join("+");
    return `${parts.join(", ")}; voters ${halves}`;
  }
}

function byKnowledge(a: Replica, b: Replica): number {
  const left = a.machine;
  const right = b.machine;
  return (
    right.configuration.revision - left.configuration.revision ||
    right.term - left.term ||
    right.lastIndex - left.lastIndex
  );
}

/** The groups that any broker hosts, in order. */
export function groupsOf(cluster: SimCluster): GroupId[] {
  const groups = new Set<GroupId>();
  for (const { broker } of cluster.brokers) {
    for (const replica of broker?.raft.replicas() ?? []) groups.add(replica.group);
  }
  return [...groups].sort((a, b) => a - b);
}
