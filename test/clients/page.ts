// docs/clients.md: one table of clients and columns, and below it why a cell is not simply "yes".
import { execFileSync } from "node:child_process";
import { COLUMNS } from "./client.ts";
import type { Column } from "./client.ts";

export interface Cell {
  readonly what: string;
  /** Partly: the client lacks something, and what it has works. Lacks: the client cannot do it at all. */
  readonly outcome: "works" | "partly" | "lacks" | "fails";
  readonly remarks: readonly string[];
}

export interface Row {
  readonly client: string;
  readonly source: string;
  /** Null: it could not be had. */
  readonly version: string | null;
  readonly whyNot: string | null;
  readonly cells: ReadonlyMap<Column, Cell>;
  /** Beyond the columns. */
  readonly checks: readonly Cell[];
  /** The day, and the commit of Flotilla. */
  readonly tried: string;
}

const SHOWN = { works: "yes", partly: "partly", lacks: "–", fails: "**no**" } as const;

const INTRODUCTION = `# Clients

Written by \`make clients\`: every client against three real brokers on one machine. What a client was told is compared with what
the brokers hold, read with an independent client.

| column | what happens |
|---|---|
| codecs | records with each of none, gzip, snappy, lz4 and zstd; the stored batches have that codec |
| idempotent | many records from an idempotent producer: stored exactly once, in the order sent |
| group | two members come and go while records keep coming: each record is read, no partition has two owners in one generation or for a second, the end is committed |
| resume | a member commits and leaves; the brokers have what it committed, and the next one starts exactly there |
| time | the first offset that is not older than a moment, and the record there |
| admin | a topic is created, described, gets another \`retention.ms\` and more partitions, and is deleted |
| …, kills | the same while brokers are killed (\`kill -9\`) and started again: two leaders (plain: without idempotence, at least once); the coordinator during a join, then a leader; the coordinator after a member crashed; the leader that is asked; the controller |
| more | checks of its own, listed below |

"yes": as expected. "partly": the client lacks a part. "–": the client cannot do it. "**no**": it failed. A number refers to the remarks
below. An empty cell was not tried.
`;

/** `faults`: what is known of clients, by their names. */
export function page(
  rows: readonly Row[],
  faults: ReadonlyMap<string, readonly string[]> = new Map(),
): string {
  const notes: string[] = [];
  const heads = ["client", "version", ...COLUMNS, "more", "tried"];
  const table = rows.map((row) => {
    const cells = COLUMNS.map((column) => shown(row, row.cells.get(column), notes));
    return [row.client, row.version ?? "not tried", ...cells, more(row), row.tried];
  });
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const lines = [
    INTRODUCTION,
    `Node ${process.version}, ${process.platform}-${process.arch}; each row tells the day and the commit it was tried at.`,
    "",
    line(heads),
    line(heads.map(() => "---")),
    ...table.map(line),
    "",
    "## Remarks",
    "",
    ...notes.map((note, k) => `${k + 1}. ${note}`),
    "",
    "## More",
    "",
  ];
  for (const row of rows) lines.push(...beyond(row, faults.get(row.client) ?? []));
  return `${lines.join("\n").trimEnd()}\n`;
}

function shown(row: Row, cell: Cell | undefined, notes: string[]): string {
  if (cell === undefined) return "";
  if (cell.remarks.length === 0) return SHOWN[cell.outcome];
  notes.push(`${row.client}, ${cell.what}: ${cell.remarks.map(oneLine).join("; ")}`);
  return `${SHOWN[cell.outcome]} (${notes.length})`;
}

function more({ checks }: Row): string {
  if (checks.length === 0) return "";
  return `${checks.filter(({ outcome }) => outcome !== "fails").length} of ${checks.length}`;
}

function beyond({ client, source, whyNot, checks }: Row, faults: readonly string[]): string[] {
  const lines = [`**${client}**, from: ${source}.`];
  if (whyNot !== null) lines.push("", `Not tried: ${oneLine(whyNot)}`);
  if (checks.length + faults.length > 0) lines.push("");
  for (const { what, outcome, remarks } of checks) {
    const text = remarks.map(oneLine).join("; ");
    lines.push(
      outcome === "fails"
        ? `- **fails**: ${what}: ${text}`
        : `- works: ${what}${text && `: ${text}`}`,
    );
  }
  for (const fault of faults) lines.push(`- a fault of this client: ${fault}`);
  return [...lines, ""];
}

export function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").replaceAll("|", "/").trim();
  return line.length > 600 ? `${line.slice(0, 600)}…` : line;
}

/** For `tried`. */
export function today(): string {
  return `${new Date().toISOString().slice(0, 10)} at ${commit()}`;
}

function commit(): string {
  try {
    const words = ["rev-parse", "--short", "HEAD"];
    return execFileSync("git", words, { cwd: import.meta.dirname })
      .toString()
      .trim();
  } catch {
    return "an unknown commit";
  }
}

/** Rows of this run, in the place of older ones of the same clients; in the order of `names`. */
export function merged(
  older: readonly Row[],
  newer: readonly Row[],
  names: readonly string[],
): readonly Row[] {
  const byName = new Map([...older, ...newer].map((row) => [row.client, row]));
  return names.flatMap((name) => byName.get(name) ?? []);
}

/** Rows as text that another run can read. */
export function packed(rows: readonly Row[]): string {
  return JSON.stringify(rows.map((row) => ({ ...row, cells: [...row.cells] })));
}

export function unpacked(text: string): readonly Row[] {
  const rows = JSON.parse(text) as (Omit<Row, "cells"> & { cells: [Column, Cell][] })[];
  return rows.map((row) => ({ ...row, cells: new Map(row.cells) }));
}
