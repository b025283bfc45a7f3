// Makes a failing seed small: fewer faults, shorter ones, a smaller cluster with less to do, as long as the same property
// breaks. Less of anything shifts what everything else draws, so each attempt has a few throws of the dice.
import type { MutantName } from "./mutants.ts";
import { MUTANTS } from "./mutants.ts";
import type { Action, Schedule } from "./nemesis/schedule.ts";
import { JOURNAL_LATENCIES, NETWORK_LATENCIES } from "./plan.ts";
import type { Plan } from "./plan.ts";
import type { Regression } from "./regression.ts";
import { runSeed } from "./run.ts";
import type { RunReport } from "./run.ts";
import { SMALL_SIZES } from "./cluster/small-settings.ts";

const THROWS = 3;

export interface Attempt {
  readonly seed: number;
  readonly plan: Plan;
  readonly schedule: Schedule;
}

/** Whether an attempt still fails: then as what, else null. */
export type Fails = (attempt: Attempt) => Promise<Attempt | null>;

/** The same failure as `report` with less of everything; null when its schedule alone does not bring it back. */
export async function shrink(
  report: RunReport,
  mutant: MutantName | null,
  say: (what: string) => void,
  secondsMax: number,
): Promise<Regression | null> {
  const breaks = report.findings[0]?.property ?? "";
  const endMs = performance.now() + 1000 * secondsMax;
  const fails: Fails = async (attempt) => {
    for (let thrown = 0; thrown < THROWS && performance.now() < endMs; thrown++) {
      const seed = attempt.seed + thrown;
      const { findings } = await again({ ...attempt, seed }, mutant);
      if (findings.some(({ property }) => property === breaks)) return { ...attempt, seed };
    }
    return null;
  };
  const { seed, plan, schedule } = report;
  const first = await fails({ seed, plan, schedule });
  if (first === null) return null;
  const least = await smallest(first, fails, (left) => {
    const { brokers, partitions } = left.plan;
    say(`${left.schedule.length} faults, ${brokers} brokers, ${partitions} partitions`);
  });
  const about = [`Seed ${seed} (${plan.workload}), made small.`];
  return { about, breaks, mutant, ...least };
}

export function again({ seed, plan, schedule }: Attempt, mutant: MutantName | null) {
  const faults = mutant === null ? {} : { faults: MUTANTS[mutant] };
  const { workload } = plan;
  return runSeed({ seed, workload, adapt: () => plan, schedule, ...faults });
}

/** Goes on until nothing helps any more. Every step makes something smaller, so there is an end. */
export async function smallest(
  first: Attempt,
  fails: Fails,
  said: (left: Attempt) => void = () => {},
): Promise<Attempt> {
  let least = first;
  for (let before: Attempt | null = null; before !== least;) {
    before = least;
    for (const step of [fewerActions, smallerPlan, smallerChoices]) {
      least = await step(least, fails);
      said(least);
    }
  }
  return least;
}

/** Leaves out halves, then quarters, and so on. */
async function fewerActions(first: Attempt, fails: Fails): Promise<Attempt> {
  let least = first;
  for (let size = Math.ceil(least.schedule.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < least.schedule.length;) {
      const schedule = least.schedule.toSpliced(at, size);
      const found = await fails({ ...least, schedule });
      if (found === null) at += size;
      else least = found;
    }
  }
  return least;
}

async function smallerPlan(first: Attempt, fails: Fails): Promise<Attempt> {
  let least = first;
  for (const simplify of SIMPLER) {
    const { plan, schedule } = least;
    const change = simplify(plan, schedule);
    const isSame = Object.entries(change).every(
      ([name, value]) => JSON.stringify(plan[name as keyof Plan]) === JSON.stringify(value),
    );
    if (isSame) continue;
    const simpler = { ...plan, ...change };
    const left = schedule.filter(({ broker }) => broker <= simpler.brokers);
    least = (await fails({ ...least, plan: simpler, schedule: left })) ?? least;
  }
  return least;
}

const SIMPLER: readonly ((plan: Plan, schedule: Schedule) => Partial<Plan>)[] = [
  ({ faultMs }, schedule) => ({
    faultMs: Math.min(faultMs, Math.ceil((schedule.at(-1)?.atMs ?? 0) + 100)),
  }),
  ({ faultMs }) => ({ faultMs: Math.ceil(faultMs / 2) }),
  () => ({ brokers: 3, factor: 3, slowDisk: 0 }),
  () => ({ workload: "service", groups: null }),
  ({ groups }) => ({ groups: groups && { ...groups, groups: 1, membersMax: 2, partitions: 1 } }),
  () => ({ partitions: 1 }),
  () => ({ consumers: 0 }),
  ({ producers }) => ({ producers: Math.ceil(producers / 2) }),
  () => ({ slowDisk: 0 }),
  () => ({ driftPermilleMax: 0 }),
  () => ({ minInSync: 0 }),
  () => ({ journalLatency: JOURNAL_LATENCIES[0] }),
  () => ({ networkLatency: NETWORK_LATENCIES[0] }),
  () => ({ appendEntriesMax: 256, inflightMax: 4096 }),
  () => ({ valueBytesMax: 40 }),
  () => ({ sizes: SMALL_SIZES }),
  ({ pauseMsMax }) => ({ pauseMsMax: Math.max(pauseMsMax, 40) }),
  ({ settings: { ...settings } }) => {
    for (const name of Object.keys(settings)) {
      if (name.startsWith("journal.stall") || name.startsWith("replica.lag")) {
        delete settings[name as keyof typeof settings];
      }
    }
    return { settings };
  },
];

async function smallerChoices(first: Attempt, fails: Fails): Promise<Attempt> {
  let least = first;
  for (let k = 0; k < least.schedule.length; k++) {
    for (let c = 0; c < (least.schedule[k] as Action).choices.length; c++) {
      const is = (least.schedule[k] as Action).choices[c] as number;
      for (const wanted of new Set([0, Math.floor(is / 2)])) {
        if (wanted === is) continue;
        const found = await fails({ ...least, schedule: chosen(least.schedule, k, c, wanted) });
        if (found === null) continue;
        least = found;
        break;
      }
    }
  }
  return least;
}

function chosen(schedule: Schedule, action: number, choice: number, value: number): Schedule {
  return schedule.map((each, k) =>
    k === action ? { ...each, choices: each.choices.with(choice, value) } : each,
  );
}
