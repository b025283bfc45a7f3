// docs/clients.md: which clients were tried, in which version, when, and what they did.
import { execFileSync } from "node:child_process";

export interface Row {
  readonly client: string;
  readonly source: string;
  /** Null: it could not be had. */
  readonly version: string | null;
  readonly whyNot: string | null;
  readonly checks: readonly { readonly does: string; readonly fault: string | null }[];
}

export function page(rows: readonly Row[], when: Date): string {
  const lines = [
    "# Clients",
    "",
    "Written by `make clients`: every client against three real brokers of its own, on one machine. What was sent is checked",
    "twice, by what the client reads and by what the brokers hold, read with an independent client. `make clients ARGS=--quick`",
    "runs the ones that need only npm and one Debian package, on every change, and leaves this page alone.",
    "",
    `Last run: ${when.toISOString().slice(0, 10)}, Flotilla at ${commit()}, Node ${process.version}, ${process.platform}-${process.arch}.`,
  ];
  for (const { client, source, version, whyNot, checks } of rows) {
    lines.push(
      "",
      `## ${client}${version === null ? "" : ` ${version}`}`,
      "",
      `From: ${source}.`,
      "",
    );
    if (whyNot !== null) lines.push(`Not tried: ${oneLine(whyNot)}`);
    for (const { does, fault } of checks) {
      lines.push(fault === null ? `- works: ${does}` : `- **fails**: ${does}: ${oneLine(fault)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

export function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > 400 ? `${line.slice(0, 400)}…` : line;
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
