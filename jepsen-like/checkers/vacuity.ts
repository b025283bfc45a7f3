// A run in which too little happened proves nothing, and fails. The bounds are those of five minutes, scaled to the time.
import type { RunOutcome } from "../run.ts";
import { acksByPartition, windowOf } from "../nemesis/windows.ts";
import { kindsOf } from "../nemesis/plan.ts";
import type { Mixture } from "../nemesis/plan.ts";
import { FindingDraft } from "./finding.ts";
import type { Finding } from "./finding.ts";

/** The least of a run of 300 seconds. */
export interface Floors {
  readonly faults: number;
  /** Kills of a leader with unanswered produce. */
  readonly leaderKills: number;
  readonly ackedRecords: number;
}

export const LOG_FLOORS: Floors = { faults: 20, leaderKills: 12, ackedRecords: 100_000 };
/** Rebalances and their waits leave time for fewer faults, and members read everything four times. */
export const GROUP_FLOORS: Floors = { faults: 18, leaderKills: 1, ackedRecords: 60_000 };
const FULL_TIME_S = 300;
/** From here on every kind of fault must have struck; a slow machine does not get through all of them in 300 s. */
const ALL_KINDS_S = 600;
/** In a run of 300 s. */
const KINDS_MIN = 12;

/** How long a partition may take, from the fault; with a majority down, from when one answers again. */
export const WINDOW_MS_MAX = 2_000;

export function enoughHappened(
  outcome: RunOutcome,
  timeS: number,
  floors: Floors,
  mixture: Mixture,
): Finding {
  const draft = new FindingDraft("too little", "enough happened for the checks to mean something");
  const least = (what: string, seen: number, min: number): void => {
    draft.examined();
    if (seen < min) draft.violation(() => `${seen} ${what}, at least ${min} are needed`);
  };
  const { history, faults } = outcome;
  const share = Math.min(1, timeS / FULL_TIME_S);
  const kills = faults.filter(({ kind, unanswered }) => kind === "kill leader" && unanswered > 0);
  least("faults", faults.length, Math.floor(floors.faults * share));
  const killsMin = mixture.usual.includes("kill leader") ? floors.leaderKills : 0;
  least("kills of a leader at work", kills.length, Math.floor(killsMin * share));
  least("acknowledged records", history.ackedRecords, Math.floor(floors.ackedRecords * share));
  const led = new Set(outcome.leaderChanges.map(({ broker }) => broker));
  least("brokers that led a partition", led.size, 3);
  least("changes of a leader", outcome.leaderChanges.length, faults.length);
  const batches = history.lanes.flatMap((lane) => lane.batches);
  least("batches sent more than once", batches.filter(({ attempts }) => attempts > 1).length, 1);
  least("answers of a leader about an end", history.ends.length, Math.floor(timeS));
  least("batches seen by readers", history.seen.size, Math.floor(batches.length / 2));
  least("records read at the end", outcome.recordsRead, 3 * history.ackedRecords);
  const kinds = new Set(faults.map(({ kind }) => kind));
  const kindsMin = Math.min(KINDS_MIN, kindsOf(mixture).size);
  least("kinds of faults", kinds.size, Math.floor(kindsMin * share));
  if (timeS >= ALL_KINDS_S) {
    for (const kind of kindsOf(mixture)) {
      least(`faults of kind ${kind}`, faults.filter((fault) => fault.kind === kind).length, 1);
    }
  }
  return draft.finding();
}

export function windowsAreShort(outcome: RunOutcome, windowMsMax: number): Finding {
  const draft = new FindingDraft(
    "unavailable",
    `partitions of a struck broker accept again within ${windowMsMax} ms of the fault, or of the ` +
      "moment when a majority answers again",
  );
  const acks = acksByPartition(outcome.history);
  for (const fault of outcome.faults) {
    const { sinceQuorumMs, stuck } = windowOf(fault, acks);
    draft.examined();
    const where = `${fault.kind} at ${Math.round(fault.startMs)} ms`;
    const place = { atMs: fault.startMs, partition: stuck[0] ?? fault.partitions[0] ?? 0 };
    if (stuck.length > 0) {
      draft.violation(() => `${where}: partitions ${stuck.join(", ")} never`, place);
    } else if (sinceQuorumMs > windowMsMax) {
      draft.violation(() => `${where}: ${Math.round(sinceQuorumMs)} ms`, place);
    }
  }
  return draft.finding();
}
