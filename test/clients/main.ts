// The client matrix: real Kafka clients, and gRPC, against three real brokers on free ports of this machine.
//
//   node test/clients/main.ts            everything, which takes most of an hour; writes docs/clients.md
//   node test/clients/main.ts --quick    what npm and Debian have, with fewer records and kills; a client that is missing fails
//   node test/clients/main.ts --only kcat --page    one client, and its row in docs/clients.md anew
//   node test/clients/main.ts --only kcat --only franz-go --column "group, kills"
//
// Prints a line for each cell and ends with `N passed, N failed`.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { killAllChildren } from "../../jepsen-like/cluster/broker-process.ts";
import { Cluster, ROOT } from "../../jepsen-like/cluster/cluster.ts";
import { COLUMNS } from "./client.ts";
import type { Client, Surroundings } from "./client.ts";
import { CLIENTS } from "./clients.ts";
import { Faults } from "./faults.ts";
import { Trial } from "./matrix.ts";
import { merged, packed, page, unpacked } from "./page.ts";
import type { Row } from "./page.ts";

const READY_MS_MAX = 30_000;
/** Clients that are tried at once while no broker is killed. */
const AT_ONCE = 3;

const { values: asked } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true },
    column: { type: "string", multiple: true, default: [] },
    program: { type: "string" },
    page: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});

const brokerEnds: string[] = [];

async function startCluster(
  directory: string,
): Promise<{ cluster: Cluster; around: Surroundings }> {
  const cluster = await Cluster.prepare({
    directory,
    ...(asked.program === undefined ? {} : { program: asked.program }),
    // Members of these groups start at once and must not wait for more.
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
    grpc: new Map(cluster.brokers.map(({ id, plan }) => [id, show(plan.grpc)])),
    faults: new Faults(cluster, kafka),
    scratch: join(directory, "scratch"),
    cache: join(ROOT, ".flotilla", "clients-cache"),
    records: asked.quick ? 5_000 : 20_000,
    isQuick: asked.quick,
  };
  mkdirSync(around.scratch, { recursive: true });
  mkdirSync(around.cache, { recursive: true });
  return { cluster, around };
}

function chosen(): readonly Client[] {
  const { only } = asked;
  if (only === undefined) return CLIENTS.filter(({ isSlow }) => !(asked.quick && isSlow));
  for (const name of only) {
    if (!CLIENTS.some((client) => client.name === name)) {
      throw new Error(`no client ${name}; there are: ${CLIENTS.map((one) => one.name).join(", ")}`);
    }
  }
  return CLIENTS.filter(({ name }) => only.includes(name));
}

/** A few clients at once while nobody dies; then one after the other, because each kills brokers of all. */
async function tryAll(trials: readonly Trial[]): Promise<void> {
  const waiting = [...trials];
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await next.reach();
      await next.calm();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  for (const trial of trials) {
    await trial.own();
    await trial.underKills();
    await trial.close();
  }
}

/** Rows that were not tried in this run keep what an earlier one found. */
function write(rows: readonly Row[], cache: string): void {
  const older = existsSync(cache) ? unpacked(readFileSync(cache, "utf8")) : [];
  const names = CLIENTS.map(({ name }) => name);
  const all = merged(older, rows, names);
  const faults = new Map(CLIENTS.map((client) => [client.name, client.faults ?? []]));
  writeFileSync(cache, packed(all));
  writeFileSync(join(ROOT, "docs", "clients.md"), page(all, faults));
}

async function main(): Promise<number> {
  mkdirSync(join(ROOT, ".flotilla"), { recursive: true });
  const directory = mkdtempSync(join(ROOT, ".flotilla", "clients-"));
  process.on("exit", () => {
    killAllChildren();
    if (asked.keep) console.log(`kept: ${directory}`);
    else rmSync(directory, { recursive: true, force: true });
  });
  const { cluster, around } = await startCluster(directory);
  const columns = COLUMNS.filter((column) => asked.column.includes(column));
  const trials = chosen().map((client) => new Trial(client, around, columns));
  await tryAll(trials);
  await cluster.stop();
  const rows = trials.map((trial) => trial.row());
  if (!asked.quick && columns.length === 0 && (asked.only === undefined || asked.page)) {
    write(rows, join(around.cache, "rows.json"));
  }
  const cells = rows.flatMap((row) => [...row.cells.values(), ...row.checks]);
  const failed = cells.filter(({ outcome }) => outcome === "fails").length;
  for (const end of brokerEnds) console.log(`FAILED  ${end}`);
  console.log(`${cells.length - failed} passed, ${failed + brokerEnds.length} failed`);
  return failed + brokerEnds.length === 0 ? 0 : 1;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => process.exit(130));
}
process.exit(await main());
