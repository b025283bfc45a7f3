// How the clients are reached: with the same packages, jars and caches as the client matrix.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../jepsen-like/cluster/cluster.ts";
import { reachJava } from "../clients/java.ts";
import { need } from "../clients/programs.ts";

export interface Program {
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
  readonly directory?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

const FOLDER = join(import.meta.dirname, "clients");
const CACHE = join(ROOT, ".flotilla", "clients-cache");
const RDKAFKA = "3.6.1";
const COMPILE_MS_MAX = 900_000;

/** By name. @throws when the client cannot be had on this machine. */
export const PROGRAMS: Readonly<Record<string, () => Promise<Omit<Program, "name">>>> = {
  kafkajs: async () => ({ command: [process.execPath, join(FOLDER, "kafkajs.ts")] }),
  "node-rdkafka": reachRdkafka,
  java: async () => {
    mkdirSync(CACHE, { recursive: true });
    const [program, ...words] = (await reachJava({ cache: CACHE })).command;
    return { command: [program, ...words, join(FOLDER, "Rolling.java")] };
  },
};

/** npm runs on the system's Node and compiles for that one, so the client runs on it too. */
async function reachRdkafka(): Promise<Omit<Program, "name">> {
  const directory = join(CACHE, `node-rdkafka-${RDKAFKA}`);
  const environment = { PATH: systemPath() };
  if (!existsSync(join(directory, "node_modules", "node-rdkafka"))) {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "package.json"), "{}");
    const install = ["install", "--no-audit", "--no-fund", `node-rdkafka@${RDKAFKA}`];
    await need("npm", install, { cwd: directory, environment, withinMs: COMPILE_MS_MAX });
  }
  await need("node", ["-e", 'require("node-rdkafka")'], { cwd: directory, environment });
  // `env` looks the program up on the path that it is given.
  return {
    command: ["/usr/bin/env", `PATH=${environment.PATH}`, "node", join(FOLDER, "node-rdkafka.cjs")],
    directory,
  };
}

function systemPath(): string {
  const own = join("node_modules", ".bin");
  const path = process.env["PATH"] ?? "";
  return path
    .split(":")
    .filter((folder) => !folder.endsWith(own))
    .join(":");
}
