// Chaos: real broker processes under faults, and checks that nothing was lost. See docs/chaos.md.
//
// Two parts: the run itself, whose checks must all pass, and the positive control, a short run against brokers that
// acknowledge too early, which must be caught losing data. Ends with `N passed, N failed` and a report in the directory.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { readArguments, USAGE } from "./arguments.ts";
import type { Arguments } from "./arguments.ts";
import type { Finding } from "./checkers/finding.ts";
import { enoughGroups } from "./checkers/group-checks.ts";
import { enoughHappened, GROUP_FLOORS, LOG_FLOORS, windowsAreShort } from "./checkers/vacuity.ts";
import { killAllChildren } from "./cluster/broker-process.ts";
import { ROOT } from "./cluster/cluster.ts";
import { groupPlans, PROTOCOLS } from "./groups/plans.ts";
import { GROUP_MIXTURE, LOG_MIXTURE, plan } from "./nemesis/plan.ts";
import { Random } from "./random.ts";
import { takeDirectory } from "./run-directory.ts";
import { runOnce } from "./run.ts";
import type { RunOutcome, TimelineEvent } from "./run.ts";
import { writeReport } from "./report/report.ts";

const UNSAFE_BROKER = join(ROOT, "test", "unsafe-broker", "main.ts");

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
  if (!asked.withoutControl) results.push(await control(asked, join(directory, "control")));
  const failed = results.filter(({ violations }) => violations > 0).length;
  console.log(`reports in ${directory}`);
  console.log(`${results.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

async function chaos(asked: Arguments, directory: string): Promise<readonly Finding[]> {
  const { seed, timeS, windowMs } = asked;
  const hasGroups = asked.workload === "groups";
  const mixture = hasGroups ? GROUP_MIXTURE : LOG_MIXTURE;
  const outcome = await runOnce({
    seed,
    directory,
    ...(asked.program === null ? {} : { program: asked.program }),
    ...(hasGroups ? { groups: groupsOf(asked) } : {}),
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

/** Brokers that acknowledge before anything is on disk, and die together: the checks must see the loss. */
async function control(asked: Arguments, directory: string): Promise<Finding> {
  console.log(
    "positive control: brokers that acknowledge before the sync and lose what was not written",
  );
  let outcome: RunOutcome | null = null;
  let complaint = "";
  try {
    outcome = await runOnce({
      seed: asked.seed,
      directory,
      program: UNSAFE_BROKER,
      environment: { FLOTILLA_UNSAFE_TEST_BROKER: "early-acks" },
      say,
      harm: (nemesis) => nemesis.strike("kill all", 200),
    });
  } catch (error) {
    complaint = (error as Error).message;
  }
  const caught = outcome?.findings.find(({ name }) => name === "lost");
  const lost = caught?.violations ?? 0;
  const acked = outcome?.history.ackedRecords ?? 0;
  if (outcome !== null) {
    const report = { title: "positive control", seed: asked.seed, timeS: 0, outcome };
    await writeReport(directory, { ...report, findings: outcome.findings });
    forgetBrokers(directory);
  }
  console.log(
    lost > 0
      ? `ok      positive control: ${lost} losses found among ${acked} acknowledged records`
      : `FAILED  positive control: unsafe brokers lost nothing that was noticed; ${complaint}`,
  );
  return {
    name: "positive control",
    promise: "unsafe brokers are caught losing acknowledged records",
    examined: acked,
    violations: lost > 0 ? 0 : 1,
    examples: [],
  };
}

/** Data directories are kept only when something failed. */
function forgetBrokers(directory: string): void {
  for (const broker of [1, 2, 3]) {
    rmSync(join(directory, "brokers", `broker-${broker}`, "data"), {
      recursive: true,
      force: true,
    });
  }
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
