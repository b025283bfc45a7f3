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
