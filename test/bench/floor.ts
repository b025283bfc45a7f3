// The floor under every synced figure: the broker's own journal lane with nothing around it. One write under way, the next
// issued when it is done; then the same while the bulk lane writes and syncs and the compute pool is full (J9).
import { mkdtempSync, rmSync } from "node:fs";
import { pbkdf2 } from "node:crypto";
import { join } from "node:path";
import { HostDisk } from "../../internal/host/disk.ts";
import type { JournalFile } from "../../internal/ports/disk.ts";
import { Latencies } from "./latencies.ts";

const MIB = 1024 * 1024;
const FILE_BYTES = 32 * MIB;

export async function journalFloor(directory: string, runMs: number): Promise<void> {
  const path = mkdtempSync(join(directory, "floor-"));
  const disk = new HostDisk();
  const opened = await disk.journal.open(join(path, "journal"), true);
  if (!opened.ok) throw new Error(`the floor's file cannot be opened: ${opened.fault.code}`);
  const memory = disk.journal.allocate(MIB);
  const zeroed = await disk.bulk.writeZeros(join(path, "journal"), 0, FILE_BYTES);
  if (!zeroed.ok) throw new Error(`the floor cannot be written: ${zeroed.fault.code}`);
  for (const bytes of [4096, 65_536]) {
    const alone = await measure(opened.value, memory.subarray(0, bytes), runMs);
    console.log(`floor: raw journal, ${bytes / 1024} KiB synced, alone      ${alone.show()}`);
  }
  const load = new AbortController();
  const busy = Promise.all([bulkLoad(disk, path, load.signal), poolLoad(load.signal)]);
  const beside = await measure(opened.value, memory.subarray(0, 4096), runMs);
  load.abort();
  await busy;
  console.log(`floor: raw journal, 4 KiB synced, lanes full  ${beside.show()}`);
  await opened.value.close();
  await disk.stop();
  rmSync(path, { recursive: true, force: true });
}

function write(file: JournalFile, at: number, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    file.write(at, [bytes], (fault) =>
      fault === null ? resolve() : reject(new Error(fault.code)),
    );
  });
}

async function measure(file: JournalFile, bytes: Uint8Array, runMs: number): Promise<Latencies> {
  const latencies = new Latencies();
  const untilMs = performance.now() + runMs;
  for (let at = 0; performance.now() < untilMs; at = (at + bytes.length) % FILE_BYTES) {
    const sinceMs = performance.now();
    await write(file, at, bytes);
    latencies.add(performance.now() - sinceMs);
  }
  return latencies;
}

/** Four writers on the bulk lane, 1 MiB and a sync at a time. */
async function bulkLoad(disk: HostDisk, directory: string, stop: AbortSignal): Promise<void> {
  const bytes = new Uint8Array(MIB);
  const writer = async (name: string): Promise<void> => {
    const path = join(directory, name);
    for (let at = 0; !stop.aborted; at = (at + MIB) % (16 * MIB)) {
      await disk.bulk.write(path, at, bytes);
      await disk.bulk.sync(path);
    }
  };
  await Promise.all(["a", "b", "c", "d"].map(writer));
}

/** Eight key derivations at a time fill libuv's pool. */
async function poolLoad(stop: AbortSignal): Promise<void> {
  const derive = async (): Promise<void> => {
    while (!stop.aborted) {
      await new Promise<void>((done) => pbkdf2("p", "s", 20_000, 32, "sha256", () => done()));
    }
  };
  await Promise.all(Array.from({ length: 8 }, derive));
}
