// The simulator's command line: runs seeds on some processes, prints every failure with how to replay it, the totals of
// what was gone through, and `N passed, N failed` at the end. Too little of anything is a failure as well.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { MUTANTS } from "./mutants.ts";
import { failureText, HELP, orderOf, readOptions } from "./options.ts";
import type { Options } from "./options.ts";
import { Pool } from "./pool.ts";
import { parseRegression, regressionText } from "./regression.ts";
import { runSeed } from "./run.ts";
import { shrink } from "./shrink.ts";
import { shortfalls } from "./totals.ts";

async function trace(options: Options): Promise<number> {
  let failed = 0;
  for (const seed of options.seeds) {
    const order = orderOf(seed, options);
    const { workload, profile, mutant } = order;
    const faults = mutant === null ? {} : { faults: MUTANTS[mutant] };
    const print = (line: string): void => console.log(line);
    const report = await runSeed({ seed, workload, profile, print, ...faults });
    console.log(`seed ${seed} ended with hash ${report.digest}`);
    if (report.findings.length === 0) continue;
    failed++;
    console.log(failureText(order, report));
  }
  console.log(`${options.seeds.length - failed} passed, ${failed} failed`);
  return failed;
}

const SHRINK_SECONDS_MAX = 240;

async function shrinkAll(options: Options): Promise<number> {
  let failed = 0;
  for (const seed of options.seeds) {
    const { mutant, ...order } = orderOf(seed, options);
    const report = await runSeed(mutant === null ? order : { ...order, faults: MUTANTS[mutant] });
    if (report.findings.length === 0) continue;
    failed++;
    console.log(failureText({ ...order, mutant }, report));
    const found = await shrink(report, mutant, (what) => console.log(what), SHRINK_SECONDS_MAX);
    if (found === null) {
      console.log(`the faults of seed ${seed} alone do not bring it back`);
      continue;
    }
    const file = `tmp/seed-${seed}.txt`;
    mkdirSync("tmp", { recursive: true });
    writeFileSync(file, regressionText(found));
    console.log(
      `${regressionText(found)}\nin ${file}; replay: node test/sim/sim.ts --story ${file}`,
    );
  }
  return failed;
}

async function tell(file: string): Promise<number> {
  const { seed, plan, schedule, mutant } = parseRegression(readFileSync(file, "utf8"));
  const faults = mutant === null ? {} : { faults: MUTANTS[mutant] };
  const print = (line: string): void => console.log(line);
  const { workload } = plan;
  const report = await runSeed({ seed, workload, adapt: () => plan, schedule, print, ...faults });
  for (const { property, detail } of report.findings) console.log(`"${property}": ${detail}`);
  return report.findings.length;
}

function say(pool: Pool, seconds: number): void {
  for (const [name, value] of Object.entries(pool.totals)) {
    console.log(`${name.padEnd(44)} ${Math.round(value)}`);
  }
  const { seeds, simulatedMs, faults } = pool.totals;
  const cpuMs = pool.cpuUs / 1000;
  const cpuMinutes = cpuMs / 60_000;
  console.log(
    `${(seeds / seconds).toFixed(1)} seeds/s, ${seconds.toFixed(0)} s,`,
    `${(simulatedMs / cpuMs).toFixed(0)} × real time per core,`,
    `${(simulatedMs / 3_600_000).toFixed(2)} simulated hours in ${cpuMinutes.toFixed(1)} CPU minutes`,
  );
  const hours = simulatedMs / 3_600_000 / cpuMinutes;
  console.log(
    `${hours.toFixed(3)} simulated hours and ${(faults / cpuMinutes).toFixed(0)} faults per CPU minute`,
  );
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === "help") {
    console.log(HELP);
    return 0;
  }
  if (options instanceof Error) {
    console.error(options.message);
    return 2;
  }
  if (options.story !== null) return (await tell(options.story)) === 0 ? 0 : 1;
  if (options.shrink) return (await shrinkAll(options)) === 0 ? 0 : 1;
  if (options.trace) return (await trace(options)) === 0 ? 0 : 1;
  const startedMs = performance.now();
  const pool = new Pool(options);
  await pool.run();
  say(pool, (performance.now() - startedMs) / 1000);
  // Floors are for everything at once.
  if (options.mutant === null && options.profile === "all") {
    const hasGroups = ["groups", "mixed"].includes(options.workload);
    for (const what of shortfalls(pool.totals, hasGroups)) {
      pool.failed++;
      console.log(what);
    }
  }
  console.log(`${pool.passed} passed, ${pool.failed} failed`);
  return pool.failed === 0 ? 0 : 1;
}

if (import.meta.main) process.exit(await main());
