// `make sim`: many seeds of the simulated cluster, two processes at a time. Prints every violation with the command that
// repeats it, then the totals; too little of anything is a failure, and so is a seed that runs differently twice.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import type { Workload } from "./plan.ts";
import { runSeed } from "./run.ts";
import type { RunReport } from "./run.ts";
import { addTotals, newTotals } from "./totals.ts";
import type { Totals } from "./totals.ts";

const PROCESSES = 2;
/** Every so many seeds one is run twice, in another process each time. */
const REPEAT_EVERY = 50;
/** What 1,000 seeds must have been through; fewer seeds owe their share. */
const FLOORS_PER_THOUSAND: Partial<Totals> = {
  simulatedMs: 3_600_000,
  elections: 3_000,
  acknowledged: 200_000,
  transfers: 300,
  moves: 50,
  cuts: 1_000,
  freezes: 100,
  stalls: 100,
};
const CRASHES_PER_THOUSAND = 3_000;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "100" },
    workload: { type: "string", default: "service" },
    trace: { type: "boolean", default: false },
    /** Of a child: its share of the seeds is every PROCESSES-th. */
    share: { type: "string" },
  },
});
const first = Number(values.seed);
const count = Number(values.seeds);
const workload = values.workload as Workload;
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || count < 1) {
  console.error("usage: sim.ts --seed S --seeds N [--workload service|kafka] [--trace]");
  process.exit(2);
}

if (values.share !== undefined) await runShare(Number(values.share));
else if (count === 1) await runOne();
else await runAll();

/** One seed in this process, with its log when asked for. */
async function runOne(): Promise<void> {
  const print = values.trace ? { print: (line: string) => console.log(line) } : {};
  const report = await runSeed({ seed: first, workload, ...print });
  for (const finding of report.findings) console.log(describe(report, finding));
  console.log(`event hash ${report.digest}`);
  end(report.findings.length === 0 ? 1 : 0, report.findings.length === 0 ? 0 : 1);
}

/** A child's part: a line of JSON for each run. */
async function runShare(share: number): Promise<void> {
  for (let seed = first; seed < first + count; seed++) {
    const isMine = seed % PROCESSES === share;
    const isRepeat = !isMine && seed % REPEAT_EVERY === 0;
    if (!isMine && !isRepeat) continue;
    const report = await runSeed({ seed, workload });
    process.stdout.write(`${JSON.stringify({ ...report, isRepeat })}\n`);
  }
}

async function runAll(): Promise<void> {
  const totals = newTotals();
  const digests = new Map<number, string>();
  const wrong = new Set<number>();
  let finished = 0;
  const take = (report: RunReport & { readonly isRepeat: boolean }): void => {
    const { seed, digest, findings, isRepeat } = report;
    const other = digests.get(seed);
    digests.set(seed, digest);
    if (other !== undefined && other !== digest) {
      wrong.add(seed);
      console.log(`seed ${seed}: two runs differ: ${other} and ${digest}`);
    }
    if (other !== undefined) totals.replayed++;
    if (isRepeat) return;
    finished++;
    addTotals(totals, report.totals);
    if (findings.length > 0) wrong.add(seed);
    for (const finding of findings) console.log(describe(report, finding));
  };
  const codes = await Promise.all(
    Array.from({ length: PROCESSES }, (_, share) => runChild(share, take)),
  );
  const faults = floorsMissed(totals, finished);
  if (codes.some((code) => code !== 0)) faults.push("a process of the simulator ended badly");
  if (finished !== count) faults.push(`${finished} of ${count} seeds were run`);
  console.log(`\n${show(totals)}`);
  for (const fault of faults) console.log(`FAILED  ${fault}`);
  end(finished - wrong.size, wrong.size + faults.length);
}

function runChild(
  share: number,
  take: (report: RunReport & { readonly isRepeat: boolean }) => void,
): Promise<number> {
  const flags = ["--seed", String(first), "--seeds", String(count), "--workload", workload];
  const command = [import.meta.filename, ...flags, "--share", String(share)];
  const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "inherit"] });
  process.once("exit", () => child.kill());
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line.startsWith("{")) take(JSON.parse(line) as RunReport & { readonly isRepeat: boolean });
    else console.log(line);
  });
  return new Promise((resolve) => child.once("close", (code) => resolve(code ?? 1)));
}

function floorsMissed(totals: Totals, seeds: number): string[] {
  const missed: string[] = [];
  const owe = (what: string, is: number, perThousand: number): void => {
    const floor = Math.floor((perThousand * seeds) / 1_000);
    if (is < floor) missed.push(`too few ${what}: ${Math.floor(is)} of at least ${floor}`);
  };
  for (const [name, floor] of Object.entries(FLOORS_PER_THOUSAND)) {
    owe(name, totals[name as keyof Totals], floor);
  }
  owe("crashes", totals.kills + totals.powerLosses, CRASHES_PER_THOUSAND);
  owe("repeated seeds", totals.replayed, 1_000 / REPEAT_EVERY - 1);
  return missed;
}

function show(totals: Totals): string {
  const hours = (totals.simulatedMs / 3_600_000).toFixed(2);
  const counts = Object.entries(totals)
    .filter(([name]) => name !== "simulatedMs")
    .map(([name, value]) => `${name} ${value}`);
  return `simulated ${hours} hours: ${counts.join(", ")}`;
}

function describe(report: RunReport, finding: RunReport["findings"][number]): string {
  const again = `node test/sim/sim.ts --seed ${report.seed} --seeds 1 --workload ${workload} --trace`;
  const atMs = (finding.atUs / 1_000).toFixed(3);
  return `seed ${report.seed} at ${atMs} ms: ${finding.property}: ${finding.detail}\n  again: ${again}`;
}

function end(passed: number, failed: number): void {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}
