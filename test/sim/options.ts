// What the simulator's command line says, and which runs that means.
import { parseArgs } from "node:util";
import { isMutantName, MUTANTS } from "./mutants.ts";
import type { MutantName } from "./mutants.ts";
import type { Workload } from "./plan.ts";
import { isProfileName, mixedWorkload, PROFILE_NAMES, profileOf } from "./profiles.ts";
import type { ProfileName } from "./profiles.ts";
import type { RunReport } from "./run.ts";

/** One run. */
export interface Order {
  readonly seed: number;
  readonly workload: Workload;
  readonly profile: ProfileName;
  readonly mutant: MutantName | null;
}

export interface Options {
  /** In the order in which they run. */
  readonly seeds: readonly number[];
  /** "mixed": by seed. */
  readonly workload: Workload | "mixed";
  /** "all": by seed. */
  readonly profile: ProfileName | "all";
  readonly mutant: MutantName | null;
  readonly trace: boolean;
  readonly shrink: boolean;
  /** A file of `test/sim/regressions` to run in place of seeds. */
  readonly story: string | null;
  /** How many seeds run at the same time, each in a process. */
  readonly processes: number;
}

const WORKLOADS = ["service", "kafka", "groups", "mixed"] as const;

export const HELP = `Runs whole clusters, each decided by a seed, and looks for what must not happen.

  node test/sim/sim.ts --seed 1 --seeds 1000

  --seed N         the first seed (1)
  --seeds N        how many (1)
  --and N          as many more, from N on
  --processes N    how many run at the same time (2)
  --workload NAME  ${WORKLOADS.join(", ")} (mixed: by seed)
  --profile NAME   ${[...PROFILE_NAMES, "all"].join(", ")} (all: by seed)
  --mutant NAME    with a bug planted; the names are in test/sim/mutants.ts
  --trace          in this process, with the log of every broker and every fault
  --shrink         a failing seed as a short story, in tmp
  --story FILE     such a story once more, with its log
  --help           this

Ends with 0 when all passed, 1 when something failed, 2 when there is no such option.`;

const FLAGS = {
  seed: { type: "string", default: "1" },
  seeds: { type: "string", default: "1" },
  and: { type: "string" },
  processes: { type: "string", default: "2" },
  workload: { type: "string", default: "mixed" },
  profile: { type: "string", default: "all" },
  mutant: { type: "string" },
  trace: { type: "boolean", default: false },
  shrink: { type: "boolean", default: false },
  story: { type: "string" },
  help: { type: "boolean", default: false },
} as const;

function parse(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: FLAGS }).values;
  } catch (error) {
    return (error as Error).message;
  }
}

/** "help", or an error with what is wrong with the command line. */
export function readOptions(words: readonly string[]): Options | "help" | Error {
  const values = parse(words);
  if (typeof values === "string") return new Error(`${values}; see --help`);
  if (values.help) return "help";
  const count = Number(values.seeds);
  const firsts = [values.seed, ...(values.and === undefined ? [] : [values.and])].map(Number);
  const processes = Number(values.processes);
  if (![count, processes, ...firsts].every(Number.isSafeInteger) || count < 1 || processes < 1) {
    return new Error("--seed, --seeds, --and and --processes are whole numbers");
  }
  const workload = WORKLOADS.find((name) => name === values.workload);
  if (workload === undefined) return new Error(`--workload is one of ${WORKLOADS.join(", ")}`);
  const { profile, mutant = null } = values;
  if (profile !== "all" && !isProfileName(profile)) {
    return new Error(`--profile is one of ${PROFILE_NAMES.join(", ")}, all`);
  }
  if (mutant !== null && !isMutantName(mutant)) {
    return new Error(`--mutant is one of ${Object.keys(MUTANTS).join(", ")}`);
  }
  const seeds = firsts.flatMap((first) => Array.from({ length: count }, (_, k) => first + k));
  const { trace, shrink, story = null } = values;
  return { seeds, workload, profile, mutant, trace, shrink, story, processes };
}

export function orderOf(seed: number, options: Options): Order {
  const { workload, profile, mutant } = options;
  return {
    seed,
    workload: workload === "mixed" ? mixedWorkload(seed) : workload,
    profile: profile === "all" ? profileOf(seed) : profile,
    mutant,
  };
}

/** The command that does the same again. */
export function replayOf({ seed, workload, profile, mutant }: Order): string {
  const more = mutant === null ? "" : ` --mutant ${mutant}`;
  return `make sim SEED=${seed} SEEDS=1 WORKLOAD=${workload} PROFILE=${profile} ARGS="--trace${more}"`;
}

export function failureText(order: Order, { findings }: Pick<RunReport, "findings">): string {
  const lines = findings.map(
    ({ property, detail, atUs }) => `  at ${(atUs / 1000).toFixed(3)} ms, "${property}": ${detail}`,
  );
  const { seed, profile } = order;
  const replay = `  replay: ${replayOf(order)}`;
  return [`seed ${seed} (${profile}) failed`, ...lines, replay].join("\n");
}
