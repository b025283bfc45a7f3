// `flotilla start` and `flotilla cluster` as processes: their files, their signals and their exit codes.
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { until } from "../until.ts";
import { EXIT_CODE } from "../../cmd/flotilla/exit-code.ts";
import { runProgram } from "../../cmd/flotilla/program.ts";
import { HostClock } from "../../internal/host/clock.ts";
import { HostWire } from "../../internal/host/wire.ts";
import { KafkaClient } from "../../pkg/client/kafka/kafka-client.ts";
import { Producer } from "../../pkg/client/kafka/producer.ts";
import { FakeTerminal } from "./fake-terminal.ts";
import { flotilla, freePortsInRow } from "./watched-process.ts";
import type { WatchedProcess } from "./watched-process.ts";

let directory: string;
const processes: WatchedProcess[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "flotilla-test-"));
});

afterEach(async () => {
  for (const one of processes) one.send("SIGTERM");
  await Promise.all(processes.splice(0).map(({ ended }) => ended));
  rmSync(directory, { recursive: true, force: true });
});

function run(...words: string[]): WatchedProcess {
  const started = flotilla(words, directory);
  processes.push(started);
  return started;
}

async function outputOf(...words: string[]): Promise<string> {
  const process = run(...words);
  const ended = await process.ended;
  expect({ ...ended, complaints: process.complaints }).toMatchObject({ code: EXIT_CODE.ok });
  return process.output;
}

/** A command that talks to a cluster; it needs no process of its own. */
async function client(...words: string[]): Promise<string> {
  const terminal = new FakeTerminal();
  const code = await runProgram(words, terminal);
  expect({ code, complaints: terminal.complaints }).toMatchObject({ code: EXIT_CODE.ok });
  return terminal.output;
}

const ANY_PORTS = ["kafka", "grpc", "http", "link"].map((use) => `--${use}.listen=127.0.0.1:0`);

async function startOne(): Promise<{ readonly broker: WatchedProcess; readonly kafka: string }> {
  const broker = run("start", "--data.directory=data", ...ANY_PORTS);
  await broker.printed('"event":"broker-serves"');
  const kafka = /"kafka":"([^"]+)"/.exec(broker.output)?.[1] ?? "";
  return { broker, kafka };
}

it("a broker that is killed keeps what it acknowledged, and one that is asked stops in order", async () => {
  const first = await startOne();
  const pidFile = join(directory, "data", "broker.pid");
  expect(Number(readFileSync(pidFile, "utf8"))).toBe(first.broker.pid);
  await client("produce", "kept", "--count", "100", "--bootstrap", first.kafka);
  first.broker.send("SIGKILL");
  expect(await first.broker.ended).toEqual({ code: null, signal: "SIGKILL" });
  expect(existsSync(pidFile)).toBe(true);

  const second = await startOne();
  expect(Number(readFileSync(pidFile, "utf8"))).toBe(second.broker.pid);
  const read = await client("consume", "kept", "--exit", "--bootstrap", second.kafka);
  expect(read.trimEnd().split("\n")).toHaveLength(100);
  second.broker.send("SIGTERM");
  expect(await second.broker.ended).toEqual({ code: EXIT_CODE.ok, signal: null });
  expect(second.broker.output).toContain('"event":"broker-stopped"');
  expect(existsSync(pidFile)).toBe(false);
});

it("a directory belongs to one broker at a time", async () => {
  await startOne();
  const other = run("start", "--data.directory=data", ...ANY_PORTS);
  expect((await other.ended).code).toBe(EXIT_CODE.failed);
  expect(other.complaints).toContain("the data directory data is in use by another broker");
  expect(existsSync(join(directory, "data", "broker.pid"))).toBe(true);
});

it("a port that is in use is named", async () => {
  const server = createServer();
  const port = await freePortsInRow(1);
  await new Promise<void>((listening) => server.listen(port, "127.0.0.1", listening));
  const broker = run(
    "start",
    "--data.directory=data",
    ...ANY_PORTS,
    `--kafka.listen=127.0.0.1:${port}`,
  );
  const { code } = await broker.ended;
  server.close();
  expect(broker.complaints).toContain(`port ${port} is in use`);
  expect(code).toBe(EXIT_CODE.failed);
});

it("flotilla dev serves, and leaves nothing behind", async () => {
  const dev = run("dev", ...ANY_PORTS);
  await dev.printed("Ctrl-C stops the broker");
  const log = /^log +(.+)$/m.exec(dev.output)?.[1] ?? "";
  const kafka = /^Kafka +(.+)$/m.exec(dev.output)?.[1] ?? "";
  expect(await client("status", "--check", "-b", kafka)).toContain("1  ");
  expect(existsSync(log)).toBe(true);
  dev.send("SIGINT");
  expect(await dev.ended).toEqual({ code: EXIT_CODE.ok, signal: null });
  expect(existsSync(log)).toBe(false);
});

async function clusterWords(): Promise<readonly string[]> {
  const words = ["cluster"];
  for (const use of ["kafka", "grpc", "http", "link"]) {
    words.push(`--${use}-port`, String(await freePortsInRow(3)));
  }
  return words;
}

function pidOf(broker: number): number {
  return Number(readFileSync(join(directory, `.flotilla/cluster/${broker}/broker.pid`), "utf8"));
}

it("a cluster starts, stops, and finds its data again", async () => {
  const words = await clusterWords();
  const bootstrap = `127.0.0.1:${words[2]}`;
  const cluster = run(...words);
  await cluster.printed("Ctrl-C stops the cluster.");
  expect(cluster.output).toContain(`Kafka  127.0.0.1:${words[2]},`);
  const status = JSON.parse(await client("status", "-b", bootstrap, "--json")) as object;
  expect(status).toMatchObject({ healthy: true, brokers: [{ id: 1 }, { id: 2 }, { id: 3 }] });
  await client("produce", "kept", "--count", "10", "-b", bootstrap);
  cluster.send("SIGINT");
  expect(await cluster.ended).toEqual({ code: EXIT_CODE.ok, signal: null });
  expect(existsSync(join(directory, ".flotilla/cluster/2/broker.pid"))).toBe(false);

  expect(await outputOf(...words, "--detach")).toContain("broker 3: serves Kafka clients");
  const read = await client("consume", "kept", "--exit", "-b", bootstrap);
  expect(read.trimEnd().split("\n")).toHaveLength(10);
  const again = run(...words);
  expect((await again.ended).code).toBe(EXIT_CODE.failed);
  expect(again.complaints).toMatch(/port \d+ is in use .* flotilla cluster --stop stops it/s);
  expect(await outputOf(...words, "--stop")).toMatch(/^(broker \d: has stopped\n){3}$/);
  expect(await outputOf(...words, "--stop")).toBe("no broker runs\n");
});

it("a killed broker stays dead until it is started by itself, and then needs no supervisor", async () => {
  const words = await clusterWords();
  const cluster = run(...words);
  await cluster.printed("Ctrl-C stops the cluster.");
  const killed = pidOf(2);
  process.kill(killed, "SIGKILL");
  await cluster.printed(/broker 2: ended \(SIGKILL\); to start it again: .*2\/flotilla\.json/);
  const alone = run("start", "--config", ".flotilla/cluster/2/flotilla.json");
  await alone.printed('"event":"broker-serves"');
  expect(pidOf(2)).toBe(alone.pid);
  cluster.send("SIGTERM");
  expect((await cluster.ended).code).toBe(EXIT_CODE.ok);
  expect(cluster.output).toContain(
    `broker 2: was started by itself and still runs (pid ${alone.pid})`,
  );
  expect(pidOf(2)).toBe(alone.pid);
});

it("a broker that is killed under load costs no record, and doubles none", async () => {
  const words = await clusterWords();
  const ports = [0, 1, 2].map((index) => Number(words[2]) + index);
  const cluster = run(...words);
  await cluster.printed("Ctrl-C stops the cluster.");
  const brokers = ports.map((port) => `127.0.0.1:${port}`).join(",");
  await client("topic", "create", "hot", "--partitions", "3", "-b", brokers);

  const world = { wire: new HostWire(), clock: new HostClock() };
  using kafka = new KafkaClient(world, {
    bootstrap: ports.map((port) => ({ host: "127.0.0.1", port })),
  });
  let batches = 0;
  // Small batches: one of each partition is under way at any time, one of them at the broker that is killed.
  const producer = new Producer(kafka, {
    batchBytes: 4096,
    delivered: () => {
      if (++batches === 100) process.kill(pidOf(1), "SIGKILL");
    },
  });
  for (let index = 0; index < 30_000; index++) {
    const value = Buffer.from(String(index));
    await producer.push({ topic: "hot", partition: index % 3, key: null, value });
  }
  await producer.flush();
  expect(cluster.output).toContain("broker 1: ended (SIGKILL)");

  const read = await client("consume", "hot", "--exit", "-b", brokers);
  const numbers = read.trimEnd().split("\n").map(Number);
  expect(numbers.toSorted((one, other) => one - other)).toEqual([...Array(30_000).keys()]);
  let status: object;
  do {
    status = JSON.parse(await client("status", "--json", "-b", brokers)) as object;
    expect(status).toMatchObject({ healthy: false, leaderless: [] });
  } while (!("fencedBrokers" in status && String(status.fencedBrokers) === "1"));
});

it("brokers end with their supervisor, however it ends", async () => {
  const cluster = run(...(await clusterWords()));
  await cluster.printed("Ctrl-C stops the cluster.");
  const logs = [1, 2, 3].map((id) => join(directory, `.flotilla/cluster/${id}/broker.log`));
  cluster.send("SIGKILL");
  await cluster.ended;
  const stopped = (log: string): boolean =>
    readFileSync(log, "utf8").includes('"event":"broker-stopped"');
  await until(() => logs.every(stopped));
  expect(readFileSync(logs[0] ?? "", "utf8")).toContain("the supervisor is gone");
});

it("a cluster of which one broker cannot start does not stay", async () => {
  mkdirSync(join(directory, ".flotilla/cluster/2"), { recursive: true });
  writeFileSync(
    join(directory, ".flotilla/cluster/2/data"),
    "a file where the directory should be",
  );
  const cluster = run(...(await clusterWords()));
  expect((await cluster.ended).code).toBe(EXIT_CODE.failed);
  expect(cluster.complaints).toContain("broker 2 cannot start: cannot");
  expect(existsSync(join(directory, ".flotilla/cluster/1/broker.pid"))).toBe(false);
});

it("a cluster that goes away while records are written is told, with an exit code of its own", async () => {
  const { broker, kafka } = await startOne();
  await client("topic", "create", "gone", "-b", kafka);
  const producing = run("produce", "gone", "--count", "100000000", "--timeout", "1", "-b", kafka);
  await client("consume", "gone", "--count", "1", "-b", kafka);
  broker.send("SIGTERM");
  expect(await broker.ended).toEqual({ code: EXIT_CODE.ok, signal: null });
  expect((await producing.ended).code).toBe(EXIT_CODE.unreachable);
  expect(producing.complaints).toContain("is the cluster running?");
});

it("what cannot be printed is said on standard error", async () => {
  const full = openSync("/dev/full", "w");
  const program = join(import.meta.dirname, "..", "..", "cmd", "flotilla", "main.ts");
  const ended = spawnSync(process.execPath, [program, "help"], {
    stdio: ["ignore", full, "pipe"],
    encoding: "utf8",
  });
  closeSync(full);
  expect(ended.status).toBe(EXIT_CODE.failed);
  expect(ended.stderr).toBe("flotilla: cannot write to standard output: ENOSPC\n");
});

it("a broker starts where its pid file cannot be written, and says so", async () => {
  mkdirSync(join(directory, "data", "broker.pid"), { recursive: true });
  const { broker } = await startOne();
  expect(broker.output).toContain('"event":"pid-file-not-written"');
  broker.send("SIGTERM");
  expect(await broker.ended).toEqual({ code: EXIT_CODE.ok, signal: null });
});
