// Transcripts to read: a folder of text files, each a conversation with some machine. A block is one or more commands, a
// line of dashes and what happened. UPDATE=1 writes what happens now; read the difference before you keep it.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

/** What carries out the commands of one file, block by block, and tells what happened. */
export interface Transcript {
  run(commands: readonly string[]): readonly string[];
}

/** One test for each file of the folder; returns the text of all of them. */
export function playTranscripts(name: string, open: () => Transcript): string {
  const folder = join(import.meta.dirname, name);
  const paths = readdirSync(folder).map((file) => [file, join(folder, file)] as const);
  it.each(paths)("%s happens as written", (_, path) => {
    const written = readFileSync(path, "utf8");
    const happened = rerun(written, open());
    if (process.env["UPDATE"] === "1") writeFileSync(path, happened);
    else expect(happened).toBe(written);
  });
  return paths.map(([, path]) => readFileSync(path, "utf8")).join("\n");
}

/** The text with the same comments and commands, and what happens now below them. */
function rerun(text: string, transcript: Transcript): string {
  const blocks = text
    .trim()
    .split(/\n\n+/)
    .map((block) => {
      const lines = block.split("\n");
      const end = lines.indexOf("----");
      const input = end < 0 ? lines : lines.slice(0, end);
      const commands = input.filter((line) => !line.startsWith("#"));
      if (commands.length === 0) return input.join("\n");
      return [...input, "----", ...transcript.run(commands)].join("\n");
    });
  return `${blocks.join("\n\n")}\n`;
}
