// The Disk port of the host: the journal lane on its own thread, the bulk lane on half of libuv's pool.
import type { Disk } from "../ports/disk.ts";
import { HostBulkLane } from "./bulk-lane.ts";
import { lockDirectory } from "./directory-lock.ts";
import { Gate } from "./gate.ts";
import { HostJournalLane } from "./journal-lane.ts";

/** What libuv starts when nothing says otherwise. */
const POOL_THREADS_DEFAULT = 4;

export class HostDisk implements Disk {
  readonly bulk: HostBulkLane;
  readonly journal: HostJournalLane;
  readonly lock = lockDirectory;

  /** `poolThreads` is the size of libuv's pool, by default what this process was started with. */
  constructor(poolThreads = poolThreadsOf(process.env["UV_THREADPOOL_SIZE"])) {
    const gate = new Gate(Math.max(1, Math.floor(poolThreads / 2)));
    this.bulk = new HostBulkLane(gate);
    this.journal = new HostJournalLane(gate);
  }

  /** Ends the journal's thread. Not during a write. */
  stop(): Promise<void> {
    return this.journal.stop();
  }
}

function poolThreadsOf(setting: string | undefined): number {
  const threads = Number(setting);
  return Number.isInteger(threads) && threads >= 1 ? threads : POOL_THREADS_DEFAULT;
}
