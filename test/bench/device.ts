// Device flushes, as the kernel counts them (/proc/diskstats, flush requests completed: field 19 of a line, since Linux
// 5.5). All brokers of a local cluster share the device, and whatever else runs is counted too.
import { readFileSync } from "node:fs";

export function deviceFlushes(): number {
  let flushes = 0;
  for (const line of readFileSync("/proc/diskstats", "utf8").split("\n")) {
    const fields = line.trim().split(/\s+/);
    const name = fields[2] ?? "";
    // Whole devices only: partitions would count the same flush again.
    if (/^(vd[a-z]|sd[a-z]|nvme\d+n\d+|xvd[a-z])$/.test(name)) flushes += Number(fields[18] ?? 0);
  }
  return flushes;
}
