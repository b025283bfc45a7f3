// A run in which too little happened proves nothing, and fails. What it must have had follows from its plan.
import type { RunOutcome } from "../run.ts";
import { acksByPartition, windowOf } from "../nemesis/windows.ts";
import { PARTITIONS } from "../run.ts";
import type { FaultKind, Mixture } from "../nemesis/plan.ts";
import type { LeaderChange } from "../workload/leaders.ts";
import { FindingDraft } from "./finding.ts";
import type { Finding } from "./finding.ts";

/** The least of a run of 300 seconds; a shorter one needs its share. A run goes on until it has that, on any machine. */
export interface Floors {
  /** Rounded up to whole blocks of the plan, and to as many of them as it takes until every kind has had its turn. */
  readonly faults: number;
  readonly ackedRecords: number;
}

export const LOG_FLOORS: Floors = { faults: 36, ackedRecords: 100_000 };
/** Members read everything four times. */
export const GROUP_FLOORS: Floors = { faults: 36, ackedRecords: 60_000 };
const FULL_TIME_S = 300;

const LEADERS_MIN = 3;

interface Happened {
  readonly faults: number;
  readonly ackedRecords: number;
  readonly leaderChanges: readonly LeaderChange[];
}

/** How long a partition may take, from the fault; with a majority down, from when one answers again. */
export const WINDOW_MS_MAX = 2_000;

/** How many blocks of the plan must have come. */
function blocksOf(floors: Floors, { usual, others }: Mixture, timeS: number): number {
  const turns = Math.max(1, ...others.map((kinds) => kinds.length));
  const blocks = Math.max(turns, Math.ceil(floors.faults / (usual.length + others.length)));
  return Math.ceil(blocks * Math.min(1, timeS / FULL_TIME_S));
}

/** How often each kind comes in so many blocks. */
function planned(blocks: number, { usual, others }: Mixture): ReadonlyMap<FaultKind, number> {
  const rare = others.flatMap((kinds) =>
    Array.from({ length: blocks }, (_, turn) => kinds[turn % kinds.length] as FaultKind),
  );
  const all = [...Array.from({ length: blocks }, () => usual).flat(), ...rare];
  return new Map([...Map.groupBy(all, (kind) => kind)].map(([kind, list]) => [kind, list.length]));
}

/** Whether a run may end: the plan has come as far, and clients have done as much, as `enoughHappened` asks for. */
export function isEnough(
  { faults, ackedRecords, leaderChanges }: Happened,
  timeS: number,
  floors: Floors,
  mixture: Mixture,
): boolean {
  const size = mixture.usual.length + mixture.others.length;
  const share = Math.min(1, timeS / FULL_TIME_S);
  return (
    faults >= size * blocksOf(floors, mixture, timeS) &&
    ackedRecords >= floors.ackedRecords * share &&
    leaderChanges.length >= faults &&
    new Set(leaderChanges.map(({ broker }) => broker)).size >= LEADERS_MIN
  );
}

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
  for (const [kind, count] of planned(blocksOf(floors, mixture, timeS), mixture)) {
    const atWork = faults.filter(
      (fault) => fault.kind === kind && (fault.unanswered > 0 || fault.groupRequests > 0),
    );
    least(`faults of kind ${kind} at work`, atWork.length, count);
  }
  least("acknowledged records", history.ackedRecords, Math.floor(floors.ackedRecords * share));
  const led = new Set(outcome.leaderChanges.map(({ broker }) => broker));
  least("brokers that led a partition", led.size, LEADERS_MIN);
  least("changes of a leader", outcome.leaderChanges.length, faults.length);
  const batches = history.lanes.flatMap((lane) => lane.batches);
  least("batches sent more than once", batches.filter(({ attempts }) => attempts > 1).length, 1);
  const asked = new Set(history.ends.map(({ partition }) => partition));
  least("partitions whose leader told its end", asked.size, PARTITIONS);
  const acked = batches.filter(({ outcome: of }) => of === "acked").length;
  least("batches seen by readers", history.seen.size, Math.floor(acked / 2));
  least("records read at the end", outcome.recordsRead, outcome.replicas * history.ackedRecords);
  return draft.finding();
}

/** `windowMs`, or where the machine is slower: as long as the slowest start of a broker took in this run. */
export function windowsAreShort({ history, faults, startsMs }: RunOutcome, windowMs: number) {
  const limitMs = Math.max(windowMs, ...startsMs);
  const draft = new FindingDraft(
    "unavailable",
    `partitions of a struck broker accept again within ${Math.round(limitMs)} ms of the fault, or of the ` +
      "moment when a majority answers again",
  );
  const acks = acksByPartition(history);
  for (const fault of faults) {
    const { sinceQuorumMs, stuck } = windowOf(fault, acks);
    draft.examined();
    const where = `${fault.kind} at ${Math.round(fault.startMs)} ms`;
    const place = { atMs: fault.startMs, partition: stuck[0] ?? fault.partitions[0] ?? 0 };
    if (stuck.length > 0) {
      draft.violation(() => `${where}: partitions ${stuck.join(", ")} never`, place);
    } else if (sinceQuorumMs > limitMs) {
      draft.violation(() => `${where}: ${Math.round(sinceQuorumMs)} ms`, place);
    }
  }
  return draft.finding();
}
