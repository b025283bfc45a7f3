// The script for bash is run by bash itself.
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { runProgram } from "../program.ts";
import { FakeTerminal } from "../../../test/process/fake-terminal.ts";

async function script(shell: string): Promise<string> {
  const terminal = new FakeTerminal("");
  expect(await runProgram(["completion", shell], terminal)).toBe(0);
  return terminal.output;
}

async function completed(...typed: readonly string[]): Promise<readonly string[]> {
  const program = [
    await script("bash"),
    `COMP_WORDS=(flotilla ${typed.map((word) => `'${word}'`).join(" ")})`,
    `COMP_CWORD=${typed.length}`,
    "_flotilla",
    'printf "%s\\n" "${COMPREPLY[@]}"',
  ];
  const out = execFileSync("bash", ["-c", program.join("\n")], { encoding: "utf8" });
  return out.split("\n").filter((word) => word !== "");
}

test("commands, their second words and their options are completed", async () => {
  expect(await completed("gr")).toEqual(["group"]);
  expect(await completed("group", "de")).toEqual(["delete", "describe"]);
  expect(await completed("help", "group", "l")).toEqual(["list"]);
  expect(await completed("group", "reset-offsets", "--d")).toEqual(["--dry-run"]);
});

test("names and values between do not confuse it", async () => {
  expect(await completed("consume", "orders", "--count", "3", "--gr")).toEqual(["--group"]);
  expect(await completed("group", "reset-offsets", "billing", "--shift")).toEqual(["--shift-by"]);
});

test("every command is known to the other shells too", async () => {
  expect(await script("zsh")).toContain("bashcompinit");
  expect(await script("fish")).toContain(
    "-n '__fish_seen_subcommand_from group; and __fish_seen_subcommand_from describe' -l json",
  );
});

test("an unknown shell is refused", async () => {
  const terminal = new FakeTerminal("");
  expect(await runProgram(["completion", "tcsh"], terminal)).toBe(2);
  expect(terminal.complaints).toContain("one of bash, zsh, fish");
});
