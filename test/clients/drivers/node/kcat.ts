// The driver for kcat: runs the program once for an action, or a few times, and translates what it prints.
import { execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import {
  COMMIT_EVERY_MS,
  drive,
  HEARTBEAT_MS,
  insist,
  keyOf,
  nameOf,
  portions,
  say,
  SESSION_MS,
  stopAsked,
  valueOf,
} from "./contract.ts";
import type { Asked } from "./contract.ts";

const execute = promisify(execFile);
const FETCH_WAIT_MS = 100;

async function kcat(asked: Asked, words: readonly string[]): Promise<string> {
  const { stdout } = await execute("kcat", ["-b", asked.bootstrap, ...words]);
  return stdout;
}

function settings(pairs: Readonly<Record<string, string | number | boolean>>): string[] {
  return Object.entries(pairs).flatMap(([name, value]) => ["-X", `${name}=${value}`]);
}

/** Complaints of kcat, without what differs each time; what its library logs about connections is none. */
function complaint(line: string): string | null {
  const [, text = null] = /^% (?:ERROR|FATAL|Delivery failed)[^:]*: (.*)$/.exec(line) ?? [];
  return text === null ? null : text.replaceAll(/[\d.]+:\d+(?:\/\d)?|after \d+ms/g, "…");
}

async function version(): Promise<void> {
  const { stdout } = await execute("kcat", ["-V"]);
  const [, own = "?", library = "?"] = /Version (\S+) \(.*librdkafka (\S+)/.exec(stdout) ?? [];
  say({ version: `kcat ${own} with librdkafka ${library}` });
}

/** kcat chooses partitions by the keys, and tells nothing of single records: it ends well when all were delivered. */
async function produce(asked: Asked): Promise<void> {
  const linger = asked.codec === "none" ? {} : { "linger.ms": 50 };
  const options = settings({ acks: "all", "enable.idempotence": asked.idempotent, ...linger });
  const words = ["-P", "-b", asked.bootstrap, "-t", asked.topic, "-K", "\t", "-z", asked.codec];
  const child = spawn("kcat", [...words, ...options], { stdio: ["pipe", "ignore", "pipe"] });
  let failures = 0;
  createInterface({ input: child.stderr }).on("line", (line) => {
    console.error(line);
    if (!line.includes("Delivery failed")) return;
    failures++;
    say({ error: line });
  });
  child.stdin.on("error", () => {});
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  for await (const numbers of portions(asked)) {
    const lines = numbers.map((n) => `${keyOf(n)}\t${valueOf(n)}\n`).join("");
    if (!child.stdin.write(lines))
      await new Promise((resolve) => child.stdin.once("drain", resolve));
  }
  child.stdin.end();
  const code = await ended;
  if (code !== 0) throw new Error(`kcat ended with ${code ?? "a signal"}`);
  if (failures === 0) say({ acked: [asked.first, asked.first + asked.count - 1] });
  say({ done: true });
}

/** kcat commits by itself only, so it does so often; it does not tell of commits. */
async function consume(asked: Asked): Promise<void> {
  const { topic, group } = asked;
  if (asked.protocol === "consumer") return say({ unsupported: "its librdkafka is too old" });
  const options = settings({
    ...{ "auto.offset.reset": asked.fromStart ? "earliest" : "latest" },
    ...{ "session.timeout.ms": SESSION_MS, "heartbeat.interval.ms": HEARTBEAT_MS },
    ...{ "auto.commit.interval.ms": COMMIT_EVERY_MS },
    ...(asked.instanceId === undefined ? {} : { "group.instance.id": asked.instanceId }),
  });
  const words = ["-b", asked.bootstrap, "-G", group, "-u", "-f", "%p %o %s\n", ...options, topic];
  const stopped = stopAsked();
  for (let isStopped = false; !isStopped;) {
    const { child, ended, owned } = openMember(words);
    const code = await Promise.race([ended, stopped.then(() => null)]);
    isStopped = code === null;
    // SIGINT is how a person ends it: it commits and leaves, and drops a record that comes while it is being ended.
    child.kill("SIGINT");
    await ended;
    if (isStopped) return;
    // It ends at errors that other programs with its library read over.
    say({ error: `kcat ended with ${code}` });
    say({ revoked: [...owned] });
  }
}

function openMember(words: readonly string[]) {
  const owned = new Set<number>();
  const child = spawn("kcat", words, { stdio: ["ignore", "pipe", "pipe"] });
  createInterface({ input: child.stdout }).on("line", (line) => {
    const [partition, offset, value = ""] = line.split(" ");
    say({ record: [Number(partition), Number(offset), nameOf(value)] });
  });
  createInterface({ input: child.stderr }).on("line", (line) => {
    console.error(line);
    const [, what = "", list = ""] = /rebalanced .*: (assigned|revoked): (.*)$/.exec(line) ?? [];
    const partitions = [...list.matchAll(/\[(\d+)\]/g)].map(([, digits]) => Number(digits));
    if (what !== "") say({ [what]: partitions });
    for (const partition of partitions) {
      if (what === "assigned") owned.add(partition);
      else owned.delete(partition);
    }
    const error = complaint(line);
    if (error !== null) say({ error });
  });
  const ended = new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? -1)));
  return { child, ended, owned };
}

async function seek(asked: Asked): Promise<void> {
  const { topic, timestampMs } = asked;
  const text = (await insist(() => kcat(asked, ["-L", "-J", "-t", topic]))) ?? "{}";
  const listed = JSON.parse(text) as { topics: { partitions: { partition: number }[] }[] };
  for (const { partition } of listed.topics[0]?.partitions ?? []) {
    const query = ["-Q", "-t", `${topic}:${partition}:${timestampMs}`];
    const answer = (await insist(() => kcat(asked, query))) ?? "";
    const [, digits = ""] = /offset (-?\d+)/.exec(answer) ?? [];
    const offset = Number(digits);
    say({ found: [partition, offset] });
    if (offset < 0) continue;
    const place = ["-C", "-t", topic, "-p", String(partition), "-o", digits, "-c", "1"];
    const format = ["-q", "-f", "%o %s\n", ...settings({ "fetch.wait.max.ms": FETCH_WAIT_MS })];
    const line = (await insist(() => kcat(asked, [...place, ...format]))) ?? "";
    const [at, value = ""] = line.trim().split(" ");
    say({ record: [partition, Number(at), nameOf(value)] });
  }
}

function administer(): Promise<void> {
  return Promise.resolve(say({ unsupported: "kcat administers nothing" }));
}

await drive({ version, produce, consume, seek, admin: administer });
