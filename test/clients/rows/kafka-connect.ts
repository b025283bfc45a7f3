// Kafka Connect, one standalone worker: the lines of a file become records, and the records lines of another file. Where the
// source stands is in a file of the worker, where the sink stands is in its consumer group.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { eventually } from "../../../jepsen-like/cluster/cluster.ts";
import { freePorts } from "../../../jepsen-like/cluster/ports.ts";
import type { Check, Client, Surroundings } from "../client.ts";
import { holds, numbered, same } from "../expect.ts";
import { reachJava } from "../java.ts";
import type { Java } from "../java.ts";
import { committedBy, createTopic, endsOf, storedInOrder } from "../stored.ts";

const RUNNING_MS_MAX = 60_000;
const COPIED_MS_MAX = 60_000;
const END_MS_MAX = 30_000;
const PORTION = 200;
const PORTIONS = 40;
const PORTION_EVERY_MS = 100;
const COMPLAINT_BYTES_MAX = 2_000;

export const kafkaConnect: Client = {
  name: "Kafka Connect",
  source: "Maven artifacts org.apache.kafka:connect-runtime and connect-file",
  isSlow: true,
  async reach(around) {
    const java = await reachJava(around);
    return { version: java.version, checks: [calm(around, java), underKills(around, java)] };
  },
};

function calm(around: Surroundings, java: Java): Check {
  return {
    does: "copies a file through a topic, each line once and in order, and goes on where it was after a restart",
    run: async () => {
      const worker = await Worker.prepare(around, java, "connect-calm");
      const lines = numbered(6_000);
      try {
        await worker.start();
        worker.write(lines.slice(0, 3_000));
        await worker.copied((copied) => same("lines", copied.length, 3_000));
        await worker.stop();
        worker.write(lines.slice(3_000));
        await worker.start();
        await worker.copied((copied) => same("lines", copied.length, lines.length));
        same("the copy", worker.copy(), lines);
        await storedInOrder(around, worker.name, lines);
        await worker.stop();
        const ends = await endsOf(around, worker.name);
        same(
          "committed",
          await committedBy(around, `connect-${worker.name}-sink`, worker.name),
          ends,
        );
      } finally {
        await worker.killed();
      }
    },
  };
}

function underKills(around: Surroundings, java: Java): Check {
  return {
    does: "copies every line at least once while the topic's leader and the sink's coordinator are killed",
    run: async () => {
      const worker = await Worker.prepare(around, java, "connect-kills");
      const lines = numbered(PORTION * PORTIONS);
      try {
        await worker.start();
        const writing = writeSlowly(worker, lines);
        await around.faults.killLeader(worker.name);
        await around.faults.killCoordinator(`connect-${worker.name}-sink`, worker.name);
        await writing;
        await worker.copied((copied) => {
          const missing = new Set(lines);
          for (const line of copied) missing.delete(line);
          same("lines that are missing", missing.size, 0);
        });
      } finally {
        await worker.killed();
      }
    },
  };
}

async function writeSlowly(worker: Worker, lines: readonly string[]): Promise<void> {
  for (let at = 0; at < lines.length; at += PORTION) {
    worker.write(lines.slice(at, at + PORTION));
    await pause(PORTION_EVERY_MS);
  }
}

class Worker {
  /** Of the topic; those of the connectors begin with it. */
  readonly name: string;
  readonly #java: Java;
  readonly #folder: string;
  readonly #files: readonly string[];
  readonly #status: string;
  #process: ChildProcess | null = null;
  #complaint = "";

  private constructor(java: Java, name: string, folder: string, files: string[], status: string) {
    this.#java = java;
    this.name = name;
    this.#folder = folder;
    this.#files = files;
    this.#status = status;
  }

  static async prepare(around: Surroundings, java: Java, name: string): Promise<Worker> {
    await createTopic(around, name, 1);
    const folder = join(around.scratch, name);
    mkdirSync(folder, { recursive: true });
    const [port = 0] = await freePorts(1);
    const converter = "org.apache.kafka.connect.storage.StringConverter";
    const connector = (kind: "Source" | "Sink", more: object) => ({
      name: `${name}-${kind.toLowerCase()}`,
      "connector.class": `org.apache.kafka.connect.file.FileStream${kind}Connector`,
      "tasks.max": 1,
      ...more,
    });
    const properties = {
      worker: {
        "bootstrap.servers": around.bootstrap.join(","),
        "key.converter": converter,
        "value.converter": converter,
        "offset.storage.file.filename": join(folder, "offsets"),
        "offset.flush.interval.ms": 500,
        "plugin.discovery": "service_load",
        listeners: `http://127.0.0.1:${port}`,
      },
      source: connector("Source", { file: join(folder, "in"), topic: name }),
      sink: connector("Sink", { file: join(folder, "out"), topics: name }),
    };
    const files = Object.entries(properties).map(([of, values]) => {
      const file = join(folder, `${of}.properties`);
      const lines = Object.entries(values).map(([key, value]) => `${key}=${value}\n`);
      writeFileSync(file, lines.join(""));
      return file;
    });
    writeFileSync(join(folder, "in"), "");
    return new Worker(java, name, folder, files, `http://127.0.0.1:${port}/connectors`);
  }

  /** Resolves when both connectors run. */
  async start(): Promise<void> {
    const [program, ...machine] = this.#java.command;
    const words = [...machine, "org.apache.kafka.connect.cli.ConnectStandalone", ...this.#files];
    const child = spawn(program, words, {
      cwd: this.#folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process = child;
    process.on("exit", () => child.kill("SIGKILL"));
    child.stderr.on("data", (bytes: Buffer) => {
      this.#complaint = (this.#complaint + bytes.toString()).slice(-COMPLAINT_BYTES_MAX);
    });
    await eventually("the connectors do not run", RUNNING_MS_MAX, async () => {
      for (const kind of ["source", "sink"]) {
        const answer = await fetch(`${this.#status}/${this.name}-${kind}/status`);
        const { connector, tasks } = (await answer.json()) as Partial<Status>;
        const states = [connector, ...(tasks ?? [])].map((one) => one?.state);
        same(`the ${kind} (${this.#complaint})`, states, ["RUNNING", "RUNNING"]);
      }
    });
  }

  /** As an operator would. */
  async stop(): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    const closed = once(child, "close");
    child.kill("SIGTERM");
    const isInTime = await Promise.race([closed.then(() => true), pause(END_MS_MAX, false)]);
    holds(`the worker ends when it is told to (${this.#complaint})`, isInTime);
    this.#process = null;
  }

  async killed(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null) return;
    const closed = once(child, "close");
    child.kill("SIGKILL");
    await closed;
  }

  write(lines: readonly string[]): void {
    appendFileSync(join(this.#folder, "in"), `${lines.join("\n")}\n`);
  }

  copy(): string[] {
    const file = join(this.#folder, "out");
    return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
  }

  async copied(judge: (copy: readonly string[]) => void): Promise<void> {
    await eventually("the copy is not whole", COPIED_MS_MAX, () => {
      judge(this.copy());
      return Promise.resolve();
    });
  }
}

interface Status {
  readonly connector: { readonly state: string };
  readonly tasks: readonly { readonly state: string }[];
}
