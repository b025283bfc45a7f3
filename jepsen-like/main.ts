// Chaos: real broker processes under faults, and checks that nothing was lost. See docs/chaos.md.
//
// Two parts: the run itself, whose checks must all pass, and the positive controls, short runs against brokers with a
// planted bug, which must be caught. Ends with `N passed, N failed` and a report in the directory.
import { join } from "node:path";
import { readArguments, USAGE } from "./arguments.ts";
import type { Arguments } from "./arguments.ts";
import type { Finding } from "./checkers/finding.ts";
import { enoughGroups } from "./checkers/group-checks.ts";
import { enoughHappened, GROUP_FLOORS, LOG_FLOORS, windowsAreShort } from "./checkers/vacuity.ts";
import { CONTROLS, tryControl } from "./control.ts";
import { killAllChildren } from "./cluster/broker-process.ts";
import { ROOT } from "./cluster/cluster.ts";
import { groupPlans, PROTOCOLS } from "./groups/plans.ts";
import { GROUP_MIXTURE, LOG_MIXTURE, only, plan } from "./nemesis/plan.ts";
import { Random } from "./random.ts";
import { forgetBrokers, takeDirectory } from "./run-directory.ts";
import { runOnce } from "./run.ts";
import type { TimelineEvent } from "./run.ts";
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
  const controls = asked.withoutControl ? [] : CONTROLS[asked.workload];
  for (const control of controls) {
    const { seed, windowMs } = asked;
    const around = { seed, windowMs, directory: join(directory, control.bug), say };
    results.push(await tryControl(control, around));
  }
  const failed = results.filter(({ violations }) => violations > 0).length;
  console.log(`reports in ${directory}`);
  console.log(`${results.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

async function chaos(asked: Arguments, directory: string): Promise<readonly Finding[]> {
  const { seed, timeS, windowMs } = asked;
  const hasGroups = asked.workload === "groups";
  const usual = hasGroups ? GROUP_MIXTURE : LOG_MIXTURE;
  const mixture = asked.faults === null ? usual : only(usual, asked.faults);
  const outcome = await runOnce({
    seed,
    directory,
    windowMs,
    ...(asked.program === null ? {} : { program: asked.program }),
    ...(hasGroups ? { groups: groupsOf(asked) } : {}),
    besideForS: timeS,
    say,
    harm: async (nemesis, nowMs) => {
      const untilMs = nowMs() + timeS * 1_000;
      await nemesis.follow(plan(new Random(seed, "plan"), mixture), untilMs);
      // The last word: everybody dies, and what was acknowledged must come back from three disks.
      await nemesis.strike("kill all", 500);
      await nemesis.recovered();
    },
  });
  const findings = [
    ...outcome.findings,
    windowsAreShort(outcome, windowMs),
    enoughHappened(outcome, timeS, hasGroups ? GROUP_FLOORS : LOG_FLOORS, mixture),
    ...(outcome.groups === null ? [] : [enoughGroups(outcome.groups, outcome.faults, timeS)]),
  ];
  const report = { title: `chaos, ${asked.workload}`, seed, timeS, outcome, findings };
  console.log(`\n${await writeReport(directory, report)}`);
  if (findings.every(({ violations }) => violations === 0)) forgetBrokers(directory);
  return findings;
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
