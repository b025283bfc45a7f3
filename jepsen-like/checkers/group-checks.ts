// All checks of consumer groups over the history of their members, and whether enough happened to them.
import type { GroupOutcome } from "../groups/group-run.ts";
import { REBALANCE_MS, SESSION_MS } from "../groups/membership.ts";
import type { History } from "../history.ts";
import type { FaultRecord } from "../nemesis/fault-record.ts";
import { FindingDraft } from "./finding.ts";
import type { Finding } from "./finding.ts";
import { oldCommits } from "./group-commits.ts";
import { finalOffsets, notConsumed, offsetsGoBack } from "./group-offsets.ts";
import {
  Generations,
  generationsGoBack,
  ownersAtOnce,
  ownersInGeneration,
} from "./group-owners.ts";
import { tenuresOf } from "./tenures.ts";

export const GROUP_LIMITS = { sessionMs: SESSION_MS, rebalanceMs: REBALANCE_MS };

export function checkGroups(history: History, outcome: GroupOutcome): Finding[] {
  const groups = outcome.plans.map(({ group }) => group);
  const mixed = mixedOf(outcome);
  return [
    notConsumed(history, outcome.history, groups),
    offsetsGoBack(outcome.history),
    finalOffsets(outcome.finals, outcome.history),
    oldCommits(outcome.history, GROUP_LIMITS, mixed),
    ownersInGeneration(outcome.history, mixed),
    ownersAtOnce(outcome.history, GROUP_LIMITS),
    generationsGoBack(outcome.history, mixed),
    settled(outcome),
    answers(outcome),
  ];
}

function mixedOf({ plans }: GroupOutcome): ReadonlySet<string> {
  const mixed = plans.filter(
    ({ members }) => new Set(members.map(({ protocol }) => protocol)).size > 1,
  );
  return new Set(mixed.map(({ group }) => group));
}

/** Liveness: the time is printed in the report. */
function settled({ complaints, plans }: GroupOutcome): Finding {
  const draft = new FindingDraft(
    "not settled",
    `after the last harm all members of a group are in one ` +
      "generation, and every partition is somebody's",
  );
  draft.examined(plans.length);
  draft.all(complaints);
  return draft.finding();
}

function answers({ history }: GroupOutcome): Finding {
  const draft = new FindingDraft(
    "group answers",
    "members that keep to the rules are refused for no other reason than a change of the group",
  );
  const { beats, commits, heartbeats, offsets, syncs } = history;
  draft.examined(beats.length + commits.length + heartbeats.length + offsets.length + syncs.length);
  draft.all(history.unexpected);
  return draft.finding();
}

/** In 300 seconds. */
const FLOORS = {
  rebalances: 60,
  moves: 600,
  killed: 30,
  left: 20,
  zombies: 25,
  replaced: 6,
  coordinatorKills: 8,
  coordinatorPauses: 3,
  commits: 4_000,
  staleRefused: 60,
  zombieRefused: 15,
};
const FULL_TIME_S = 300;

export interface GroupCounts {
  /** Generations of classic groups that members were given. */
  readonly rebalances: number;
  /** How often a member was given a partition. */
  readonly moves: number;
  readonly killed: number;
  readonly left: number;
  readonly zombies: number;
  readonly replaced: number;
  readonly fenced: number;
  /** Kills and pauses that met a coordinator. */
  readonly coordinatorKills: number;
  readonly coordinatorPauses: number;
  /** Partitions in accepted commits of members in good standing. */
  readonly commits: number;
  readonly unanswered: number;
  /** Commits of zombies, and of the past of others, that were refused for who sent them. */
  readonly zombieRefused: number;
  readonly zombieAccepted: number;
  readonly staleRefused: number;
  readonly records: number;
}

export function groupCounts(
  { history, counts }: GroupOutcome,
  faults: readonly FaultRecord[],
): GroupCounts {
  const { commits, consumed, syncs } = history;
  const struck = faults.filter(({ groups }) => groups.length > 0);
  const isPause = ({ kind }: FaultRecord): boolean => kind.startsWith("pause");
  const stale = commits.filter(({ kind, code }) => kind === "echo" && isFencing(code));
  const zombies = commits.filter(({ kind }) => kind === "zombie");
  return {
    ...counts,
    rebalances: new Generations(syncs).count,
    moves: tenuresOf(history, GROUP_LIMITS).length,
    coordinatorKills: struck.filter((fault) => fault.kind.startsWith("kill")).length,
    coordinatorPauses: struck.filter(isPause).length,
    commits: commits.filter(({ kind, code }) => kind === "owner" && code === 0).length,
    unanswered: commits.filter(({ answeredMs }) => answeredMs === null).length,
    zombieRefused: zombies.filter(({ code }) => isFencing(code)).length,
    zombieAccepted: zombies.filter(({ code }) => code === 0).length,
    staleRefused: stale.length,
    records: consumed.reduce((sum, { from, to }) => sum + to - from, 0),
  };
}

/** Refused for the sender's generation, epoch or id, and not because the coordinator is elsewhere. */
function isFencing(code: number): boolean {
  return code === 22 || code === 25 || code === 69 || code === 82 || code === 110 || code === 113;
}

export function enoughGroups(
  outcome: GroupOutcome,
  faults: readonly FaultRecord[],
  timeS: number,
): Finding {
  const draft = new FindingDraft("too little in groups", "enough happened to groups as well");
  const counts = groupCounts(outcome, faults);
  const protocols = new Set(outcome.plans.flatMap(({ members }) => members.map((m) => m.protocol)));
  const share = Math.min(1, timeS / FULL_TIME_S);
  const least = (what: keyof typeof FLOORS): void => {
    draft.examined();
    const min = Math.floor(FLOORS[what] * share);
    if (counts[what] < min) {
      draft.violation(() => `${what}: ${counts[what]}, at least ${min} are needed`);
    }
  };
  for (const what of Object.keys(FLOORS) as (keyof typeof FLOORS)[]) {
    if (what === "rebalances" && !protocols.has("classic")) continue;
    least(what);
  }
  return draft.finding();
}
