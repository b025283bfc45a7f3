// The help of the command line, to read: test/golden/cli/*.txt, one file for each page. UPDATE=1 writes what is said now;
// read the difference before you keep it.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { COMMANDS } from "../../cmd/flotilla/commands.ts";
import { overview, page } from "../../cmd/flotilla/help.ts";

const folder = join(import.meta.dirname, "cli");
const update = process.env["UPDATE"] === "1";

const pages = new Map([
  ["help.txt", overview(COMMANDS, "VERSION")],
  ...COMMANDS.map((command): [string, string] => [
    `${command.name.replaceAll(" ", "-")}.txt`,
    page(command),
  ]),
]);

it.each([...pages])("%s says what is written", (name, text) => {
  const path = join(folder, name);
  if (update) writeFileSync(path, `${text}\n`);
  else expect(`${text}\n`).toBe(existsSync(path) ? readFileSync(path, "utf8") : "");
});

it("has no page of a command that is gone", () => {
  expect(readdirSync(folder).sort()).toEqual([...pages.keys()].sort());
});
