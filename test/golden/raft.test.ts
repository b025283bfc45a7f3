// Transcripts to read: test/golden/raft/*.txt. A block is one or more commands, a line of dashes
// and what happened. UPDATE=1 writes what happens now; read the difference before you keep it.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Transcript } from "./raft-transcript.ts";

const folder = join(import.meta.dirname, "raft");
const update = process.env["UPDATE"] === "1";

it.each(readdirSync(folder))("%s happens as written", (name) => {
  const path = join(folder, name);
  const written = readFileSync(path, "utf8");
  const happened = rerun(written);
  if (update) writeFileSync(path, happened);
  else expect(happened).toBe(written);
});

/** The file with the same comments and commands, and what happens now below them. */
function rerun(text: string): string {
  const transcript = new Transcript();
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
