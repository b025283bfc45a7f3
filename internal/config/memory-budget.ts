// The sum of everything in a broker that is bounded by a setting, compared at start with the memory that it may use.
// A limit that is a setting but is not in this list can still fill the machine: add it here when you add it there.
import { COMPUTE_THREADS_MAX } from "../ports/tasks.ts";
import type { SettingReader } from "./settings-table.ts";

export interface MemoryItem {
  readonly what: string;
  readonly bytes: number;
}

// An idle broker: the process itself, with code, heap and thread stacks, before any limit is used.
const PROCESS_BYTES = 96 * 2 ** 20;
const REPLICA_BYTES = 256;
const PRODUCER_BYTES = 256;
const SESSION_BYTES = 16 * 1024;
const WAITER_BYTES = 512;

/** See partition/admission.ts: a copy to append, and one for the thread that looks through it. */
const ADMISSION_BYTES = 2 * 16 * 2 ** 20;
/** What opening takes at its peak: the pieces, or the shorter output, beside what they are joined into. */
const OPENING_PEAK = 2;

export function memoryBudget(settings: SettingReader): readonly MemoryItem[] {
  const peers = Math.max(settings.get("initial.brokers").length - 1, 0);
  const linkBytes =
    settings.get("link.control.bytes.max") +
    settings.get("link.data.bytes.max") +
    settings.get("link.bulk.bytes.max");
  return [
    { what: "the process itself", bytes: PROCESS_BYTES },
    { what: "journal.arena.bytes", bytes: settings.get("journal.arena.bytes") },
    { what: "connections.bytes.max", bytes: settings.get("connections.bytes.max") },
    { what: `link queues for ${peers} peers`, bytes: peers * linkBytes },
    { what: "batches that wait to be opened", bytes: ADMISSION_BYTES },
    {
      what: `max.decompressed.bytes twice in ${COMPUTE_THREADS_MAX} threads, and for a search by time`,
      bytes: (COMPUTE_THREADS_MAX * OPENING_PEAK + 1) * settings.get("max.decompressed.bytes"),
    },
    { what: "partitions.max", bytes: settings.get("partitions.max") * REPLICA_BYTES },
    { what: "producer.ids.max", bytes: settings.get("producer.ids.max") * PRODUCER_BYTES },
    { what: "fetch.sessions.max", bytes: settings.get("fetch.sessions.max") * SESSION_BYTES },
    { what: "fetch.waiters.max", bytes: settings.get("fetch.waiters.max") * WAITER_BYTES },
  ];
}

/** Null when the limits fit into `memory.bytes.max`, else a sentence that names the largest of them. */
export function memoryContradiction(settings: SettingReader): string | null {
  const items = memoryBudget(settings);
  const total = items.reduce((sum, item) => sum + item.bytes, 0);
  const most = settings.get("memory.bytes.max");
  if (total <= most) return null;
  const largest = items
    .toSorted((one, other) => other.bytes - one.bytes)
    .slice(0, 3)
    .map((item) => `${item.what} ${inMiB(item.bytes)}`);
  return (
    `the memory limits add up to ${inMiB(total)}, more than memory.bytes.max, ${inMiB(most)}; ` +
    `the largest are ${largest.join(", ")}`
  );
}

function inMiB(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
