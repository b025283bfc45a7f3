// Groups on the command line, against a real broker over real sockets: members that share a topic and remember how far
// they came, and the commands that show and move what they committed.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EXIT_CODE } from "../../cmd/flotilla/exit-code.ts";
import { runProgram } from "../../cmd/flotilla/program.ts";
import { startBroker } from "../../pkg/flotilla/start-broker.ts";
import type { EmbeddedBroker } from "../../pkg/flotilla/start-broker.ts";
import { FakeTerminal } from "../process/fake-terminal.ts";

let broker: EmbeddedBroker;
let bootstrap: string;

beforeAll(async () => {
  broker = await startBroker();
  bootstrap = `${broker.kafka.host}:${broker.kafka.port}`;
  await output(["topic", "create", "orders", "--partitions", "3"]);
  for (const partition of [0, 1, 2]) await produce("orders", partition, 10 * partition, 10);
});

afterAll(() => broker.stop());

function lines(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, k) => `order-${from + k}\n`).join("");
}

async function produce(topic: string, partition: number, from: number, count: number) {
  await output(["produce", topic, "--partition", String(partition)], lines(from, from + count));
}

async function run(words: readonly string[], input = "") {
  const terminal = new FakeTerminal(input);
  const exitCode = await runProgram([...words, "--bootstrap", bootstrap], terminal);
  return { exitCode, output: terminal.output, complaints: terminal.complaints };
}

async function output(words: readonly string[], input = ""): Promise<string> {
  const result = await run(words, input);
  expect(result).toMatchObject({ exitCode: EXIT_CODE.ok });
  return result.output;
}

async function json(words: readonly string[]): Promise<unknown> {
  return JSON.parse(await output([...words, "--json"])) as unknown;
}

function sorted(text: string): readonly string[] {
  return text.trimEnd().split("\n").toSorted();
}

interface Described {
  readonly group: string;
  readonly state: string;
  readonly partitions: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly committed: number | null;
    readonly end: number;
    readonly lag: number | null;
    readonly member: string | null;
  }[];
}

async function described(group: string): Promise<Described> {
  const [one] = (await json(["group", "describe", group])) as readonly Described[];
  if (one === undefined) throw new Error("no group");
  return one;
}

it("a member reads on from what its group committed", async () => {
  const first = await output(["consume", "orders", "--group", "billing", "--exit"]);
  expect(sorted(first)).toEqual(sorted(lines(0, 30)));
  await produce("orders", 1, 30, 5);
  const second = await output(["consume", "orders", "--group", "billing", "--exit"]);
  expect(sorted(second)).toEqual(sorted(lines(30, 35)));
  const { state, partitions } = await described("billing");
  expect(state).toBe("Empty");
  expect(partitions.map(({ partition }) => partition)).toEqual([0, 1, 2]);
  expect(partitions.every(({ lag, end, committed }) => lag === 0 && end === committed)).toBe(true);
});

it("--count commits only what was printed", async () => {
  const words = ["consume", "orders", "--group", "counting", "--count", "7"];
  const first = await output(words);
  const second = await output([...words.slice(0, 4), "--exit"]);
  expect(sorted(first)).toHaveLength(7);
  expect(sorted(first + second)).toEqual(sorted(lines(0, 35)));
});

it("two members share the partitions, and one takes over when the other leaves", async () => {
  await output(["topic", "create", "shared", "--partitions", "4"]);
  const member = () => {
    const terminal = new FakeTerminal("");
    const words = ["consume", "shared", "--group", "pair", "--bootstrap", bootstrap];
    return { terminal, ended: runProgram(words, terminal) };
  };
  const one = member();
  const other = member();
  const owned = async (): Promise<ReadonlySet<string | null>> => {
    const { partitions } = await described("pair");
    return new Set(partitions.map((partition) => partition.member));
  };
  await expect.poll(async () => (await owned()).size).toBe(2);
  for (const partition of [0, 1, 2, 3]) await produce("shared", partition, 10 * partition, 10);
  await expect
    .poll(() => sorted(one.terminal.output + other.terminal.output))
    .toEqual(sorted(lines(0, 40)));
  expect(await run(["group", "delete", "pair"])).toMatchObject({
    exitCode: EXIT_CODE.failed,
    complaints: "flotilla: group pair has members; stop them first",
  });
  one.terminal.interrupt();
  expect(await one.ended).toBe(EXIT_CODE.ok);
  await expect.poll(async () => (await owned()).size).toBe(1);
  for (const partition of [0, 1, 2, 3]) await produce("shared", partition, 40 + 5 * partition, 5);
  await expect
    .poll(() => sorted(one.terminal.output + other.terminal.output))
    .toEqual(sorted(lines(0, 60)));
  other.terminal.interrupt();
  expect(await other.ended).toBe(EXIT_CODE.ok);
  const { partitions } = await described("pair");
  expect(partitions.every(({ lag }) => lag === 0)).toBe(true);
});

it("groups are listed with their kind and state", async () => {
  expect(await json(["group", "list"])).toContainEqual({
    group: "billing",
    type: "consumer",
    state: "Empty",
    protocolType: "consumer",
    coordinator: 1,
  });
  expect(await output(["group", "list", "--state", "stable"])).toBe("");
  expect(await output(["group", "list", "--state", "empty"])).toMatch(
    /^GROUP +TYPE +STATE +COORDINATOR\nbilling +consumer +Empty +1\n/,
  );
});

it("a description for people says how far behind a group is", async () => {
  await produce("orders", 1, 35, 5);
  const text = await output(["group", "describe", "billing"]);
  expect(text).toMatch(/^billing {2}\(consumer.*; Empty; 0 members; coordinator 1\)\n/);
  const [row] = text.split("\n").filter((line) => /^orders +1 /.test(line));
  expect(row?.trim().split(/ +/).at(-1)).toBe("5");
});

it("a dry run shows what a reset would do, and does nothing", async () => {
  const before = await described("billing");
  const words = ["group", "reset-offsets", "billing", "--to", "earliest"];
  const dry = await json([...words, "--dry-run"]);
  expect(await described("billing")).toEqual(before);
  const real = await json(words);
  expect(real).toEqual({ ...(dry as object), dryRun: false });
  const after = await described("billing");
  expect(after.partitions.map(({ committed }) => committed)).toEqual([0, 0, 0]);
});

it("offsets go to an end, a number, a time, or by so many, and never beyond the log", async () => {
  const ends = (await described("billing")).partitions.map(({ end }) => end);
  const after = async (...words: readonly string[]) => {
    await output(["group", "reset-offsets", "billing", ...words]);
    return (await described("billing")).partitions.map(({ committed }) => committed);
  };
  expect(await after("--to", "latest")).toEqual(ends);
  expect(await after("--shift-by=-3")).toEqual(ends.map((end) => Math.max(0, end - 3)));
  expect(await after("--shift-by", "1000")).toEqual(ends);
  expect(await after("--topic", "orders:0,2", "--to", "1")).toEqual([1, ends[1], 1]);
  expect(await after("--to", "999999")).toEqual(ends);
  expect(await after("--to", "@0")).toEqual([0, 0, 0]);
  expect(await after("--to", "@2999-01-01T00:00:00Z")).toEqual(ends);
});

it("a reset that makes no sense is refused with what to do", async () => {
  const words = ["group", "reset-offsets", "billing"];
  const refused = async (...more: readonly string[]) => (await run([...words, ...more])).complaints;
  expect(await refused()).toContain("one of --to and --shift-by");
  expect(await refused("--to", "yesterday")).toContain("--to yesterday is neither");
  expect(await refused("--to", "1", "--topic", "orders:x")).toContain("neither TOPIC nor");
  expect(await refused("--to", "1", "--topic", "orders:7")).toContain("has no partition 7");
  const unknown = await run(["group", "reset-offsets", "nobody", "--to", "latest"]);
  expect(unknown).toMatchObject({ exitCode: EXIT_CODE.usage });
});

it("a group is set up before its first member comes", async () => {
  await output(["group", "reset-offsets", "fresh", "--topic", "orders", "--to", "latest"]);
  await output(["produce", "orders"], "after\n");
  expect(await output(["consume", "orders", "--group", "fresh", "--exit"])).toBe("after\n");
});

it("a group that nobody is in is deleted, and is unknown afterwards", async () => {
  expect(await output(["group", "delete", "fresh"])).toBe("deleted fresh\n");
  for (const command of ["describe", "delete"]) {
    expect(await run(["group", command, "fresh"])).toMatchObject({
      exitCode: EXIT_CODE.failed,
      complaints: "flotilla: there is no group fresh",
    });
  }
});

it("records are written in a format of one's own", async () => {
  const words = ["produce", "formats", "--key-separator", "=", "--header", "a=1"];
  await output(words, "k=v v\n");
  const format = "%t/%p@%o\\t%k:%v %K %V [%h] 100%%\\n";
  expect(await output(["consume", "formats", "-e", "--format", format])).toBe(
    "formats/0@0\tk:v v aw== diB2 [a=1] 100%\n",
  );
  const dated = await output(["consume", "formats", "-e", "--format", "%T %D"]);
  const [timestamp, date] = dated.split(" ");
  expect(new Date(Number(timestamp)).toISOString()).toBe(date);
  for (const wrong of ["%x", "%v\\q", "values"]) {
    const refused = await run(["consume", "formats", "-e", "--format", wrong]);
    expect(refused).toMatchObject({ exitCode: EXIT_CODE.usage });
  }
});

/** The command line as a process whose output is read up to its first bytes, and then no more. */
async function readBriefly(words: readonly string[]): Promise<{ code: number | null }> {
  const program = join(import.meta.dirname, "..", "..", "cmd", "flotilla", "main.ts");
  const child = spawn(process.execPath, [program, ...words, "--bootstrap", bootstrap], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  child.stdout.once("data", () => child.stdout.destroy());
  return new Promise((resolve) => child.once("exit", (code) => resolve({ code })));
}

it("a member whose reader is gone leaves its group, and what nobody read is read again", async () => {
  const long = "x".repeat(1_000);
  await output(["topic", "create", "piped"]);
  await output(["produce", "piped"], `${long}\n`.repeat(3_000));
  expect(await readBriefly(["consume", "piped", "--group", "readers"])).toEqual({ code: 0 });
  const { state, partitions } = await described("readers");
  expect(state).toBe("Empty");
  expect(partitions.every(({ lag, end }) => lag === null || lag > 0 || end === 0)).toBe(true);
});
