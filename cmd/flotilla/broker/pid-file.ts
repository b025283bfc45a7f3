// `broker.pid`: the id of the process that is the broker, for scripts that stop, pause or measure it. It lies beside the
// settings file, or in the data directory of a broker without one, and goes with an orderly stop.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export const PID_FILE = "broker.pid";

export function writePidFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${process.pid}\n`);
}

/** Removes the file unless another process has written it since. */
export function removePidFile(path: string): void {
  if (readPid(path) === process.pid) rmSync(path, { force: true });
}

/** Null when there is no such file, or nothing readable in it. */
export function readPid(path: string): number | null {
  try {
    const pid = Number(readFileSync(path, "utf8").trim());
    return Number.isSafeInteger(pid) && pid > 1 ? pid : null;
  } catch {
    return null;
  }
}

/** Whether `pid` is a broker that runs. Ids are used again, and a broker that was killed leaves its file behind. */
export function isBroker(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== "linux") return true;
  try {
    return readFileSync(join("/proc", String(pid), "cmdline"), "utf8").includes("flotilla");
  } catch {
    return false;
  }
}
