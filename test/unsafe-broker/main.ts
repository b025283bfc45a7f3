// A broker that breaks its promise on purpose: it acknowledges, counts itself and commits before anything is on disk, over
// a disk that keeps writes in memory for a while. The positive control of the chaos test starts three of these, kills them
// together, and must notice the loss. It is a program of the tests and no part of the product; it refuses to start
// unless the environment says that this is wanted.
import { readFileSync } from "node:fs";
import { loadSettings } from "../../internal/config/settings.ts";
import { endOnEscape, openHostWorld } from "../../internal/host/host-world.ts";
import { NO_FAULTS } from "../../internal/raft/faults.ts";
import { startBroker } from "../../internal/server/start-broker.ts";
import { slowDisk } from "./slow-disk.ts";

const WRITE_DELAY_MS = 250;

function fail(why: string): never {
  console.error(why);
  process.exit(2);
}

if (process.env["FLOTILLA_UNSAFE_TEST_BROKER"] !== "yes") {
  fail("this broker loses data; it starts only with FLOTILLA_UNSAFE_TEST_BROKER=yes");
}
const [command, option, file] = process.argv.slice(2);
if (command !== "start" || option !== "--config" || file === undefined) {
  fail("start --config FILE");
}
const settings = loadSettings({ fileText: readFileSync(file, "utf8") });
if (!settings.ok) fail(JSON.stringify(settings.fault));

const host = openHostWorld({ log: { level: "info" }, processMetrics: false });
const world = { ...host, disk: slowDisk(host.disk, WRITE_DELAY_MS) };
endOnEscape(world);
process.on("disconnect", () => process.exit(1));
const started = await startBroker(world, settings.value, {
  machine: { ...NO_FAULTS, ackBeforeSync: true, leaderCountsItselfBeforeSync: true },
  replica: { ackBeforeSync: true },
});
if (!started.ok) fail(JSON.stringify(started.fault));
