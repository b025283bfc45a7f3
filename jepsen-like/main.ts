// Chaos: real broker processes under faults, and checks that nothing was lost. See docs/chaos.md.
//
// Two parts: the run itself, whose checks must all pass, and the positive controls, short runs against brokers with a
// planted bug, which must be caught. Ends with `N passed, N failed` and a report in the directory.
import { join } from "node:path";
import { readArguments, USAGE } from "./arguments.ts";
import type { Arguments } from "./arguments.ts";
import type { Finding } from "./checkers/finding.ts";
import { enoughGroups } from "./checkers/group-checks.ts";
import { checkPower, tearsMissing } from "./checkers/power-checks.ts";
import { memberEndsMin } from "./checkers/reading-checks.ts";
import { enoughChanges } from "./checkers/topic-checks.ts";
import {
  enoughHappened,
  GROUP_FLOORS,
  isEnough,
  LOG_FLOORS,
  windowsAreShort,
} from "./checkers/vacuity.ts";
import type { Floors } from "./checkers/vacuity.ts";
import { CONTROLS, POWER_CONTROLS, tryControl, UNSAFE_BROKER } from "./control.ts";
import type { Control } from "./control.ts";
import { killAllChildren } from "./cluster/broker-process.ts";
import { ROOT } from "./cluster/cluster.ts";
import { groupPlans, PROTOCOLS } from "./groups/plans.ts";
import { GROUP_MIXTURE, LOG_MIXTURE, only, plan, POWER } from "./nemesis/plan.ts";
import type { Mixture } from "./nemesis/plan.ts";
import { Random } from "./random.ts";
import { forgetBrokers, takeDirectory } from "./run-directory.ts";
import { runOnce } from "./run.ts";
import type { Progress, RunOptions, TimelineEvent } from "./run.ts";
import { writeReport } from "./report/report.ts";

function say({ atMs, what }: TimelineEvent): void {
  console.log(`${(atMs / 1000).toFixed(1).padStart(7)} s  ${what}`);
}

async function main(): Promise<number> {
  let asked: Arguments;
  try {
    asked = readArguments(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  const directory = asked.directory ?? join(ROOT, ".flotilla", "chaos", String(asked.seed));
  takeDirectory(directory);
  const results: Finding[] = [];
  if (!asked.controlOnly) results.push(...(await chaos(asked, directory)));
  const controls = asked.withoutControl ? [] : controlsOf(asked);
  for (const control of controls) {
    const { seed } = asked;
    const around = { seed, directory: join(directory, control.bug), say };
    results.push(await tryControl(control, around));
  }
  const failed = results.filter(({ violations }) => violations > 0).length;
  console.log(`reports in ${directory}`);
  console.log(`${results.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** Brokers that can lose their power are a program of the tests. */
function hasPower({ faults }: Arguments): boolean {
  return faults !== null && POWER.some((kind) => faults.has(kind));
}

function controlsOf(asked: Arguments): readonly Control[] {
  return hasPower(asked) ? POWER_CONTROLS : CONTROLS[asked.workload];
}

function programOf(asked: Arguments): Pick<RunOptions, "program" | "environment"> {
  const unsafe = hasPower(asked) ? { FLOTILLA_UNSAFE_TEST_BROKER: "power-loss" } : null;
  const program = asked.program ?? (unsafe === null ? null : UNSAFE_BROKER);
  return {
    ...(program === null ? {} : { program }),
    ...(unsafe === null ? {} : { environment: unsafe }),
  };
}

async function chaos(asked: Arguments, directory: string): Promise<readonly Finding[]> {
  const { seed, timeS, windowMs } = asked;
  const hasGroups = asked.workload === "groups";
  const usual = hasGroups ? GROUP_MIXTURE : LOG_MIXTURE;
  const mixture = asked.faults === null ? usual : only(usual, asked.faults);
  const floors = hasGroups ? GROUP_FLOORS : LOG_FLOORS;
  const outcome = await runOnce({
    seed,
    directory,
    ...programOf(asked),
    ...(hasGroups ? { groups: groupsOf(asked) } : {}),
    besideForS: timeS,
    say,
    harm: async (nemesis, progress) => {
      const mayEnd = (): boolean =>
        hasHadEnough(progress(), timeS, floors, mixture) &&
        (!hasPower(asked) || tearsMissing(progress().faults).length === 0);
      await nemesis.follow(plan(new Random(seed, "plan"), mixture), timeS * 1_000, mayEnd);
      // The last word: everybody dies, and what was acknowledged must come back from three disks, or from two when one has lied.
      if (hasPower(asked)) {
        await nemesis.lie(true);
        await nemesis.recovered();
        await nemesis.strike("power all", 500);
      } else await nemesis.strike("kill all", 500);
      await nemesis.recovered();
      await nemesis.retireLiars();
    },
  });
  const findings = [
    ...outcome.findings,
    windowsAreShort(outcome, windowMs),
    enoughHappened(outcome, timeS, floors, mixture),
    ...(hasPower(asked) ? checkPower(outcome.faults) : []),
    ...(outcome.groups === null ? [] : [enoughGroups(outcome.groups, outcome.faults, timeS)]),
  ];
  const report = { title: `chaos, ${asked.workload}`, seed, timeS, outcome, findings };
  console.log(`\n${await writeReport(directory, report)}`);
  if (findings.every(({ violations }) => violations === 0)) forgetBrokers(directory);
  return findings;
}

/** Whatever is too little at the end of a run lets it go on instead, so that no floor depends on luck or speed. */
function hasHadEnough(progress: Progress, timeS: number, floors: Floors, mixture: Mixture) {
  const { faults, groups, topics, memberEnds } = progress;
  return (
    isEnough({ ...progress, faults: faults.length }, timeS, floors, mixture) &&
    memberEnds >= memberEndsMin(timeS) &&
    enoughChanges(topics, timeS).violations === 0 &&
    (groups === null || enoughGroups(groups, faults, timeS).violations === 0)
  );
}

function groupsOf({ classicOnly }: Arguments) {
  return groupPlans(classicOnly ? ["classic"] : PROTOCOLS);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    killAllChildren();
    process.exit(130);
  });
}
process.on("uncaughtException", (error) => {
  console.error(error);
  console.log("0 passed, 1 failed");
  process.exit(1);
});
process.exit(await main());
