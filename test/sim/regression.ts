// A failure as a short text: the plan, what the nemesis did and when, and what that broke. It does not depend on what a
// seed draws, so it stays what it is when plans and faults change. `test/sim/regressions` keeps those of bugs that were.
import { isMutantName } from "./mutants.ts";
import type { MutantName } from "./mutants.ts";
import type { Action, ActionKind, Schedule } from "./nemesis/schedule.ts";
import { isActionKind } from "./plan.ts";
import type { Plan } from "./plan.ts";

export interface Regression {
  /** What it is about; lines without their marks. */
  readonly about: readonly string[];
  /** The property that was broken. */
  readonly breaks: string;
  /** The planted bug with which it still is; null: there is none. */
  readonly mutant: MutantName | null;
  /** Of everything that the plan leaves to chance. */
  readonly seed: number;
  readonly plan: Plan;
  readonly schedule: Schedule;
}

export function regressionText(regression: Regression): string {
  const { about, breaks, mutant, seed, plan, schedule } = regression;
  const { faults: _, moments: __, seed: ___, ...fields } = plan;
  const lines = about.map((line) => `# ${line}`);
  lines.push(`breaks ${breaks}`);
  if (mutant !== null) lines.push(`mutant ${mutant}`);
  lines.push(`seed ${seed}`);
  for (const [name, value] of Object.entries(fields)) {
    lines.push(`plan ${name} ${JSON.stringify(value)}`);
  }
  return `${[...lines, ...schedule.map(actionText)].join("\n")}\n`;
}

function actionText({ atMs, kind, broker, choices }: Action): string {
  const open = choices.length === 0 ? "" : ` (${choices.join(" ")})`;
  return `at ${atMs.toFixed(3)} broker ${broker}: ${kind}${open}`;
}

const ACTION = /^at ([\d.]+) broker (\d+): ([^(]+?)(?: \(([\d ]+)\))?$/;

/** Throws when it is none: the file is wrong. */
export function parseRegression(text: string): Regression {
  const about: string[] = [];
  const fields: Record<string, unknown> = {};
  const schedule: Action[] = [];
  let breaks = "";
  let mutant: MutantName | null = null;
  let seed = 1;
  for (const line of text.split("\n")) {
    const [word = "", name = ""] = line.split(" ");
    const rest = line.slice(word.length + 1);
    if (line === "") continue;
    if (word === "#") about.push(rest);
    else if (word === "breaks") breaks = rest;
    else if (word === "seed") seed = Number(rest);
    else if (word === "mutant" && isMutantName(rest)) mutant = rest;
    else if (word === "plan") fields[name] = JSON.parse(rest.slice(name.length + 1));
    else schedule.push(parseAction(line));
  }
  const plan = { ...fields, seed, faults: new Map(), moments: new Map() } as unknown as Plan;
  return { about, breaks, mutant, seed, plan, schedule };
}

function parseAction(line: string): Action {
  const [, atMs, broker, kind = "", choices = ""] = ACTION.exec(line) ?? [];
  if (!isActionKind(kind)) throw new Error(`no line of a regression: ${line}`);
  const open = choices === "" ? [] : choices.split(" ").map(Number);
  return { atMs: Number(atMs), kind: kind as ActionKind, broker: Number(broker), choices: open };
}
