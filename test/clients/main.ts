// The client matrix: real Kafka clients, and gRPC, against three real brokers on free ports of this machine.
//
//   node test/clients/main.ts            everything, which takes minutes the first time; writes docs/clients.md
//   node test/clients/main.ts --quick    kcat and the npm clients, with fewer records; a client that is missing fails
//   node test/clients/main.ts --only kcat --only franz-go
//
// Prints a line for each check and ends with `N passed, N failed`.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { killAllChildren } from "../../jepsen-like/cluster/broker-process.ts";
import { Cluster, ROOT } from "../../jepsen-like/cluster/cluster.ts";
import { NotReached } from "./client.ts";
import type { Client, Reached, Surroundings } from "./client.ts";
import { CLIENTS } from "./clients.ts";
import { Faults } from "./faults.ts";
import { oneLine, page } from "./page.ts";
import type { Row } from "./page.ts";
const READY_MS_MAX = 30_000;
const CHECK_MS_MAX = 150_000;

const { values: asked } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true },
    program: { type: "string" },
  },
});

async function startCluster(
  directory: string,
): Promise<{ cluster: Cluster; around: Surroundings }> {
  const cluster = await Cluster.prepare({
    directory,
    ...(asked.program === undefined ? {} : { program: asked.program }),
    // Groups of this test have all their members at once.
    settings: { "cluster.name": "clients", "group.initial.rebalance.delay.ms": "500ms" },
    unexpectedEnd: ({ broker, code, signal }) => {
      brokerEnds.push(`broker ${broker} ended by itself: ${signal ?? code}`);
    },
  });
  cluster.startAll();
  await cluster.ready(READY_MS_MAX);
  const show = ({ host, port }: { host: string; port: number }): string => `${host}:${port}`;
  const kafka = new Map(cluster.brokers.map(({ id, plan }) => [id, plan.kafka]));
  const around = {
    bootstrap: cluster.brokers.map(({ plan }) => show(plan.kafka)),
    kafka,
    faults: new Faults(cluster, kafka),
    grpc: new Map(cluster.brokers.map(({ id, plan }) => [id, show(plan.grpc)])),
    scratch: join(directory, "scratch"),
    cache: join(ROOT, ".flotilla", "clients-cache"),
    records: asked.quick ? 10_000 : 100_000,
    isQuick: asked.quick,
  };
  mkdirSync(around.scratch, { recursive: true });
  return { cluster, around };
}

const brokerEnds: string[] = [];

async function tryClient(client: Client, around: Surroundings): Promise<Row> {
  const row = { client: client.name, source: client.source };
  let reached: Reached;
  try {
    reached = await client.reach(around);
  } catch (error) {
    const why = oneLine((error as Error).message);
    const isMissing = error instanceof NotReached && !asked.quick;
    console.log(`${isMissing ? "not reached" : "FAILED     "}  ${client.name}: ${why}`);
    const checks = isMissing ? [] : [{ does: "can be tried", fault: why }];
    return { ...row, version: null, whyNot: isMissing ? why : null, checks };
  }
  const checks: { does: string; fault: string | null }[] = [];
  for (const { does, run } of reached.checks ?? []) {
    const beganMs = performance.now();
    const fault = await within(run(), CHECK_MS_MAX).then(
      () => null,
      (error: Error) => error.message || error.name,
    );
    checks.push({ does, fault });
    const seconds = ((performance.now() - beganMs) / 1_000).toFixed(1).padStart(6);
    const name = `${client.name} ${reached.version}`;
    console.log(`${fault === null ? "ok    " : "FAILED"} ${seconds} s  ${name}: ${does}`);
    if (fault !== null) console.log(`                 ${oneLine(fault)}`);
  }
  await reached.close?.();
  return { ...row, version: reached.version ?? null, whyNot: null, checks };
}

function within<T>(work: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`nothing after ${ms / 1_000} s`)), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

async function main(): Promise<number> {
  mkdirSync(join(ROOT, ".flotilla"), { recursive: true });
  const directory = mkdtempSync(join(ROOT, ".flotilla", "clients-"));
  process.on("exit", () => {
    killAllChildren();
    rmSync(directory, { recursive: true, force: true });
  });
  const { cluster, around } = await startCluster(directory);
  const rows: Row[] = [];
  for (const client of CLIENTS) {
    if (
      asked.only === undefined ? asked.quick && client.isSlow : !asked.only.includes(client.name)
    ) {
      continue;
    }
    rows.push(await tryClient(client, around));
  }
  await cluster.stop();
  if (!asked.quick && asked.only === undefined) {
    writeFileSync(join(ROOT, "docs", "clients.md"), page(rows, new Date()));
  }
  const checks = rows.flatMap((row) => row.checks);
  const failed = checks.filter(({ fault }) => fault !== null).length + brokerEnds.length;
  for (const end of brokerEnds) console.log(`FAILED  ${end}`);
  console.log(`${checks.length - (failed - brokerEnds.length)} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => process.exit(130));
}
process.exit(await main());
