// The examples of the README, run as they stand there, except that the fixed ports are exchanged for free ones and the
// compiled program for its source, so that the test needs no build and disturbs no cluster of this machine. An example
// that needs a program which is not installed (kcat, curl) is named on the console and left to `make clients`.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { flotilla, freePortsInRow, WatchedProcess } from "./watched-process.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const README = readFileSync(join(ROOT, "README.md"), "utf8");

/** A part of each example that no other has, and what it prints when it works. Null: it runs until it is stopped. */
const PRINTS: Readonly<Record<string, readonly string[] | null>> = {
  "flotilla topic create journeys": [
    "leaderless partitions        none",
    "created journeys",
    "a\tharbour\n",
    "b\topen sea\n",
    "10,000 records",
  ],
  "--group sorting": [
    "offset 0: first\noffset 1: second\n",
    "member of sorting: partitions 0",
    "sorting  (consumer, uniform; Empty; 0 members",
    "dry run: nothing was committed",
  ],
  "kcat -C": ["hello, fleet\n"],
  'from "kafkajs"': ["two rafts, please\n"],
  "/metrics": ["flotilla_", '"ready": true'],
  "kill -9": null,
  "--broker.id=1": null,
  "await startBroker()": ["Kafka clients connect to 127.0.0.1:"],
};

const examples = [...README.matchAll(/```(sh|js)\n(.*?)```/gs)]
  .map(([, language = "", text = ""]) => ({ language, text }))
  .filter(({ text }) => !text.startsWith("make "));

function keyOf(text: string): string {
  return Object.keys(PRINTS).find((part) => text.includes(part)) ?? "";
}

function isInstalled(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
}

const missing = ["kcat", "curl"].filter((program) => !isInstalled(program));
const runnable = examples.filter(({ text }) => {
  const needs = missing.find((program) => new RegExp(`^.*\\b${program} -`, "m").test(text));
  if (needs !== undefined) console.warn(`not run, ${needs} is not installed: ${keyOf(text)}`);
  return needs === undefined;
});

let directory: string;
let cluster: WatchedProcess;
/** What stands in the README, and what takes its place. */
const exchanges: [RegExp, string][] = [];

beforeAll(async () => {
  mkdirSync(join(ROOT, ".flotilla"), { recursive: true });
  // Inside the project, so that an example finds its packages.
  directory = mkdtempSync(join(ROOT, ".flotilla", "readme-"));
  const words = ["cluster"];
  for (const [use, first] of [
    ["kafka", 9092],
    ["grpc", 7092],
    ["http", 8092],
    ["link", 6092],
  ] as const) {
    const free = await freePortsInRow(4);
    words.push(`--${use}-port`, String(free));
    for (let broker = 0; broker < 3; broker++) {
      exchanges.push([new RegExp(`(?<=[:])${first + broker}\\b`, "g"), String(free + broker)]);
    }
    exchanges.push([new RegExp(`\\b1${first}\\b`, "g"), String(free + 3)]);
  }
  const program = `"${process.execPath}" "${join(ROOT, "cmd/flotilla/main.ts")}" "$@"`;
  // Clients look for the cluster on its fixed ports when they are told nothing.
  const clients = `status|topic|produce|consume|group) exec ${program} --bootstrap 127.0.0.1:${words[2]}`;
  const shim = `#!/bin/sh\ncase $1 in\n${clients};;\n*) exec ${program};;\nesac\n`;
  writeFileSync(join(directory, "flotilla"), shim, { mode: 0o755 });
  exchanges.push(
    [/node_modules\/\.bin\/flotilla/g, "./flotilla"],
    [/\$PWD\/node_modules\/\.bin/g, "$PWD"],
    [/\/tmp\/flotilla-1/g, join(directory, "alone")],
    [/(?<=from ")flotilla(?=")/g, join(ROOT, "pkg/flotilla/start-broker.ts")],
  );
  cluster = flotilla(words, directory);
  await cluster.printed("Ctrl-C stops the cluster.");
});

afterAll(async () => {
  cluster.send("SIGTERM");
  await cluster.ended;
  rmSync(directory, { recursive: true, force: true });
});

describe("examples of the README", () => {
  it("are all known here", () => {
    expect(examples.map(({ text }) => keyOf(text)).sort()).toEqual(Object.keys(PRINTS).sort());
  });

  it.each(runnable.map(({ language, text }) => [keyOf(text), language, text]))(
    "%s",
    async (key, language, text) => {
      const exchanged = exchanges.reduce((now, [from, to]) => now.replace(from, to), text);
      const example = runExample(language, exchanged);
      const expected = PRINTS[key];
      if (expected === null) {
        await example.printed('"event":"broker-serves"');
        example.send("SIGTERM");
      }
      expect(await example.ended).toMatchObject({ code: 0 });
      for (const part of expected ?? [])
        expect(example.output + example.complaints).toContain(part);
    },
  );
});

function runExample(language: string, text: string): WatchedProcess {
  if (language === "js") {
    const file = join(directory, "example.mjs");
    writeFileSync(file, text);
    return new WatchedProcess(process.execPath, [file], directory);
  }
  // The last command takes the shell's place, so that a signal reaches it.
  const commands = text
    .trimEnd()
    .replaceAll(/ \\\n\s*/g, " ")
    .split("\n");
  const last = commands.pop() ?? "";
  const script = ["set -e", ...commands, last.includes("|") ? last : `exec ${last}`].join("\n");
  return new WatchedProcess("bash", ["-c", script], directory);
}
