// A broker that breaks its promise on purpose. The positive control of the chaos test starts three that acknowledge too
// early, kills them together, and must notice the loss; the other bugs are for trying the checkers by hand. It is a program
// of the tests and no part of the product; it refuses to start unless the environment names the bug that is wanted.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { loadSettings } from "../../internal/config/settings.ts";
import { endOnEscape, openHostWorld } from "../../internal/host/host-world.ts";
import { NO_FAULTS } from "../../internal/raft/faults.ts";
import type { BrokerFaults } from "../../internal/server/broker.ts";
import { startBroker } from "../../internal/server/start-broker.ts";
import { lyingDisk } from "./lying-disk.ts";
import { slowDisk } from "./slow-disk.ts";

const VARIABLE = "FLOTILLA_UNSAFE_TEST_BROKER";

interface Bug {
  /** How long the journal's writes stay in memory. */
  readonly writeDelayMs: number;
  /** Whether the disk says meanwhile that they are durable. */
  readonly isLie?: boolean;
  readonly faults: BrokerFaults;
}

const NO_PARTITION_FAULTS = { waiterAcrossLeaders: false, tailForgotten: false };

const BUGS: Readonly<Record<string, Bug>> = {
  /** Acknowledges, counts itself and commits before anything is on disk. */
  "early-acks": {
    writeDelayMs: 250,
    faults: {
      machine: { ...NO_FAULTS, ackBeforeSync: true, leaderCountsItselfBeforeSync: true },
      replica: { ackBeforeSync: true },
    },
  },
  /** No bug: the same disk under a correct broker must lose nothing. */
  "slow-disk": { writeDelayMs: 250, faults: {} },
  /** No bug: under a disk that lies, a correct broker alone loses what its peers still have. */
  "lying-disk": { writeDelayMs: 200, isLie: true, faults: {} },
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

/** What a kill takes from memory is what a power failure takes, so each life is one of a machine that was off before. */
function worldOf() {
  if (writeDelayMs === 0) return host;
  if (!isLie) return { ...host, disk: slowDisk(host.disk, writeDelayMs) };
  return { ...host, disk: lyingDisk(host.disk, writeDelayMs), machineRun: randomUUID() };
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
const { writeDelayMs, isLie = false, faults } = bug;
const world = worldOf();
endOnEscape(world);
process.on("disconnect", () => process.exit(1));
process.on("SIGTERM", () => process.exit(0));
const started = await startBroker(world, settings.value, faults);
if (!started.ok) fail(JSON.stringify(started.fault));
