// Writes 64 KiB to the journal file in its argument, says how that ended, and tries once more.
import { HostDisk } from "../../../internal/host/disk.ts";

const path = process.argv[2] ?? "";
const disk = new HostDisk();
const memory = disk.journal.allocate(64 << 10);
const opened = await disk.journal.open(path, true);
if (!opened.ok) throw new Error(opened.fault.code);
const file = opened.value;
const fault = await new Promise((resolve) => file.write(0, [memory], resolve));
process.stdout.write(`${JSON.stringify(fault)}\n`);
if (fault !== null) {
  try {
    file.write(0, [memory], () => undefined);
  } catch (error) {
    process.stdout.write(`${String(error)}\n`);
  }
}
await file.close();
await disk.stop();
