// The command line of this program.
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { WINDOW_MS_MAX } from "./checkers/vacuity.ts";
import { FAMILIES, FAULT_KINDS } from "./nemesis/plan.ts";
import type { FaultKind } from "./nemesis/plan.ts";

export const WORKLOADS = ["log", "groups"] as const;
export type Workload = (typeof WORKLOADS)[number];

/** A disk lies once, at the end of a run in which the power fails. */
const ONE_BY_ONE = FAULT_KINDS.filter((kind) => kind !== "lying disk");

export interface Arguments {
  readonly timeS: number;
  readonly seed: number;
  readonly workload: Workload;
  /** Longest that a partition may be unavailable, once a majority answers. */
  readonly windowMs: number;
  /** The only kinds of faults that may come; null: those of the workload. */
  readonly faults: ReadonlySet<FaultKind> | null;
  /** Groups of classic members only. */
  readonly classicOnly: boolean;
  /** Only the positive control, without the run that must pass. */
  readonly controlOnly: boolean;
  /** Leave the positive control out. */
  readonly withoutControl: boolean;
  readonly directory: string | null;
  /** The command line program of the brokers; null: the built one. */
  readonly program: string | null;
}

export const USAGE = `node jepsen-like/main.ts [--time SECONDS] [--seed N] [--workload log|groups] [--control | --no-control]
                         [--faults LIST] [--classic-only] [--directory PATH] [--program PATH]
  --time       how long faults go on (60)
  --seed       the plan of the faults (1)
  --window     milliseconds that a partition may be unavailable (2000; give a busy machine more)
  --workload   log: producers and readers (default); groups: consumer groups beside them
  --faults     only these, comma between them: ${Object.keys(FAMILIES).join(", ")}, or kinds such as "mute leader"
  --classic-only  groups: no members of the new protocol
  --control    only the positive control: unsafe brokers, which must be caught losing data
  --no-control only the run itself
  --program    the brokers' program (dist/cmd/flotilla/main.js)
  --directory  where brokers and the report live (.flotilla/chaos/<seed>)`;

/** @throws TypeError with words for the user. */
export function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      time: { type: "string", default: "60" },
      seed: { type: "string", default: "1" },
      workload: { type: "string", default: "log" },
      window: { type: "string", default: String(WINDOW_MS_MAX) },
      faults: { type: "string" },
      "classic-only": { type: "boolean", default: false },
      control: { type: "boolean", default: false },
      "no-control": { type: "boolean", default: false },
      directory: { type: "string" },
      program: { type: "string" },
    },
  });
  const timeS = Number(values.time);
  const seed = Number(values.seed);
  const windowMs = Number(values.window);
  if (!(windowMs > 0)) throw new TypeError("--window is a number of milliseconds");
  const workload = WORKLOADS.find((known) => known === values.workload);
  if (!(timeS >= 5 && timeS <= 86_400)) throw new TypeError("--time is 5 to 86400 seconds");
  if (!Number.isSafeInteger(seed) || seed < 0) throw new TypeError("--seed is a whole number");
  if (workload === undefined) throw new TypeError(`--workload is one of ${WORKLOADS.join(", ")}`);
  if (values.control && values["no-control"]) throw new TypeError("--control or --no-control");
  return {
    timeS,
    seed,
    workload,
    windowMs,
    faults: values.faults === undefined ? null : faultsOf(values.faults),
    classicOnly: values["classic-only"],
    controlOnly: values.control,
    withoutControl: values["no-control"],
    directory: values.directory === undefined ? null : resolve(values.directory),
    program: values.program === undefined ? null : resolve(values.program),
  };
}

function faultsOf(written: string): ReadonlySet<FaultKind> {
  const kinds = written.split(",").flatMap((name) => {
    const found = FAMILIES[name.trim()] ?? ONE_BY_ONE.filter((kind) => kind === name.trim());
    if (found.length > 0) return found;
    throw new TypeError(`--faults: ${name} is none of ${ONE_BY_ONE.join(", ")}`);
  });
  return new Set(kinds);
}
