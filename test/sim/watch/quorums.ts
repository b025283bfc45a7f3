// Since when a group could elect a leader: most of its replicas are in order, and nothing that disks may have forgotten stands
// in their way (N15, D3).
import type { GroupId, ReplicaId } from "../../../internal/model/ids.ts";
import type { LogEnd } from "../../../internal/raft/state.ts";
import type { Replica } from "../../../internal/replica/replica.ts";
import { quorumSinceMs } from "../checkers/led-groups.ts";
import type { SimBroker } from "../cluster/sim-cluster.ts";
import type { GroupView } from "./group-view.ts";

export interface Machines {
  readonly brokers: readonly SimBroker[];
  /** Since when they are all up, with whole disks, and hear each other; Infinity: they are not. */
  readonly fitSinceMs: (machines: readonly SimBroker[]) => number;
  /** The same, whatever their disks have lost. */
  readonly upSinceMs: (machines: readonly SimBroker[]) => number;
  readonly isDiskLost: (at: SimBroker) => boolean;
  /** What is durable there of a group's log, also while no process is up. */
  readonly logEnd: (at: SimBroker, group: GroupId) => LogEnd | null;
}

export class Quorums {
  readonly #machines: Machines;

  constructor(machines: Machines) {
    this.#machines = machines;
  }

  /** Both halves of a joint configuration need a quorum in order. */
  sinceMs(view: GroupView): number {
    const { halves } = view;
    if (halves.length === 0) return Infinity;
    const voters = new Set(halves.flat());
    return Math.max(...halves.map((half) => this.#halfSinceMs(view, half, voters)));
  }

  /** Somebody leads and is in touch with most voters; one that is cut off leads nobody. */
  isLed(view: GroupView): boolean {
    return view.leading.some((leader) =>
      view.halves.every((half) => {
        const inTouch = half.filter((id) => {
          const at = view.member(id)?.at;
          return at !== undefined && this.#machines.upSinceMs([leader, at]) < Infinity;
        });
        return 2 * inTouch.length > half.length;
      }),
    );
  }

  #halfSinceMs(
    view: GroupView,
    half: readonly ReplicaId[],
    voters: ReadonlySet<ReplicaId>,
  ): number {
    const placed = half.map((id) => view.member(id));
    return quorumSinceMs(placed, (members) => {
      const machines = members.map((one) => one?.at ?? null);
      const replicas = members.flatMap((one) => one?.replica ?? []);
      if (replicas.some(isRecalling)) {
        return Math.max(this.#fitSinceMs(machines), this.#answeringSinceMs(view, voters));
      }
      const leaders = this.#leadersFor(view, voters, replicas.filter(isBound));
      if (leaders === null) return this.#fitSinceMs(machines);
      return Math.min(...leaders.map((at) => this.#fitSinceMs([...machines, at])));
    });
  }

  /**
   * Who recalls counts once it can hear all others, of both halves: whoever lost its disk says so. A sole voter asks the
   * controller, and everybody whom that knows of beside it.
   */
  #answeringSinceMs(view: GroupView, voters: ReadonlySet<ReplicaId>): number {
    const { brokers, isDiskLost, upSinceMs } = this.#machines;
    if (voters.size === 1) return upSinceMs(brokers);
    const asked = this.#machinesOf(view, voters);
    const present = new Set(view.placed.map(({ at }) => at));
    return asked.every((at) => present.has(at) || isDiskLost(at)) ? upSinceMs(asked) : Infinity;
  }

  /**
   * The machines with a log that all of `bound` vote for; null: any will do. What no disk holds any more binds nobody once the
   * loss is known.
   */
  #leadersFor(
    view: GroupView,
    voters: ReadonlySet<ReplicaId>,
    bound: readonly Replica[],
  ): SimBroker[] | null {
    if (bound.length === 0) return null;
    const machines = this.#machinesOf(view, voters);
    const whole = machines.filter((at) => !this.#machines.isDiskLost(at));
    const holders = bound
      .map(({ machine }) =>
        whole.filter((at) => {
          const end = this.#machines.logEnd(at, view.group);
          return end !== null && !machine.lacksWhatWasForgotten(end);
        }),
      )
      .filter((some) => some.length > 0);
    const [first, ...others] = holders;
    return first?.filter((at) => others.every((some) => some.includes(at))) ?? null;
  }

  #machinesOf({ newest }: GroupView, voters: ReadonlySet<ReplicaId>): SimBroker[] {
    const ids = new Set([...voters].map((voter) => newest?.member(voter)?.broker));
    return this.#machines.brokers.filter(({ id }) => ids.has(id));
  }

  #fitSinceMs(machines: readonly (SimBroker | null)[]): number {
    const up = machines.filter((at) => at !== null);
    return up.length < machines.length ? Infinity : this.#machines.fitSinceMs(up);
  }
}

function isRecalling({ machine }: Replica): boolean {
  return machine.standing === "recalling";
}

/** It has recalled, and its log is shorter than the longest that it was told of. */
function isBound({ machine }: Replica): boolean {
  return machine.recalled && !machine.caughtUpWithRecall;
}
