// `flotilla consume` as a process of its own, started, ended and started again like a user would, with every record that it
// printed. What a life has printed is complete when its output has ended: a pipe keeps what a killed process has written.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { appendFileSync } from "node:fs";
import { once } from "node:events";
import { childrenOfRun } from "../cluster/broker-process.ts";
import { HANG_MS } from "../patience.ts";
import { decodeValue } from "../workload/value.ts";
import { foundNobody } from "./printed.ts";
import type { PrintedLife } from "./printed.ts";

/** Longer than any fault: a reader that gives up has failed. */
const TIMEOUT_S = 120;
/** Who is started while no broker answers says so and ends; whoever watches over it starts it again. */
const RESTART_MS = 300;
const FORMAT = String.raw`%p %o %v\n`;

export interface ConsumePlan {
  readonly name: string;
  /** Null: without a group, all partitions from the beginning. */
  readonly group: string | null;
  readonly program: string;
  readonly bootstrap: string;
  readonly topic: string;
  /** Marks the run's values. */
  readonly run: string;
  /** What the command says, life by life. */
  readonly log: string;
}

export class ConsumeProcess {
  readonly plan: ConsumePlan;
  readonly lives: PrintedLife[] = [];
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  #rest = "";
  #isWanted = false;

  constructor(plan: ConsumePlan) {
    this.plan = plan;
  }

  get isRunning(): boolean {
    return this.#child !== null;
  }

  start(): void {
    if (this.#child !== null) return;
    this.#isWanted = true;
    const { program, topic, bootstrap, group, log } = this.plan;
    const life: PrintedLife = { records: [], strange: [], exit: null, wasKilled: false };
    this.lives.push(life);
    const child = spawn(
      process.execPath,
      [
        ...[program, "consume", topic, "--bootstrap", bootstrap, "--format", FORMAT],
        ...["--timeout", String(TIMEOUT_S), ...(group === null ? [] : ["--group", group])],
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    childrenOfRun.add(child);
    this.#child = child;
    this.#rest = "";
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (text: string) => this.#took(life, text));
    child.stderr.on("data", (text: Buffer) => appendFileSync(log, text));
    // `close` comes after the end of its output.
    this.#ended = once(child, "close").then(([code, signal]) => {
      childrenOfRun.delete(child);
      life.exit = { code: code as number | null, signal: signal as string | null };
      appendFileSync(
        log,
        `life ${this.lives.length} ended: ${life.exit.signal ?? life.exit.code}\n`,
      );
      if (this.#child !== child) return;
      this.#child = null;
      if (this.#isWanted && foundNobody(life)) setTimeout(() => this.start(), RESTART_MS);
    });
  }

  #took(life: PrintedLife, text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const [partition, offset] = line.split(" ", 2);
      const head = `${partition} ${offset} `;
      const name = decodeValue(this.plan.run, Buffer.from(line.slice(head.length)));
      if (name === null) life.strange.push(line.slice(0, 200));
      else life.records.push({ partition: Number(partition), offset: Number(offset), ...name });
    }
  }

  /** SIGTERM lets it commit and leave; SIGKILL does not. Resolves when all that it printed is here. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    this.#isWanted = false;
    const life = this.lives.at(-1);
    if (this.#child === null || life === undefined) return this.#ended;
    life.wasKilled = signal === "SIGKILL";
    const child = this.#child;
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), HANG_MS);
    await this.#ended;
    clearTimeout(timer);
  }
}
