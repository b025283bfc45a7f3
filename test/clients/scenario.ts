// What a scenario is given, and what it says: nothing when all was well, a throw when not, remarks for the page otherwise.
import type { Column, DriverProgram, Surroundings } from "./client.ts";

export interface Stage {
  readonly around: Surroundings;
  readonly driver: DriverProgram;
  /** Fit for topics and groups; no other scenario of this run has it. */
  readonly name: string;
  /** Brokers are killed meanwhile. */
  readonly withKills: boolean;
}

const KINDS_SHOWN = 3;

export interface Remark {
  /** The client lacks a part of it, or: it works, and this was seen. */
  readonly kind: "lacks" | "seen";
  readonly text: string;
}

export interface Scenario {
  readonly columns: readonly Column[];
  run(stage: Stage): Promise<readonly Remark[]>;
}

export function bootstrapOf({ around }: Stage): string {
  return around.bootstrap.join(",");
}

/** The application heard of faults and lived: how often each, the most frequent ones. */
export function errorsRemark(errors: readonly string[]): Remark {
  const times = new Map<string, number>();
  for (const error of errors) times.set(error, (times.get(error) ?? 0) + 1);
  const most = [...times].toSorted(([, a], [, b]) => b - a).slice(0, KINDS_SHOWN);
  const words = errors.length === 1 ? "1 error" : `${errors.length} errors`;
  const each = most.map(([error, count]) => `${count} × ${error}`).join("; ");
  return { kind: "seen", text: `${words} reached the application: ${each}` };
}
