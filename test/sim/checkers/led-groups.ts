// No group stays without a leader for more than 5 s while a quorum of its replicas is up and connected (N15).
import type { GroupId } from "../../../internal/model/ids.ts";
import type { Verdict } from "./verdict.ts";

export const LEADERLESS_MS_MAX = 5_000;

export class LedGroups {
  readonly #verdict: Verdict;
  readonly #ledMs = new Map<GroupId, number>();
  readonly #told = new Set<GroupId>();
  /** The longest time that a group with a quorum in order was without a leader. */
  longestMs = 0;

  constructor(verdict: Verdict) {
    this.#verdict = verdict;
  }

  /**
   * A look at a group: whether it is led now, and since when some quorum of it is in order (Infinity: none is), which is
   * asked only of groups without a leader. `describe` is asked only for the report.
   */
  look(
    group: GroupId,
    nowMs: number,
    isLed: boolean,
    quorumSinceMs: () => number,
    describe: () => string,
  ): void {
    const ledMs = this.#ledMs.get(group);
    const quorumMs = isLed || ledMs === undefined ? Infinity : quorumSinceMs();
    if (ledMs === undefined || quorumMs > nowMs) {
      this.#ledMs.set(group, nowMs);
      return;
    }
    const since = Math.max(ledMs, quorumMs);
    const leaderlessMs = nowMs - since;
    this.longestMs = Math.max(this.longestMs, leaderlessMs);
    if (leaderlessMs <= LEADERLESS_MS_MAX || this.#told.has(group)) return;
    this.#told.add(group);
    const detail = `group ${group} for ${Math.round(leaderlessMs)} ms: ${describe()}`;
    this.#verdict.report("groups have leaders", detail);
  }
}

/** Since when the best quorum of `voters` is in order: the least over all majorities of what `sinceMs` says of one. */
export function quorumSinceMs<T>(
  voters: readonly T[],
  sinceMs: (members: readonly T[]) => number,
): number {
  const majority = Math.floor(voters.length / 2) + 1;
  let best = Infinity;
  for (let mask = 0; mask < 1 << voters.length; mask++) {
    const members = voters.filter((_, k) => (mask & (1 << k)) !== 0);
    if (members.length === majority) best = Math.min(best, sinceMs(members));
  }
  return best;
}
