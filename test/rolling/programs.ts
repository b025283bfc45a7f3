// How the clients are reached: with the same packages, jars and caches as the client matrix.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../jepsen-like/cluster/cluster.ts";
import { reachJava } from "../clients/java.ts";
import { reachRdkafka } from "../clients/rdkafka.ts";

export interface Program {
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
  readonly environment?: Readonly<Record<string, string>>;
}

const FOLDER = join(import.meta.dirname, "clients");
const CACHE = join(ROOT, ".flotilla", "clients-cache");

/** By name. @throws when the client cannot be had on this machine. */
export const PROGRAMS: Readonly<Record<string, () => Promise<Omit<Program, "name">>>> = {
  kafkajs: async () => ({ command: [process.execPath, join(FOLDER, "kafkajs.ts")] }),
  "node-rdkafka": async () => {
    mkdirSync(CACHE, { recursive: true });
    const { node, environment } = await reachRdkafka({ cache: CACHE });
    return { command: [node, join(FOLDER, "node-rdkafka.cjs")], environment };
  },
  java: async () => {
    mkdirSync(CACHE, { recursive: true });
    const [program, ...words] = (await reachJava({ cache: CACHE })).command;
    return { command: [program, ...words, join(FOLDER, "Rolling.java")] };
  },
};
