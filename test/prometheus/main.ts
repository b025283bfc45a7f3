// A real Prometheus scrapes three real brokers: every target must be up, every page must parse, and the metrics must
// follow the conventions that promtool checks. Starts its own brokers on free ports and ends only what it started.
// Prints each check and ends with `N passed, N failed`.
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const ROOT = join(import.meta.dirname, "..", "..");
const FLOTILLA = join(ROOT, "node_modules", ".bin", "flotilla");
/** For everything together: a broker that never starts must not cost this time once for each check. */
const GIVE_UP_AT_MS = performance.now() + 40_000;

const children: ChildProcess[] = [];
const directory = mkdtempSync(join(tmpdir(), "flotilla-prometheus-"));
let passed = 0;
let failed = 0;

async function check(what: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
    passed++;
    console.log(`ok      ${what}`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Ports that were free a moment ago, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    ports.push((server.address() as AddressInfo).port);
  }
  for (const server of servers) server.close();
  return ports;
}

function start(name: string, command: string, flags: readonly string[]): void {
  const child = spawn(command, flags, { cwd: directory, stdio: ["ignore", "ignore", "pipe"] });
  let complaint = "";
  child.stderr?.on("data", (bytes: Buffer) => {
    complaint = (complaint + bytes.toString()).slice(-2_000);
  });
  child.on("error", (error) => console.log(`${name}: ${error.message}`));
  child.on("exit", (code) => {
    if (code !== null && code !== 0) console.log(`${name} exited with ${code}\n${complaint}`);
  });
  children.push(child);
}

async function startBrokers(): Promise<readonly string[]> {
  const ports = await freePorts(12);
  const port = (broker: number, kind: number): string =>
    `127.0.0.1:${ports[broker * 4 + kind] ?? 0}`;
  const brokers = [0, 1, 2];
  const initial = brokers.map((broker) => `${broker + 1}@${port(broker, 0)}`).join(",");
  for (const broker of brokers) {
    start(`broker ${broker + 1}`, FLOTILLA, [
      "start",
      `--broker.id=${broker + 1}`,
      `--data.directory=${join(directory, String(broker + 1))}`,
      `--initial.brokers=${initial}`,
      `--link.listen=${port(broker, 0)}`,
      `--kafka.listen=${port(broker, 1)}`,
      `--grpc.listen=${port(broker, 2)}`,
      `--http.listen=${port(broker, 3)}`,
    ]);
  }
  return brokers.map((broker) => port(broker, 3));
}

async function startPrometheus(targets: readonly string[]): Promise<string> {
  const [port = 0] = await freePorts(1);
  const address = `127.0.0.1:${port}`;
  writeFileSync(
    join(directory, "prometheus.yml"),
    "global: { scrape_interval: 1s, scrape_timeout: 1s }\nscrape_configs:\n" +
      `  - job_name: flotilla\n    static_configs: [{ targets: ${JSON.stringify(targets)} }]\n`,
  );
  start("prometheus", "prometheus", [
    "--config.file=prometheus.yml",
    "--storage.tsdb.path=prometheus",
    `--web.listen-address=${address}`,
  ]);
  return `http://${address}/api/v1`;
}

/** Repeats `attempt` until it does not throw; gives up with its last complaint. */
async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > GIVE_UP_AT_MS) throw error;
      await pause(200);
    }
  }
}

async function read(url: string): Promise<string> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  const body = await answer.text();
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${body.slice(0, 200)}`);
  return body;
}

interface QueryAnswer {
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

/** The values of an instant query; throws while there are fewer than `least`. */
async function query(api: string, expression: string, least: number): Promise<number[]> {
  const text = await read(`${api}/query?query=${encodeURIComponent(expression)}`);
  const values = (JSON.parse(text) as QueryAnswer).data.result.map(({ value }) => Number(value[1]));
  if (values.length < least) throw new Error(`${expression} has ${values.length} values`);
  return values;
}

interface MetadataAnswer {
  readonly data: Readonly<
    Record<string, readonly { readonly type: string; readonly help: string }[]>
  >;
}

async function badNames(api: string): Promise<string[]> {
  const text = await read(`${api}/metadata`);
  const entries = Object.entries((JSON.parse(text) as MetadataAnswer).data);
  if (!entries.some(([name]) => name.startsWith("flotilla_")))
    throw new Error("no flotilla_ metric");
  return entries.flatMap(([name, rows]) => {
    const row = rows[0];
    if (!name.startsWith("flotilla_") || row === undefined) return [];
    if (row.help === "") return [`${name} has no help`];
    const total = name.endsWith("_total");
    return (row.type === "counter") === total ? [] : [`${name} is a ${row.type}`];
  });
}

function expectThat(holds: boolean, complaint: string): void {
  if (!holds) throw new Error(complaint);
}

async function stop(): Promise<void> {
  for (const child of children) child.kill("SIGTERM");
  await pause(1_000);
  for (const child of children) if (child.exitCode === null) child.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

try {
  const targets = await startBrokers();
  for (const target of targets) {
    await check(`the page of ${target} satisfies promtool`, async () => {
      const page = await eventually(() => read(`http://${target}/metrics`));
      expectThat(/^flotilla_/m.test(page), "no flotilla_ metric on the page");
      const lint = spawnSync("promtool", ["check", "metrics"], { input: page, encoding: "utf8" });
      expectThat(lint.status === 0, `${lint.stdout}${lint.stderr}${lint.error?.message ?? ""}`);
    });
  }
  const api = await startPrometheus(targets);
  await check("three targets are up", async () => {
    await eventually(() => query(api, 'up{job="flotilla"} == 1', targets.length));
  });
  await check("each target gave samples", async () => {
    const counts = await eventually(() =>
      query(api, 'count by (instance) ({__name__=~"flotilla_.*"})', targets.length),
    );
    expectThat(Math.min(...counts) >= 10, `only ${counts.join(", ")} samples`);
  });
  await check("counters end in _total, nothing else does, and every metric has help", async () => {
    const names = await eventually(() => badNames(api));
    expectThat(names.length === 0, names.join("; "));
  });
} finally {
  await stop();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
