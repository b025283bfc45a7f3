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
}

const WORKLOADS = ["service", "kafka", "groups", "mixed"] as const;

/** A text is what is wrong with the command line. */
export function readOptions(): Options | string {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      seeds: { type: "string", default: "1" },
      and: { type: "string" },
      workload: { type: "string", default: "mixed" },
      profile: { type: "string", default: "all" },
      mutant: { type: "string" },
      trace: { type: "boolean", default: false },
      shrink: { type: "boolean", default: false },
      story: { type: "string" },
    },
  });
  const count = Number(values.seeds);
  const firsts = [values.seed, ...(values.and === undefined ? [] : [values.and])].map(Number);
  if (![count, ...firsts].every(Number.isSafeInteger) || count < 1) {
    return "--seed, --seeds and --and are whole numbers";
  }
  const workload = WORKLOADS.find((name) => name === values.workload);
  if (workload === undefined) return `--workload is one of ${WORKLOADS.join(", ")}`;
  const { profile, mutant = null } = values;
  if (profile !== "all" && !isProfileName(profile)) {
    return `--profile is one of ${PROFILE_NAMES.join(", ")}, all`;
  }
  if (mutant !== null && !isMutantName(mutant)) {
    return `--mutant is one of ${Object.keys(MUTANTS).join(", ")}`;
  }
  const seeds = firsts.flatMap((first) => Array.from({ length: count }, (_, k) => first + k));
  const { trace, shrink, story = null } = values;
  return { seeds, workload, profile, mutant, trace, shrink, story };
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
