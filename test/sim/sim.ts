// The simulator's command line: runs seeds on two processes, prints every failure with how to replay it, the totals of
// what was gone through, and `N passed, N failed` at the end. Too little of anything is a failure as well.
//
//   node test/sim/sim.ts --seed 1 --seeds 1000 [--workload service|kafka|groups|mixed] [--mutant NAME]
//   node test/sim/sim.ts --seed 57 --trace        one seed, with the log of every broker and every fault
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isMutantName, MUTANTS } from "./mutants.ts";
import type { MutantName } from "./mutants.ts";
import type { Workload } from "./plan.ts";
import { runSeed } from "./run.ts";
import type { RunReport } from "./run.ts";
import { addTotals, newTotals, shortfalls } from "./totals.ts";

const PROCESSES = 2;
/** Every so many seeds, one is run again in another process, and must end with the same hash. */
const REPLAY_EVERY = 50;

/** What a worker is told to run. */
export interface Order {
  readonly seed: number;
  readonly workload: Workload;
  readonly mutant: MutantName | null;
}

const MIXED: readonly Workload[] = ["kafka", "service", "groups", "service"];

/** In a mixed run, every fourth seed has clients that speak Kafka, and every fourth consumer groups. */
function workloadOf(seed: number, wanted: string): Workload {
  if (wanted === "mixed") return MIXED[seed % MIXED.length] as Workload;
  return wanted === "kafka" || wanted === "groups" ? wanted : "service";
}

interface Options {
  readonly seed: number;
  readonly seeds: number;
  readonly workload: string;
  readonly mutant: MutantName | null;
  readonly trace: boolean;
}

function readOptions(): Options | string {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      seeds: { type: "string" },
      workload: { type: "string", default: "mixed" },
      mutant: { type: "string" },
      trace: { type: "boolean", default: false },
    },
  });
  const seed = Number(values.seed);
  const seeds = Number(values.seeds ?? 1);
  if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(seeds) || seeds < 1) {
    return "--seed and --seeds are whole numbers";
  }
  if (!["service", "kafka", "groups", "mixed"].includes(values.workload)) {
    return "--workload is service, kafka, groups or mixed";
  }
  const mutant = values.mutant ?? null;
  if (mutant !== null && !isMutantName(mutant)) {
    return `--mutant is one of ${Object.keys(MUTANTS).join(", ")}`;
  }
  return { seed, seeds, workload: values.workload, mutant, trace: values.trace };
}

function failureText(report: RunReport, options: Options): string {
  const { seed, findings } = report;
  const more = options.mutant === null ? "" : ` --mutant ${options.mutant}`;
  const lines = findings.map(
    ({ property, detail, atUs }) => `  at ${(atUs / 1000).toFixed(3)} ms, "${property}": ${detail}`,
  );
  const replay = `make sim SEED=${seed} SEEDS=1 WORKLOAD=${options.workload} ARGS="--trace${more}"`;
  return [`seed ${seed} failed`, ...lines, `  replay: ${replay}`].join("\n");
}

/** Runs seeds on worker processes, each one seed at a time. */
class Pool {
  readonly #options: Options;
  readonly totals = newTotals();
  readonly #digests = new Map<number, string>();
  #replays: { readonly seed: number; readonly by: number }[] = [];
  #next: number;
  passed = 0;
  failed = 0;

  constructor(options: Options) {
    this.#options = options;
    this.#next = options.seed;
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: PROCESSES }, (_, number) => this.#work(number)));
  }

  #work(number: number): Promise<void> {
    const worker = fork(fileURLToPath(new URL("./worker.ts", import.meta.url)));
    return new Promise((resolve) => {
      let current: Order | null = null;
      const go = (): void => {
        current = this.#take(number);
        if (current === null) worker.disconnect();
        else worker.send(current);
      };
      worker.on("message", (report: RunReport) => {
        this.#took(report, number);
        go();
      });
      worker.on("exit", (code) => {
        if (current !== null) this.#died(current, code);
        resolve();
      });
      go();
    });
  }

  #take(number: number): Order | null {
    const { seed, seeds, workload, mutant } = this.#options;
    const end = this.#next >= seed + seeds;
    // Preferably in the other process; at the end, in any.
    const replay = this.#replays.findIndex(({ by }) => by !== number || end);
    if (replay >= 0) {
      const [{ seed: again } = { seed: 0 }] = this.#replays.splice(replay, 1);
      return { seed: again, workload: workloadOf(again, workload), mutant };
    }
    if (end) return null;
    const next = this.#next++;
    return { seed: next, workload: workloadOf(next, workload), mutant };
  }

  #took(report: RunReport, by: number): void {
    const { seed, digest } = report;
    const known = this.#digests.get(seed);
    if (known !== undefined) return this.#replayed(seed, known === digest);
    this.#digests.set(seed, digest);
    addTotals(this.totals, report.totals);
    if (report.findings.length === 0) this.passed++;
    else {
      this.failed++;
      console.log(failureText(report, this.#options));
    }
    if ((seed - this.#options.seed) % REPLAY_EVERY === 0) this.#replays.push({ seed, by });
    if (this.#digests.size % 100 === 0) console.log(`${this.#digests.size} seeds done`);
  }

  #replayed(seed: number, isSame: boolean): void {
    this.totals.replayed++;
    if (isSame) this.passed++;
    else {
      this.failed++;
      console.log(`seed ${seed} has two histories: it ended with another hash in another process`);
    }
  }

  #died({ seed }: Order, code: number | null): void {
    this.failed++;
    console.log(`seed ${seed} ended its process with code ${code}`);
  }
}

async function trace(options: Options): Promise<number> {
  let failed = 0;
  for (let seed = options.seed; seed < options.seed + options.seeds; seed++) {
    const workload = workloadOf(seed, options.workload);
    const faults = options.mutant === null ? {} : { faults: MUTANTS[options.mutant] };
    const report = await runSeed({ seed, workload, print: (line) => console.log(line), ...faults });
    console.log(`seed ${seed} ended with hash ${report.digest}`);
    if (report.findings.length === 0) continue;
    failed++;
    console.log(failureText(report, options));
  }
  console.log(`${options.seeds - failed} passed, ${failed} failed`);
  return failed;
}

async function main(): Promise<number> {
  const options = readOptions();
  if (typeof options === "string") {
    console.error(options);
    return 2;
  }
  if (options.trace) return (await trace(options)) === 0 ? 0 : 1;
  const startedMs = performance.now();
  const pool = new Pool(options);
  await pool.run();
  const seconds = (performance.now() - startedMs) / 1000;
  for (const [name, value] of Object.entries(pool.totals)) {
    console.log(`${name.padEnd(18)} ${Math.round(value)}`);
  }
  console.log(`${(options.seeds / seconds).toFixed(1)} seeds/s, ${seconds.toFixed(0)} s`);
  const hasGroups = ["groups", "mixed"].includes(options.workload);
  const counted = options.mutant === null ? options.seeds : 0;
  for (const what of shortfalls(pool.totals, counted, hasGroups)) {
    pool.failed++;
    console.log(what);
  }
  console.log(`${pool.passed} passed, ${pool.failed} failed`);
  return pool.failed === 0 ? 0 : 1;
}

if (import.meta.main) process.exit(await main());
