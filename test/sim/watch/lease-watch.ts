// Looks at leases from above (L5): at most one broker of a group may serve at any moment, and a voter keeps what it promised
// a leader that relies on it. Leaders with a successor are few and short-lived, so looking at them after every event costs
// next to nothing. Also looks at who believes in a leader that is none (L1).
import type { GroupId, ReplicaId, Term } from "../../../internal/model/ids.ts";
import type { Replica } from "../../../internal/replica/replica.ts";
import { Loyalty } from "../../property/raft-loyalty.ts";
import type { Verdict } from "../checkers/verdict.ts";
import type { SimBroker, SimCluster } from "../cluster/sim-cluster.ts";
import { groupsOf, GroupView } from "./group-view.ts";

/** So long may a leader with a successor, or a follower of nobody, not hear of it from somebody it is connected with. */
const HEARSAY_MS_MAX = 4_000;

export class LeaseWatch {
  /** Times that a leader with a successor was looked at while it led. */
  deposed = 0;
  readonly #cluster: SimCluster;
  readonly #verdict: Verdict;
  readonly #loyalties = new Map<GroupId, Loyalty>();
  /** The highest term of a group in which something was committed. */
  readonly #serving = new Map<GroupId, Term>();
  readonly #suspects = new Set<{ readonly at: SimBroker; readonly replica: Replica }>();
  /** Since when a follower believes in somebody who does not lead. */
  readonly #misled = new Map<Replica, number>();

  constructor(cluster: SimCluster, verdict: Verdict) {
    this.#cluster = cluster;
    this.#verdict = verdict;
  }

  /** What the replicas of a group promise each other, step by step. */
  loyaltyOf(group: GroupId): Loyalty {
    const known = this.#loyalties.get(group);
    if (known !== undefined) return known;
    const made = new Loyalty((holds, promise) => {
      if (!holds) this.#verdict.report("followers are loyal", `group ${group}: ${promise}`);
    });
    this.#loyalties.set(group, made);
    return made;
  }

  /** A leader committed something in its term. */
  committed(group: GroupId, term: Term): void {
    if (term <= (this.#serving.get(group) ?? 0)) return;
    this.#serving.set(group, term);
    for (const at of this.#cluster.brokers) {
      const replica = at.broker?.raft.replica(group) ?? null;
      if (replica === null || !replica.leads || replica.machine.term >= term) continue;
      this.#suspects.add({ at, replica });
    }
  }

  /** A voter helps somebody to lead `term`: no leader of an earlier one may rely on it. */
  votes(group: GroupId, voter: ReplicaId, to: ReplicaId, term: Term): void {
    for (const at of this.#cluster.brokers) {
      const raft = at.broker?.raft ?? null;
      const replica = raft?.replica(group) ?? null;
      if (raft === null || replica === null || !replica.leads) continue;
      if (replica.self === to || replica.machine.term >= term || isAsleep(at)) continue;
      if (!raft.reliesOn(replica, voter)) continue;
      const detail = `group ${group}: replica ${voter} votes in term ${term}; broker ${at.id} serves in term ${replica.machine.term} by its promise`;
      this.#verdict.report("voters keep their promises", detail);
    }
  }

  resigned(group: GroupId, leader: ReplicaId, term: Term): void {
    const member = new GroupView(this.#cluster, group).member(leader);
    if (member === null || !leadsIn(member.replica, term)) return;
    const detail = `group ${group}: replica ${leader} leads term ${term}, and said that it gave it up`;
    this.#verdict.report("followers are loyal", detail);
  }

  /** After each event. */
  settle(): void {
    for (const suspect of this.#suspects) {
      const { at, replica } = suspect;
      const { group, machine } = replica;
      const raft = at.broker?.raft ?? null;
      const isOver = raft?.replica(group) !== replica || !replica.leads;
      const successor = this.#serving.get(group) ?? 0;
      if (raft === null || isOver || machine.term >= successor) {
        this.#suspects.delete(suspect);
        continue;
      }
      this.deposed++;
      if (isAsleep(at) || !raft.mayServe(replica)) continue;
      const detail = `group ${group}: broker ${at.id} serves in term ${machine.term}, term ${successor} has committed`;
      this.#verdict.report("one broker of a group serves", detail);
    }
  }

  /** Now and then. `fitSinceMs`: since when machines are up and connected. */
  look(fitSinceMs: (machines: readonly SimBroker[]) => number): void {
    const { nowMs } = this.#cluster.simulation;
    for (const group of groupsOf(this.#cluster)) {
      const view = new GroupView(this.#cluster, group);
      for (const { at, replica } of view.placed) {
        const { leader, term, role } = replica.machine;
        const believed = leader === null || role === "leader" ? null : view.member(leader);
        const isMisled = believed !== null && !leadsIn(believed.replica, term);
        const isFit = isMisled && nowMs - fitSinceMs([at, believed.at]) > HEARSAY_MS_MAX;
        if (!isFit) {
          this.#misled.delete(replica);
          continue;
        }
        const sinceMs = this.#misled.get(replica) ?? nowMs;
        this.#misled.set(replica, sinceMs);
        if (nowMs - sinceMs < HEARSAY_MS_MAX) continue;
        const detail = `group ${group}: broker ${at.id} believes that broker ${believed.at.id} leads term ${term}`;
        this.#verdict.report("followers are loyal", detail);
      }
    }
  }
}

function leadsIn({ machine }: Replica, term: Term): boolean {
  return machine.role === "leader" && machine.term === term;
}

/** Its clock stands still, and shows when it wakes up that it did. */
function isAsleep(at: SimBroker): boolean {
  return at.node.world?.life.suspendedAtUs !== null;
}
