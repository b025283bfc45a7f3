// Transcripts to read: test/golden/groups/*.txt. A block is one or more commands, a line of dashes and what happened.
// UPDATE=1 writes what happens now; read the difference before you keep it.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { GROUP_FAULTS } from "../../internal/coordinator/group-requests.ts";
import { GroupsTranscript } from "./groups-transcript.ts";

const folder = join(import.meta.dirname, "groups");
const update = process.env["UPDATE"] === "1";
const names = readdirSync(folder);

it.each(names)("%s happens as written", (name) => {
  const path = join(folder, name);
  const written = readFileSync(path, "utf8");
  const happened = rerun(written);
  if (update) writeFileSync(path, happened);
  else expect(happened).toBe(written);
});

/** These are said by the service and the broker around the coordinator; their tests are with them. */
const ELSEWHERE = new Set([
  "coordinator-loading",
  "unknown-topic",
  "unknown-topic-id",
  "metadata-too-large",
]);

it("every fault of the coordinator is in a transcript", () => {
  const all = names.map((name) => readFileSync(join(folder, name), "utf8")).join("\n");
  const missing = GROUP_FAULTS.filter(
    (fault) => !ELSEWHERE.has(fault) && !new RegExp(`(^|[ :])${fault}( |$)`, "m").test(all),
  );
  expect(missing).toEqual([]);
});

/** The text with the same comments and commands, and what happens now below them. */
function rerun(text: string): string {
  const transcript = new GroupsTranscript();
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
