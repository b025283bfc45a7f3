// The directory of a run. Emptied at the start, unless another run of this program uses it right now.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const MARK = "running.pid";

/** @throws Error when another process uses the directory. */
export function takeDirectory(directory: string): void {
  const other = Number(readOr(join(directory, MARK), "0"));
  if (other > 0 && other !== process.pid && isAlive(other)) {
    throw new Error(`process ${other} uses ${directory}; give this run another seed or directory`);
  }
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const mark = join(directory, MARK);
  writeFileSync(mark, String(process.pid));
  process.on("exit", () => rmSync(mark, { force: true }));
}

/** Data directories of brokers are kept only when something failed. */
export function forgetBrokers(directory: string): void {
  for (const broker of [1, 2, 3]) {
    const data = join(directory, "brokers", `broker-${broker}`, "data");
    rmSync(data, { recursive: true, force: true });
  }
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return otherwise;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
