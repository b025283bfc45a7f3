// The commands that talk to a cluster, against a real broker over real sockets.
import { afterAll, beforeAll, expect, it } from "vitest";
import { until } from "../until.ts";
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
});

afterAll(() => broker.stop());

async function run(words: readonly string[], input = "") {
  const terminal = new FakeTerminal(input);
  const exitCode = await runProgram([...words, "--bootstrap", bootstrap], terminal);
  return { exitCode, output: terminal.output, complaints: terminal.complaints };
}

/** Runs a command that must succeed, and returns what it printed. */
async function output(words: readonly string[], input = ""): Promise<string> {
  const result = await run(words, input);
  expect(result).toMatchObject({ exitCode: EXIT_CODE.ok });
  return result.output;
}

async function json(words: readonly string[], input = ""): Promise<unknown> {
  return JSON.parse(await output([...words, "--json"], input)) as unknown;
}

it("lines become records, and records lines again", async () => {
  await output(["produce", "lines"], "one\ntwo\n\nfour");
  expect(await output(["consume", "lines", "--exit"])).toBe("one\ntwo\n\nfour\n");
});

it("keys and headers come back as they were given", async () => {
  const words = ["produce", "pairs", "--key-separator", "=>", "--header", "a=1", "--header", "a=2"];
  await output(words, "k1=>v1\nk2=>a=>b\n");
  expect(await output(["consume", "pairs", "-e", "--format", "key-value"])).toBe(
    "k1\tv1\nk2\ta=>b\n",
  );
  const [first] = (await output(["consume", "pairs", "-e", "--json"])).split("\n");
  expect(JSON.parse(first ?? "")).toMatchObject({
    topic: "pairs",
    partition: 0,
    offset: 0,
    key: "k1",
    value: "v1",
    headers: [
      ["a", "1"],
      ["a", "2"],
    ],
  });
});

it("a line without the separator is refused, and those before it are delivered", async () => {
  const { exitCode, complaints } = await run(["produce", "odd", "-k", ":"], "a:1\nb\n");
  expect(complaints).toContain("line 2 has no key separator");
  expect(exitCode).toBe(EXIT_CODE.failed);
  expect(await output(["consume", "odd", "-e"])).toBe("1\n");
});

it("bytes that are no text survive, and JSON says that they are none", async () => {
  await output(["produce", "text"], "plain\n");
  expect(await output(["consume", "text", "-e", "--format", "base64"])).toBe("cGxhaW4=\n");
  const terminal = new FakeTerminal();
  terminal.input.push(Buffer.from([0xff, 0xfe, 0x0a]));
  await runProgram(["produce", "bytes", "--bootstrap", bootstrap], terminal);
  const written = JSON.parse(await output(["consume", "bytes", "-e", "--json"])) as object;
  expect(written).toMatchObject({ value: { base64: "//4=" } });
});

it.each(["none", "gzip", "snappy", "lz4", "zstd"])("compression %s is undone", async (codec) => {
  const topic = `codec-${codec}`;
  const written = await json(["produce", topic, "-n", "1000", "-s", "200", "-z", codec]);
  expect(written).toMatchObject({ records: 1_000 });
  const values = (await output(["consume", topic, "-e"])).split("\n");
  expect(values.pop()).toBe("");
  expect(values).toHaveLength(1_000);
  expect(values[999]).toMatch(/^000000000999/);
  expect(values.every((value) => value.length === 200)).toBe(true);
});

it("reading begins where it is told to", async () => {
  await output(["produce", "places"], "a\nb\nc\nd\n");
  expect(await output(["consume", "places", "-e", "--from", "2"])).toBe("c\nd\n");
  expect(await output(["consume", "places", "-e", "--from", "latest"])).toBe("");
  expect(await output(["consume", "places", "-e", "--from", "@0"])).toBe("a\nb\nc\nd\n");
  expect(await output(["consume", "places", "-e", "--from", "@2100-01-01T00:00:00Z"])).toBe("");
  expect(await output(["consume", "places", "--from", "1", "--count", "2"])).toBe("b\nc\n");
});

it("an offset that does not exist is told", async () => {
  await output(["produce", "short"], "a\n");
  const { exitCode, complaints } = await run(["consume", "short", "-e", "--from", "7"]);
  expect(complaints).toContain("OFFSET_OUT_OF_RANGE");
  expect(exitCode).toBe(EXIT_CODE.failed);
});

it("without --exit a reader waits for records that come later, until Ctrl-C", async () => {
  await output(["produce", "later"], "first\n");
  const terminal = new FakeTerminal();
  const reading = runProgram(["consume", "later", "--bootstrap", bootstrap], terminal);
  await printed(terminal, "first\n");
  await output(["produce", "later"], "second\n");
  await printed(terminal, "first\nsecond\n");
  terminal.interrupt();
  expect(await reading).toBe(EXIT_CODE.ok);
});

it("a reader waits for a cluster that is not there yet, and says so; with --exit it ends", async () => {
  const gone = await startBroker();
  const { host, port } = gone.kafka;
  await gone.stop();
  const at = ["--bootstrap", `${host}:${port}`];
  const ending = new FakeTerminal();
  expect(await runProgram(["consume", "early", "--exit", ...at], ending)).toBe(
    EXIT_CODE.unreachable,
  );
  const terminal = new FakeTerminal();
  const reading = runProgram(["consume", "early", ...at], terminal);
  await until(() => terminal.complaints.includes("still trying: no broker answers at"));
  await using late = await startBroker({ settings: { "kafka.listen": { host, port } } });
  expect(late.kafka.port).toBe(port);
  await runProgram(["produce", "early", ...at], new FakeTerminal("first\n"));
  await printed(terminal, "first\n");
  terminal.interrupt();
  expect(await reading).toBe(EXIT_CODE.ok);
});

function printed(terminal: FakeTerminal, text: string): Promise<void> {
  return until(() => terminal.output === text);
}

it("records of one key meet in one partition, and a partition can be chosen", async () => {
  await output(["topic", "create", "keyed", "--partitions", "8"]);
  const lines = Array.from({ length: 50 }, (_, index) => `key${index % 5}:${index}`).join("\n");
  await output(["produce", "keyed", "-k", ":"], lines);
  await output(["produce", "keyed", "-p", "7"], "here\n");
  const read = (await output(["consume", "keyed", "-e", "--json"])).trimEnd().split("\n");
  const partitions = new Map<string | null, Set<number>>();
  for (const line of read) {
    const { key, partition } = JSON.parse(line) as { key: string | null; partition: number };
    partitions.set(key, (partitions.get(key) ?? new Set()).add(partition));
  }
  expect(read).toHaveLength(51);
  expect(partitions.get(null)).toEqual(new Set([7]));
  expect([...partitions.values()].every(({ size }) => size === 1)).toBe(true);
  expect(await output(["consume", "keyed", "-e", "-p", "7", "--from", "latest"])).toBe("");
});

it("a topic lives from its creation to its deletion", async () => {
  const created = ["topic", "create", "life", "-p", "3", "-c", "retention.ms=1000"];
  expect(await json(created)).toEqual([{ name: "life", created: true }]);
  expect((await run(created)).complaints).toContain("TOPIC_ALREADY_EXISTS");
  expect(await json([...created, "--if-not-exists"])).toEqual([{ name: "life", created: false }]);
  await output(["topic", "alter", "life", "--partitions", "5", "-c", "max.message.bytes=2000"]);
  await output(["topic", "alter", "life", "--unset", "retention.ms"]);
  await output(["produce", "life", "-p", "4"], "x\n");
  const [described] = (await json(["topic", "describe", "life"])) as { partitions: unknown[] }[];
  expect(described).toMatchObject({ name: "life", configs: { "max.message.bytes": "2000" } });
  expect(described).not.toHaveProperty(["configs", "retention.ms"]);
  expect(described?.partitions).toHaveLength(5);
  expect(described?.partitions[4]).toMatchObject({ leader: 1, replicas: [1], start: 0, end: 1 });
  expect(await output(["topic", "list"])).toMatch(/^life +5 +1$/m);
  await output(["topic", "delete", "life"]);
  expect(await output(["topic", "list"])).not.toContain("life");
});

it.each<[string, string[], string]>([
  ["describe", ["topic", "describe", "nowhere"], "there is no topic nowhere"],
  ["alter", ["topic", "alter", "nowhere", "-p", "2"], "there is no topic nowhere"],
  ["delete", ["topic", "delete", "nowhere"], "there is no topic nowhere"],
  ["consume", ["consume", "nowhere"], "there is no topic nowhere"],
  ["create with an odd name", ["topic", "create", "a b"], "INVALID_TOPIC_EXCEPTION"],
  ["create with an odd config", ["topic", "create", "x", "-c", "no.such=1"], "INVALID_CONFIG"],
  ["create with too many replicas", ["topic", "create", "x", "-r", "3"], "INVALID_REPLICATION_F"],
])("%s is refused with a reason", async (_, words, complaint) => {
  const { exitCode, complaints } = await run(words);
  expect(complaints).toContain(complaint);
  expect(exitCode).toBe(EXIT_CODE.failed);
});

it("status says of a broker that does not answer that it is silent, whatever the cluster thinks", async () => {
  await using away = await startBroker({
    settings: { "kafka.advertised": { host: "127.0.0.1", port: 1 } },
  });
  const words = ["status", "--check", "--bootstrap", `${away.kafka.host}:${away.kafka.port}`];
  const terminal = new FakeTerminal();
  expect(await runProgram(words, terminal)).toBe(EXIT_CODE.failed);
  expect(terminal.output).toMatch(/127\.0\.0\.1:1 +silent/);
});

it("status knows nothing of partitions whose replicas are silent", async () => {
  await using away = await startBroker({
    settings: { "kafka.advertised": { host: "127.0.0.1", port: 1 } },
  });
  const at = ["--bootstrap", `${away.kafka.host}:${away.kafka.port}`];
  await runProgram(["topic", "create", "far", ...at], new FakeTerminal());
  const terminal = new FakeTerminal();
  await runProgram(["status", "--json", ...at], terminal);
  expect(JSON.parse(terminal.output)).toMatchObject({
    healthy: false,
    controllerId: 1,
    leaderless: [],
    unknown: [{ topic: "far", partition: 0 }],
  });
});

it("status counts what there is, and all is well", async () => {
  await output(["topic", "create", "counted", "-p", "2"]);
  const status = (await json(["status", "--check"])) as { topics: number; partitions: number };
  expect(status).toMatchObject({
    controllerId: 1,
    healthy: true,
    fencedBrokers: [],
    silentBrokers: [],
    underReplicated: [],
    leaderless: [],
    unknown: [],
    brokers: [{ id: 1, port: broker.kafka.port, isFenced: false }],
  });
  const topics = (await json(["topic", "list"])) as { partitions: number }[];
  expect(status.topics).toBe(topics.length);
  expect(status.partitions).toBe(topics.reduce((sum, { partitions }) => sum + partitions, 0));
  expect(await output(["status"])).toContain("leaderless partitions        none");
});
