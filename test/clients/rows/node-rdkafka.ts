// node-rdkafka: a recent librdkafka, compiled on the spot by npm; two minutes of a processor, then kept.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "../client.ts";
import { need } from "../programs.ts";

const VERSION = "3.6.1";
const COMPILE_MS_MAX = 900_000;
const DRIVER = join(import.meta.dirname, "..", "drivers", "node-rdkafka", "driver.cjs");

export const nodeRdkafka: Client = {
  name: "node-rdkafka",
  source: "npm package node-rdkafka",
  isSlow: false,
  faults: [
    "`disconnect()` of a consumer that is being given records does not end (3.6.1). The " +
      "driver unsubscribes first.",
  ],
  async reach(around) {
    const folder = join(around.cache, `node-rdkafka-${VERSION}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), "{}");
    const environment = { PATH: systemPath(), NODE_PATH: join(folder, "node_modules") };
    const install = ["install", "--no-audit", "--no-fund", `node-rdkafka@${VERSION}`];
    await need("npm", install, { cwd: folder, environment, withinMs: COMPILE_MS_MAX });
    const program = (await need("sh", ["-c", "command -v node"], { environment })).trim();
    return { driver: { command: [program, DRIVER], environment } };
  },
};

/**
 * npm runs on the system's Node and compiles for that one, so this client runs on it too, and not on the one that is
 * pinned for the project.
 */
function systemPath(): string {
  const own = join("node_modules", ".bin");
  const path = process.env["PATH"] ?? "";
  return path
    .split(":")
    .filter((folder) => !folder.endsWith(own))
    .join(":");
}
