// Transcripts to read: test/golden/controller/*.txt. A block is one or more commands, a line of dashes and what
// happened. UPDATE=1 writes what happens now; read the difference before you keep it.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { CONTROLLER_FAULT_KINDS } from "../../internal/cluster/controller-requests.ts";
import { ControllerTranscript } from "./controller-transcript.ts";

const folder = join(import.meta.dirname, "controller");
const update = process.env["UPDATE"] === "1";
const names = readdirSync(folder);

it.each(names)("%s happens as written", (name) => {
  const path = join(folder, name);
  const written = readFileSync(path, "utf8");
  const happened = rerun(written);
  if (update) writeFileSync(path, happened);
  else expect(happened).toBe(written);
});

/** These are said by the client of the controller, or by a log that is full; their tests are elsewhere. */
const ELSEWHERE = new Set(["timed-out", "busy", "storage-full", "not-leader"]);

it("every fault of the controller is in a transcript", () => {
  const all = names.map((name) => readFileSync(join(folder, name), "utf8")).join("\n");
  const missing = CONTROLLER_FAULT_KINDS.filter(
    (kind) => !ELSEWHERE.has(kind) && !new RegExp(`(^|[ :])${kind}(:|$)`, "m").test(all),
  );
  expect(missing).toEqual([]);
});

/** The text with the same comments and commands, and what happens now below them. */
function rerun(text: string): string {
  const transcript = new ControllerTranscript();
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
