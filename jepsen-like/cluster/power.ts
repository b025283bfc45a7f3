// Power of brokers' machines: what the program that plays a disk is told and what it tells (test/unsafe-broker), and what a data
// directory says of its own standing. A broker writes the machine's run there when all its replicas have recalled (D3).
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface PowerOrder {
  readonly seed: number;
  /** What becomes of the journal write under way. */
  readonly tear: "none" | "torn" | "whole";
  /** How far back the disk lied: acknowledged journal writes of that time are lost. 0: it is honest. */
  readonly lostMs: number;
}

/** What a failure dropped. */
export interface PowerLoss {
  readonly tear: PowerOrder["tear"] | "idle";
  /** Of the journal write under way. */
  readonly sectors: number;
  /** Of the page cache. */
  readonly blocks: number;
  readonly names: number;
  /** Journal writes that the disk had acknowledged. */
  readonly acknowledged: number;
}

export const TEARS: readonly PowerOrder["tear"][] = ["torn", "none", "whole"];

export function powerLossesOf(workingDirectory: string): readonly PowerLoss[] {
  try {
    const lines = readFileSync(join(workingDirectory, "power.jsonl"), "utf8").trim().split("\n");
    return lines.map((line) => JSON.parse(line) as PowerLoss);
  } catch {
    return [];
  }
}

export type DiskStanding = "trusted" | "doubted" | "distrusted";

/** What a data directory is worth to its broker after so many failures of the power. */
export function standingOf(dataDirectory: string, powerLosses: number): DiskStanding {
  const text = readFileSync(join(dataDirectory, "directory.json"), "utf8");
  const { distrusted, machineRun } = JSON.parse(text) as {
    readonly distrusted: boolean;
    readonly machineRun: string | null;
  };
  if (distrusted) return "distrusted";
  return machineRun === `run ${powerLosses}` ? "trusted" : "doubted";
}

/** Several failures in sum. */
export function lossesInWords(losses: readonly PowerLoss[]): string {
  const tears = Object.entries(Object.groupBy(losses, ({ tear }) => tear));
  const told = tears.map(([tear, of]) => `${of.length} ${tear}`).join(", ");
  return `writes under way: ${told}; lost ${lostInWords(losses)}`;
}

export function lossInWords(loss: PowerLoss): string {
  return `write under way: ${loss.tear}; lost ${lostInWords([loss])}`;
}

function lostInWords(losses: readonly PowerLoss[]): string {
  const sum = (of: (loss: PowerLoss) => number): number =>
    losses.reduce((all, loss) => all + of(loss), 0);
  const counts: readonly (readonly [number, string])[] = [
    [sum(({ sectors }) => sectors), "sectors of journal writes under way"],
    [sum(({ blocks }) => blocks), "blocks that were not synced"],
    [sum(({ names }) => names), "names that were not synced"],
    [sum(({ acknowledged }) => acknowledged), "acknowledged journal writes"],
  ];
  const lost = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return lost.length === 0 ? "nothing" : lost.join(", ");
}
