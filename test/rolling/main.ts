// Restarts each of three real brokers in order (SIGTERM, then a start), one after another and under the load of real clients,
// and counts what their applications would notice: rejected sends, exceptions, crashes, lost, doubled and disordered records.
// Starts its own brokers on free ports and ends only those. Prints a table and ends with `N passed, N failed`.
//
//   node test/rolling/main.ts [--rounds N] [--only kafkajs,node-rdkafka,java] [--interval MS] [--keep]
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Cluster, eventually, ROOT } from "../../jepsen-like/cluster/cluster.ts";
import type { BrokerProcess } from "../../jepsen-like/cluster/broker-process.ts";
import { Connection } from "../../jepsen-like/wire/connection.ts";
import { METADATA } from "../../jepsen-like/wire/requests.ts";
import { LoadedClient } from "./loaded-client.ts";
import { PROGRAMS } from "./programs.ts";
import type { Program } from "./programs.ts";
import type { Verdict } from "./tally.ts";

const PARTITIONS = 6;
const READY_MS_MAX = 60_000;
const WARM_UP_MS = 5_000;
const DOWN_MS = 1_000;
const CALM_MS = 2_000;
const STOP_MS_MAX = 15_000;
const END_MS_MAX = 60_000;
/**
 * A client that is told who leads now tries again after 100 to 400 ms, perhaps twice; beyond that, what the machine itself
 * costs: some times what the slowest send took before the first broker was stopped. Starting a broker takes a core for a
 * while, so on a small machine that does something else too this says little.
 */
const PAUSE_MS_MAX = 1_000;
const QUIET_TIMES = 4;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "1" },
    only: { type: "string", default: "" },
    interval: { type: "string", default: "50" },
    keep: { type: "boolean", default: false },
  },
});

interface Checked {
  readonly name: string;
  readonly failure: string | null;
}

const checks: Checked[] = [];
/** The slowest send of each client before anything was stopped. */
const quietMs = new Map<string, number>();

function check(name: string, failure: string | null): void {
  checks.push({ name, failure });
}

async function main(): Promise<number> {
  mkdirSync(join(ROOT, ".flotilla"), { recursive: true });
  const directory = mkdtempSync(join(ROOT, ".flotilla", "rolling-"));
  const cluster = await Cluster.prepare({
    directory,
    settings: { "leader.imbalance.check.interval.seconds": 2 },
    unexpectedEnd: ({ broker, code, signal }) =>
      check(`broker ${broker} runs on`, `it ended with ${code ?? signal}`),
  });
  cluster.startAll();
  const clients: LoadedClient[] = [];
  try {
    await cluster.ready(READY_MS_MAX);
    for (const program of await available(cluster)) {
      const topic = `rolling-${program.name}`;
      await cluster.createTopic(
        { name: topic, partitions: PARTITIONS, replicationFactor: 3 },
        READY_MS_MAX,
      );
      clients.push(
        new LoadedClient(program, bootstrapOf(cluster), topic, PARTITIONS, values.interval),
      );
    }
    for (const client of clients) {
      await eventually(`${client.name} does not start`, READY_MS_MAX, async () => {
        if (!client.tally.isReady || client.tally.ackedCount === 0) throw new Error("not ready");
      });
    }
    await pause(WARM_UP_MS);
    for (const { name, tally } of clients) quietMs.set(name, tally.slowestMs);
    for (let round = 1; round <= Number(values.rounds); round++) {
      for (const broker of cluster.brokers) await roll(cluster, broker, clients);
    }
    await finish(clients);
  } finally {
    for (const client of clients) client.kill();
    await cluster.stop();
    if (!values.keep) rmSync(directory, { recursive: true, force: true });
    else process.stdout.write(`logs: ${directory}\n`);
  }
  return report(clients);
}

function bootstrapOf(cluster: Cluster): string {
  return cluster.brokers.map(({ plan }) => `${plan.kafka.host}:${plan.kafka.port}`).join(",");
}

/** What cannot be had on this machine is said, and left out; kafkajs always is there. */
async function available(cluster: Cluster): Promise<readonly Program[]> {
  const wanted = values.only === "" ? Object.keys(PROGRAMS) : values.only.split(",");
  const programs: Program[] = [];
  for (const name of wanted) {
    const reach = PROGRAMS[name];
    if (reach === undefined) throw new Error(`there is no client ${name}`);
    try {
      programs.push({ name, ...(await reach()) });
    } catch (error) {
      process.stdout.write(`${name} is left out: ${(error as Error).message.split("\n")[0]}\n`);
    }
  }
  check("clients", programs.length > 0 && cluster.brokers.length === 3 ? null : "none is there");
  return programs;
}

async function roll(
  cluster: Cluster,
  broker: BrokerProcess,
  clients: readonly LoadedClient[],
): Promise<void> {
  const errorsBefore = clients.map(({ tally }) => tally.verdict().errors);
  const stopMs = performance.now();
  const by = await broker.end("SIGTERM", STOP_MS_MAX);
  const tookMs = Math.round(performance.now() - stopMs);
  check(`broker ${broker.id} stops in order`, by === null ? null : `it ended by ${by}`);
  await pause(DOWN_MS);
  const startMs = performance.now();
  broker.start();
  await eventually(`broker ${broker.id} is not ready`, READY_MS_MAX, () => isReady(broker));
  const readyMs = Math.round(performance.now() - startMs);
  await eventually("leadership does not go back", READY_MS_MAX, () => isBalanced(cluster, clients));
  const backMs = Math.round(performance.now() - startMs);
  const errors = clients.map(({ name, tally }, at) => {
    return `${name} ${tally.verdict().errors - (errorsBefore[at] ?? 0)}`;
  });
  process.stdout.write(
    `broker ${broker.id}: stopped in ${tookMs} ms, ready after ${readyMs} ms, ` +
      `leads again after ${backMs} ms; errors: ${errors.join(", ")}\n`,
  );
  await pause(CALM_MS);
}

async function isReady({ plan }: BrokerProcess): Promise<void> {
  const { host, port } = plan.http;
  const answer = await fetch(`http://${host}:${port}/readyz`);
  if (!answer.ok) throw new Error(`${answer.status} ${(await answer.text()).slice(0, 300)}`);
}

/** Every partition is led by the first of its replicas. */
async function isBalanced(cluster: Cluster, clients: readonly LoadedClient[]): Promise<void> {
  const [first] = cluster.brokers;
  if (first === undefined) return;
  const connection = await Connection.open(first.plan.kafka, "rolling", 1_000);
  try {
    const { topics } = await connection.ask(
      METADATA,
      clients.map(({ topic }) => topic),
      2_000,
    );
    const elsewhere = topics
      .flatMap(({ partitions }) => partitions)
      .filter(({ leader, replicas }) => leader !== replicas[0]);
    if (elsewhere.length > 0) throw new Error(`${elsewhere.length} partitions are led elsewhere`);
  } finally {
    connection.close();
  }
}

async function finish(clients: readonly LoadedClient[]): Promise<void> {
  for (const client of clients) client.stopSending();
  for (const { name, tally } of clients) {
    const complain = (error: Error): void => check(`${name} comes to an end`, error.message);
    await eventually(`${name} has unanswered sends`, END_MS_MAX, async () => {
      if (!tally.hasSentAll) throw new Error("waiting");
    }).catch(complain);
    await eventually(`${name} has not read everything`, END_MS_MAX, async () => {
      if (tally.missing > 0) throw new Error(`${tally.missing} are missing`);
    }).catch(complain);
  }
  await pause(1_000);
}

const COLUMNS = [
  ["acked", "acked"],
  ["errors", "errors"],
  ["lost", "lost"],
  ["duplicates", "doubled"],
  ["disordered", "disordered"],
  ["readAgain", "read again"],
  ["notices", "notices"],
  ["latencyMs99", "p99 ms"],
  ["latencyMsMax", "max ms"],
] as const satisfies readonly (readonly [keyof Verdict, string])[];

function report(clients: readonly LoadedClient[]): number {
  const rows = clients.map(({ name, tally }) => ({ name, verdict: tally.verdict() }));
  process.stdout.write(
    `\n${"client".padEnd(14)}${COLUMNS.map(([, title]) => title.padStart(12)).join("")}\n`,
  );
  for (const { name, verdict } of rows) {
    const cells = COLUMNS.map(([key]) => String(verdict[key]).padStart(12)).join("");
    process.stdout.write(`${name.padEnd(14)}${cells}\n`);
    for (const complaint of verdict.complaints) process.stdout.write(`  ${complaint}\n`);
    const none = (what: string, count: number) =>
      check(`${name}: ${what}`, count === 0 ? null : `${count}`);
    none("no error reaches the application", verdict.errors);
    none("nothing acknowledged is lost", verdict.lost);
    none("nothing is stored twice", verdict.duplicates);
    none("everything is in order", verdict.disordered);
    const limitMs = PAUSE_MS_MAX + QUIET_TIMES * (quietMs.get(name) ?? 0);
    const isSlow = verdict.latencyMsMax > limitMs;
    const tooSlow = `${verdict.latencyMsMax} ms, where ${limitMs} ms are allowed`;
    check(`${name}: no send waits long`, isSlow ? tooSlow : null);
    check(`${name}: it worked`, verdict.acked > 100 ? null : `${verdict.acked} records`);
  }
  const failures = checks.filter(({ failure }) => failure !== null);
  for (const { name, failure } of failures) process.stdout.write(`FAILED ${name}: ${failure}\n`);
  process.stdout.write(`${checks.length - failures.length} passed, ${failures.length} failed\n`);
  return failures.length === 0 ? 0 : 1;
}

process.exit(await main());
