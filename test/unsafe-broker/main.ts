// A broker that breaks its promise on purpose. The positive control of the chaos test starts three that acknowledge too
// early, kills them together, and must notice the loss; the other bugs are for trying the checkers by hand. It is a program
// of the tests and no part of the product; it refuses to start unless the environment names the bug that is wanted.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { loadSettings } from "../../internal/config/settings.ts";
import { endOnEscape, openHostWorld } from "../../internal/host/host-world.ts";
import { NO_FAULTS } from "../../internal/raft/faults.ts";
import type { BrokerFaults } from "../../internal/server/broker.ts";
import { startBroker } from "../../internal/server/start-broker.ts";
import type { PowerLoss, PowerOrder } from "../../jepsen-like/cluster/power.ts";
import { PowerDisk } from "./power-disk.ts";
import { slowDisk } from "./slow-disk.ts";

const VARIABLE = "FLOTILLA_UNSAFE_TEST_BROKER";
/** In the working directory, which is not the data directory. */
const LOSSES = "power.jsonl";
const ATTIC = "unsynced";

interface Bug {
  /** How long the journal's writes stay in memory. */
  readonly writeDelayMs: number;
  /** Whether the machine can lose its power, and knows its runs by number. */
  readonly hasPower?: boolean;
  readonly faults: BrokerFaults;
}

const NO_PARTITION_FAULTS = { waiterAcrossLeaders: false, tailForgotten: false };

const EARLY_ACKS: BrokerFaults = {
  machine: { ...NO_FAULTS, ackBeforeSync: true, leaderCountsItselfBeforeSync: true },
  replica: { ackBeforeSync: true },
};

const BUGS: Readonly<Record<string, Bug>> = {
  /** Acknowledges, counts itself and commits before anything is on disk. */
  "early-acks": { writeDelayMs: 250, faults: EARLY_ACKS },
  /** The same over the disk of a machine that can lose its power. */
  "unsynced-acks": { writeDelayMs: 250, hasPower: true, faults: EARLY_ACKS },
  /** No bug: the same disk under a correct broker must lose nothing. */
  "slow-disk": { writeDelayMs: 250, faults: {} },
  /** No bug: the machine loses its power when it is told to, and its disk what it had not synced, or more. */
  "power-loss": { writeDelayMs: 0, hasPower: true, faults: {} },
  /** The same disk, and a broker that never doubts it. */
  "undoubted-disk": {
    writeDelayMs: 0,
    hasPower: true,
    faults: { replica: { neverSuspicious: true } },
  },
  /** A leader that was paused answers before it knows whether it still leads. */
  "stale-reads": { writeDelayMs: 0, faults: { replica: { staleLeaderAnswers: true } } },
  /** A new leader does not know the producers of its uncommitted tail. */
  "forgotten-tail": {
    writeDelayMs: 100,
    faults: { partition: { ...NO_PARTITION_FAULTS, tailForgotten: true } },
  },
  /** Produce answers wait across a change of leader. */
  "crossing-waiters": {
    writeDelayMs: 100,
    faults: { partition: { ...NO_PARTITION_FAULTS, waiterAcrossLeaders: true } },
  },
  /** Commits of offsets are answered before they are committed. */
  "early-commits": { writeDelayMs: 250, faults: { groups: { answerEarly: true } } },
  /** Commits of earlier generations are accepted. */
  "old-commits": { writeDelayMs: 0, faults: { groups: { oldGenerationCommits: true } } },
  /** A coordinator serves before it knows what earlier ones committed. */
  "loading-coordinators": {
    writeDelayMs: 100,
    faults: { groups: { servesWhileLoading: true } },
  },
  /** A group of the new protocol hands out what its owner has not given up. */
  "two-owners": { writeDelayMs: 0, faults: { groups: { handsOutOwned: true } } },
  /** A generation's leader may assign twice. */
  "two-assignments": { writeDelayMs: 100, faults: { groups: { assignsTwice: true } } },
};

function fail(why: string): never {
  console.error(why);
  process.exit(2);
}

function worldOf() {
  if (hasPower) return worldWithPower();
  return writeDelayMs === 0 ? host : { ...host, disk: slowDisk(host.disk, writeDelayMs) };
}

/**
 * The parent's word takes the power away. What was dropped is told in a file beside the data directory, one line for each
 * time, and their number names the run of the machine: processes that are merely killed come back in the same run.
 */
function worldWithPower() {
  const losses = lossesSoFar();
  rmSync(ATTIC, { recursive: true, force: true });
  mkdirSync(ATTIC);
  const below = writeDelayMs === 0 ? host.disk : slowDisk(host.disk, writeDelayMs);
  const disk = new PowerDisk(below, ATTIC, (loss) => {
    const told = [...losses, loss].map((one) => JSON.stringify(one));
    writeFileSync(LOSSES, `${told.join("\n")}\n`);
    process.kill(process.pid, "SIGKILL");
  });
  process.on("message", ({ power }: { readonly power: PowerOrder }) => disk.fail(power));
  return { ...host, disk, machineRun: `run ${losses.length}` };
}

function lossesSoFar(): readonly PowerLoss[] {
  try {
    const lines = readFileSync(LOSSES, "utf8").trim().split("\n");
    return lines.map((line) => JSON.parse(line) as PowerLoss);
  } catch {
    return [];
  }
}

const bug = BUGS[process.env[VARIABLE] ?? ""];
if (bug === undefined) {
  fail(`this broker loses data; it starts only with ${VARIABLE}=${Object.keys(BUGS).join("|")}`);
}
const [command, option, file] = process.argv.slice(2);
if (command !== "start" || option !== "--config" || file === undefined) {
  fail("start --config FILE");
}
const settings = loadSettings({ fileText: readFileSync(file, "utf8") });
if (!settings.ok) fail(JSON.stringify(settings.fault));

const host = openHostWorld({ log: { level: "info" }, processMetrics: false });
const { writeDelayMs, hasPower = false, faults } = bug;
const world = worldOf();
endOnEscape(world);
process.on("disconnect", () => process.exit(1));
process.on("SIGTERM", () => process.exit(0));
const started = await startBroker(world, settings.value, faults);
if (!started.ok) fail(JSON.stringify(started.fault));
// The sources are stripped of their types once; who is killed would never write that down.
flushCompileCache();
