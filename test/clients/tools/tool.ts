// Kafka's command-line tools as functions: a class, the words of its command line, what it prints.
import type { Surroundings } from "../client.ts";
import type { Java } from "../java.ts";
import { run } from "../programs.ts";

export interface Tools {
  readonly around: Surroundings;
  /** Runs the tool against the cluster to its end; standard output. */
  run(tool: string, words: readonly string[], input?: string): Promise<string>;
}

const TOOL_MS_MAX = 120_000;
const PACKAGE = "org.apache.kafka.tools";
/** The only one that is elsewhere. */
const CLASSES: ReadonlyMap<string, string> = new Map([
  ["ConfigCommand", "kafka.admin.ConfigCommand"],
]);

export function toolsOf(around: Surroundings, { command }: Java): Tools {
  const [program, ...machine] = command;
  return {
    around,
    run(tool, words, input = "") {
      const className = CLASSES.get(tool) ?? `${PACKAGE}.${tool}`;
      const cluster = ["--bootstrap-server", around.bootstrap.join(",")];
      const all = tool === "ClusterTool" ? [...words, ...cluster] : [...cluster, ...words];
      return run(program, [...machine, className, ...all], {
        ...{ input, withinMs: TOOL_MS_MAX },
      });
    },
  };
}

/** Lines of JSON that a tool prints, without what it says between them. */
export function jsonLines<T>(text: string): T[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as T);
}

/** The rows of a table in text, as its columns: empty lines and those before `heading` are left out. */
export function tableRows(text: string, heading: string): string[][] {
  const lines = text.split("\n").map((line) => line.trim());
  const start = lines.findIndex((line) => line.startsWith(heading));
  if (start < 0) throw new Error(`no table of ${heading}: ${text}`);
  return lines
    .slice(start + 1)
    .filter((line) => line !== "")
    .map((line) => line.split(/\s+/));
}
