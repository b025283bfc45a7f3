// What the brokers' own logs say afterwards: lines of JSON, one event each.
import { readFileSync, statSync } from "node:fs";

export interface LogSummary {
  readonly bytes: number;
  readonly lines: number;
  /** How often each event occurs, most frequent first. */
  readonly events: readonly (readonly [string, number])[];
  /** Warnings that were left out because there were too many. */
  readonly suppressed: number;
  readonly errors: readonly string[];
  /** Lines that are no JSON: what a crash or the runtime prints. */
  readonly foreign: readonly string[];
}

interface Line {
  readonly level?: string;
  readonly event?: string;
  readonly suppressed?: number;
}

export function readLog(path: string): LogSummary {
  const events = new Map<string, number>();
  const errors: string[] = [];
  const foreign: string[] = [];
  let suppressed = 0;
  const lines = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "");
  for (const text of lines) {
    const line = parsed(text);
    if (line === null) {
      foreign.push(text);
      continue;
    }
    const event = line.event ?? "?";
    events.set(event, (events.get(event) ?? 0) + 1);
    suppressed += line.suppressed ?? 0;
    if (line.level === "error" || line.level === "fatal") errors.push(text);
  }
  const sorted = [...events].toSorted(([, a], [, b]) => b - a);
  return {
    bytes: statSync(path).size,
    lines: lines.length,
    events: sorted,
    suppressed,
    errors,
    foreign,
  };
}

function parsed(text: string): Line | null {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return null;
  }
}

export function countOf(log: LogSummary, event: string): number {
  return log.events.find(([name]) => name === event)?.[1] ?? 0;
}
