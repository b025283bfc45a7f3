// Go for the rows that need it: the drivers in drivers/go, compiled once and kept between runs.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { NotReached } from "./client.ts";
import type { Surroundings } from "./client.ts";
import { need, run } from "./programs.ts";

const FOLDER = join(import.meta.dirname, "drivers", "go");
const BUILD_MS_MAX = 600_000;

/** Path of the compiled driver. Go's own cache knows whether anything is to be done. @throws NotReached without Go. */
export async function reachGoDriver(around: Surroundings, name: string): Promise<string> {
  const go = await findGo();
  const folder = join(around.cache, "go");
  mkdirSync(folder, { recursive: true });
  const program = join(folder, name);
  // Go itself is not fetched in another version.
  const environment = { GOTOOLCHAIN: "local", GOFLAGS: "-mod=readonly" };
  const words = ["build", "-o", program, `./${name}`];
  await need(go, words, { cwd: FOLDER, environment, withinMs: BUILD_MS_MAX });
  return program;
}

async function findGo(): Promise<string> {
  for (const candidate of ["go", "/usr/local/go/bin/go"]) {
    if (candidate.startsWith("/") && !existsSync(candidate)) continue;
    try {
      await run(candidate, ["version"]);
      return candidate;
    } catch {
      // The next one.
    }
  }
  throw new NotReached("go is not installed");
}
