// node-rdkafka, compiled on the spot by npm and kept: two minutes of a processor.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Surroundings } from "./client.ts";
import { need } from "./programs.ts";

const VERSION = "3.6.1";
const COMPILE_MS_MAX = 900_000;

export interface Rdkafka {
  /** The program, and what it needs to find the library. */
  readonly node: string;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * npm runs on the system's Node and compiles for that one, so programs that use the library run on it too, and not on
 * the one that is pinned for the project. @throws NotReached without npm or a compiler.
 */
export async function reachRdkafka(around: Pick<Surroundings, "cache">): Promise<Rdkafka> {
  const folder = join(around.cache, `node-rdkafka-${VERSION}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), "{}");
  const environment = { PATH: systemPath(), NODE_PATH: join(folder, "node_modules") };
  const install = ["install", "--no-audit", "--no-fund", `node-rdkafka@${VERSION}`];
  await need("npm", install, { cwd: folder, environment, withinMs: COMPILE_MS_MAX });
  const node = (await need("sh", ["-c", "command -v node"], { environment })).trim();
  return { node, environment };
}

function systemPath(): string {
  const own = join("node_modules", ".bin");
  const path = process.env["PATH"] ?? "";
  return path
    .split(":")
    .filter((folder) => !folder.endsWith(own))
    .join(":");
}
