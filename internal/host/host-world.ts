// The real World of one broker: every port, and what happens when the broker must stop at once.
import { readFileSync } from "node:fs";
import type { World } from "../ports/world.ts";
import { HostClock } from "./clock.ts";
import { HostDisk } from "./disk.ts";
import { HostEntropy } from "./entropy.ts";
import { openLog } from "./log.ts";
import type { HostLog, LogOptions } from "./log.ts";
import { HostMeter } from "./meter.ts";
import { ProcessProbe } from "./process-probe.ts";
import { HostTasks } from "./tasks.ts";
import { HostWire } from "./wire.ts";

/** The exit code of a broker that stopped because it could not trust itself (an internal software error). */
const FATAL_EXIT_CODE = 70;
/** How long a fatal end waits for a journal write that is with the disk. */
const JOURNAL_SETTLE_MS_MAX = 1_000;

export interface HostWorldOptions {
  readonly log: LogOptions;
  /** Event-loop delay, garbage collection, memory and CPU; once per process is enough. */
  readonly processMetrics: boolean;
}

export interface HostWorld extends World {
  readonly log: HostLog;
  readonly meter: HostMeter;
  /** Ends background work and the threads. The broker has stopped before; no journal write is under way. */
  close(): Promise<void>;
}

export function openHostWorld(options: HostWorldOptions): HostWorld {
  const log = openLog(options.log);
  const meter = new HostMeter();
  const probe = options.processMetrics ? new ProcessProbe(meter) : null;
  const disk = new HostDisk();
  const fatal = (reason: string, fault: unknown): never => {
    log.error({ reason, fault }, "fatal");
    log.flush();
    // Leaving joins the journal's thread. When that one hangs in the disk, only a kill ends the process.
    if (!disk.journal.settleWithin(JOURNAL_SETTLE_MS_MAX)) process.kill(process.pid, "SIGKILL");
    process.exit(FATAL_EXIT_CODE);
  };
  const tasks = new HostTasks((task, fault) => {
    log.error({ task, fault }, "task-failed");
    fatal("task-failed", fault);
  });
  return {
    clock: new HostClock(),
    entropy: new HostEntropy(),
    disk,
    wire: new HostWire(),
    tasks,
    log,
    meter,
    machineRun: machineRun(),
    fatal,
    close: async () => {
      await tasks.stop();
      await disk.stop();
      probe?.stop();
      log.flush();
    },
  };
}

/** Linux draws an id at each boot; containers see that of their machine. */
function machineRun(): string | null {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim() || null;
  } catch {
    return null;
  }
}

/** Ends the process when an exception or a rejection escapes everything: its state cannot be trusted. */
export function endOnEscape(world: World): void {
  process.on("uncaughtException", (fault) => world.fatal("uncaught-exception", fault));
  process.on("unhandledRejection", (fault) => world.fatal("unhandled-rejection", fault));
}
