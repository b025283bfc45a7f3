// What is wrong on a command line is told with the exit code for usage, and with what was probably meant.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { EXIT_CODE } from "./exit-code.ts";
import { FakeTerminal } from "../../test/process/fake-terminal.ts";
import { runProgram } from "./program.ts";

async function run(words: readonly string[], environment: Record<string, string> = {}) {
  const terminal = new FakeTerminal("", environment);
  const exitCode = await runProgram(words, terminal);
  return { exitCode, output: terminal.output, complaints: terminal.complaints };
}

it.each<[string, string[], string]>([
  ["an unknown command", ["clutser"], "there is no command clutser; did you mean cluster?"],
  ["a word that is like none", ["xyzzy"], "there is no command xyzzy"],
  ["an unknown member of a family", ["topic", "crate"], "did you mean topic create?"],
  ["a family without a member", ["topic"], "flotilla topic needs one of create, list, "],
  ["an unknown option", ["status", "--jsn"], "no option --jsn; did you mean --json?"],
  ["an unknown short option", ["status", "-x"], "flotilla status has no option -x"],
  ["an option without its value", ["consume", "t", "--count"], "--count needs a value"],
  ["a switch with a value", ["status", "--json=yes"], "--json takes no value"],
  ["a number that is none", ["produce", "t", "--count", "many"], "--count many is no whole number"],
  ["a number out of bounds", ["cluster", "--brokers", "0"], "--brokers 0 is below 1"],
  [
    "a choice that is none",
    ["produce", "t", "-z", "brotli"],
    "none of none, gzip, snappy, lz4, zst",
  ],
  ["no topic", ["consume"], "which topic?"],
  ["two topics", ["consume", "a", "b"], "one topic, please: what is b?"],
  ["an address that is none", ["status", "-b", "nowhere"], "--bootstrap nowhere is not host:port"],
  ["a config without a value", ["topic", "create", "t", "-c", "x"], "--config x is not NAME=VALUE"],
  ["nothing to change", ["topic", "alter", "t"], "nothing to change"],
  ["a start that is none", ["consume", "t", "--from", "noon"], "--from noon is neither earliest"],
  ["a setting that is misspelt", ["start", "--kafka.lisen", "x"], "did you mean --kafka.listen?"],
  ["a setting with a bad value", ["start", "--broker.id=x"], "broker.id (flag) is not a number"],
  ["a setting of --set", ["start", "--set", "brokr.id=1"], "did you mean broker.id?"],
  ["a setting without a value", ["start", "--broker.id"], "--broker.id has no value"],
  ["settings that contradict", ["start", "--link.ping.ms=9s"], "at least twice link.ping.ms"],
  [
    "a setting that each broker of a cluster has its own of",
    ["cluster", "--set", "broker.id=2"],
    "--set broker.id=2: every broker of the cluster has its own broker.id",
  ],
  ["a word that is no option", ["start", "now"], "flotilla start takes no now"],
  [
    "a missing settings file",
    ["start", "--config", "/nowhere/x.json"],
    "cannot read the settings f",
  ],
])("%s is a usage failure", async (_, words, complaint) => {
  const { exitCode, output, complaints } = await run(words);
  expect(complaints).toContain(complaint);
  expect(output).toBe("");
  expect(exitCode).toBe(EXIT_CODE.usage);
});

it("an unknown environment variable is a usage failure", async () => {
  const { exitCode, complaints } = await run(["start"], { FLOTILLA_BROKER_IT: "1" });
  expect(complaints).toContain("did you mean FLOTILLA_BROKER_ID?");
  expect(exitCode).toBe(EXIT_CODE.usage);
});

it("a settings file is named by the environment too, and all that is wrong with it is told at once", async () => {
  const directory = mkdtempSync(join(tmpdir(), "flotilla-test-"));
  const file = join(directory, "flotilla.json");
  writeFileSync(file, '{ "broker.id": "one", "kafka.listn": "127.0.0.1:1" }');
  const { exitCode, complaints } = await run(["start"], { FLOTILLA_CONFIG: file });
  rmSync(directory, { recursive: true });
  expect(complaints).toContain("broker.id (file) is not a number");
  expect(complaints).toContain("did you mean kafka.listen?");
  expect(complaints).toContain(`the settings file is ${file}`);
  expect(exitCode).toBe(EXIT_CODE.usage);
});

it.each([["--help"], ["-h"]])("%s behind a family shows its commands", async (word) => {
  const { exitCode, output } = await run(["topic", word]);
  expect(output).toBe((await run(["help", "topic"])).output);
  expect(output).toContain("flotilla topic create TOPIC…");
  expect(exitCode).toBe(EXIT_CODE.ok);
});

it.each([["help"], ["--help"], ["-h"]])("%s lists the commands", async (word) => {
  const { exitCode, output } = await run([word]);
  expect(output).toMatch(/^ {2}topic create +Create topics\.$/m);
  expect(output).toMatch(/^ {2}3 +no broker could be reached$/m);
  expect(exitCode).toBe(EXIT_CODE.ok);
});

it("no word at all is a usage failure that shows the commands", async () => {
  const { exitCode, output } = await run([]);
  expect(output).toContain("Commands");
  expect(exitCode).toBe(EXIT_CODE.usage);
});

it("help on a command is the same wherever it is asked for", async () => {
  const asked = await run(["help", "topic", "create"]);
  const option = await run(["topic", "create", "--help"]);
  expect(asked.output).toContain("flotilla topic create TOPIC… [options]");
  expect(option).toEqual(asked);
});

it("help on a family shows every member", async () => {
  const { output } = await run(["help", "topic"]);
  for (const member of ["create", "list", "describe", "alter", "delete"]) {
    expect(output).toContain(`flotilla topic ${member}`);
  }
});

it("help settings shows every setting with its default", async () => {
  const { output } = await run(["help", "settings"]);
  expect(output).toContain("--link.silence.ms duration  (400ms)");
});

it("--version is that of the package", async () => {
  const { exitCode, output } = await run(["--version"]);
  expect(output).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(exitCode).toBe(EXIT_CODE.ok);
});

it("a cluster that does not answer has an exit code of its own", async () => {
  // Nobody listens on the port that only the superuser may open for finger.
  const { exitCode, complaints } = await run(["status", "-b", "127.0.0.1:79"]);
  expect(complaints).toContain("no broker answers at 127.0.0.1:79");
  expect(exitCode).toBe(EXIT_CODE.unreachable);
});
