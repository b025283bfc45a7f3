// One driver process: an action goes in as its last argument, lines of JSON come out. What does not follow
// drivers/README.md is a fault of the driver and says so.
import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { createInterface } from "node:readline";
import type { DriverProgram } from "./client.ts";

export interface Action {
  readonly action: "version" | "produce" | "consume" | "seek" | "admin";
  readonly [option: string]: string | number | boolean;
}

export interface TopicShown {
  readonly partitions?: number;
  readonly retentionMs?: number;
}

/** Each line has one of these, or `generation` and `n` beside another. */
export interface Line {
  readonly version?: string;
  readonly unsupported?: string;
  readonly acked?: number | readonly [from: number, to: number];
  readonly error?: string;
  readonly n?: number;
  readonly done?: boolean;
  readonly assigned?: readonly number[];
  readonly revoked?: readonly number[];
  readonly owns?: readonly number[];
  readonly generation?: number;
  readonly record?: readonly [partition: number, offset: number, value: string];
  readonly committed?: readonly [partition: number, offset: number];
  readonly found?: readonly [partition: number, offset: number];
  readonly created?: boolean;
  readonly described?: TopicShown;
  readonly altered?: TopicShown;
  readonly deleted?: boolean;
  readonly lacks?: string;
}

/** The client cannot do what was asked for. */
export class Unsupported extends Error {
  override readonly name = "Unsupported";
}

const COMPLAINT_BYTES_MAX = 2_000;

const running = new Set<DriverProcess>();
process.on("exit", () => {
  for (const driver of running) driver.kill();
});

export class DriverProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #closed: Promise<unknown>;
  readonly #what: string;
  #complaint = "";
  #lastError = "";
  #fault: Error | null = null;
  /** Set when it could not go on by itself; its lines end there. */
  hasEnded = false;
  /** Called for each line; lines are not kept here. */
  readonly #hear: (line: Line) => void;

  constructor(program: DriverProgram, action: Action, hear: (line: Line) => void) {
    this.#what = action.action;
    this.#hear = hear;
    const [file, ...words] = program.command;
    this.#child = spawn(file, [...words, JSON.stringify(action)], {
      cwd: program.directory,
      env: { ...process.env, ...program.environment },
      stdio: ["pipe", "pipe", "pipe"],
    });
    running.add(this);
    this.#child.stdin.on("error", () => {});
    this.#child.on("error", (error) => (this.#fault ??= error));
    this.#child.stderr.on("data", (bytes: Buffer) => {
      this.#complaint = (this.#complaint + bytes.toString()).slice(-COMPLAINT_BYTES_MAX);
    });
    const lines = createInterface({ input: this.#child.stdout });
    lines.on("line", (text) => this.#heard(text));
    this.#closed = Promise.all([once(this.#child, "close"), once(lines, "close")]).catch(() => {});
    this.#child.on("close", () => {
      this.hasEnded = true;
      running.delete(this);
    });
  }

  #heard(text: string): void {
    if (text.trim() === "") return;
    try {
      const line = JSON.parse(text) as Line;
      if (line.unsupported !== undefined) this.#fault ??= new Unsupported(line.unsupported);
      if (line.error !== undefined) this.#lastError = line.error;
      this.#hear(line);
    } catch (error) {
      this.#fault ??= new Error(`a line that is none: ${text}: ${(error as Error).message}`);
    }
  }

  /** Ends it as a crash would. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async killed(): Promise<void> {
    this.kill();
    await this.#closed;
  }

  /** Tells a consumer to end. */
  stop(): void {
    this.#child.stdin.end("stop\n");
  }

  /** Throws what went wrong so far, so that nobody waits for what cannot come. */
  check(): void {
    if (this.#fault !== null) throw this.#fault;
    if (this.hasEnded)
      throw new Error(
        `${this.#what} ended early with ${this.#child.exitCode ?? "a signal"}${this.#said()}`,
      );
  }

  /** Resolves when it ended well. @throws Error when it did not, or not in time; then it is killed. */
  async ended(withinMs: number): Promise<void> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.kill();
    }, withinMs);
    await this.#closed;
    clearTimeout(timer);
    if (this.#fault !== null) throw this.#fault;
    if (isLate) throw new Error(`${this.#what} had not ended after ${withinMs} ms${this.#said()}`);
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== 0) {
      throw new Error(`${this.#what} ended with ${exitCode ?? signalCode}${this.#said()}`);
    }
  }

  #said(): string {
    const error = this.#lastError === "" ? "" : `; its last error: ${this.#lastError}`;
    const text = this.#complaint.trim();
    return text === "" ? error : `${error}; it said: ${text}`;
  }
}

/** Runs an action that ends by itself; its lines. */
export async function act(
  program: DriverProgram,
  action: Action,
  withinMs: number,
  hear: (line: Line) => void = () => {},
): Promise<readonly Line[]> {
  const lines: Line[] = [];
  const driver = new DriverProcess(program, action, (line) => {
    lines.push(line);
    hear(line);
  });
  await driver.ended(withinMs);
  return lines;
}
