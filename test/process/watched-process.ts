// A program as a process, for tests: what it printed, and how it ended.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";

const MAIN = join(import.meta.dirname, "..", "..", "cmd", "flotilla", "main.ts");

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class WatchedProcess {
  readonly ended: Promise<Ended>;
  output = "";
  complaints = "";
  readonly #process: ChildProcess;
  #isOver = false;
  #wake: () => void = () => {};

  constructor(program: string, words: readonly string[], directory: string) {
    const environment = Object.entries(process.env).filter(
      ([name]) => !name.startsWith("FLOTILLA_") && name !== "NODE_OPTIONS",
    );
    this.#process = spawn(program, words, {
      cwd: directory,
      env: Object.fromEntries(environment),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process.stdout?.on("data", (bytes: Buffer) => {
      this.output += bytes.toString();
      this.#wake();
    });
    this.#process.stderr?.on("data", (bytes: Buffer) => {
      this.complaints += bytes.toString();
    });
    this.ended = new Promise((resolve) => {
      this.#process.once("close", (code, signal) => {
        this.#isOver = true;
        this.#wake();
        resolve({ code, signal });
      });
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Resolves when the process has printed `text`; rejects when it ended without. */
  async printed(text: string | RegExp): Promise<void> {
    const isThere = (): boolean =>
      typeof text === "string" ? this.output.includes(text) : text.test(this.output);
    while (!isThere()) {
      if (this.#isOver) {
        throw new Error(
          `ended without printing ${String(text)}:\n${this.output}${this.complaints}`,
        );
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  send(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }
}

/** The command line of this project, from its source. */
export function flotilla(words: readonly string[], directory: string): WatchedProcess {
  return new WatchedProcess(process.execPath, [MAIN, ...words], directory);
}

/** The first of `count` ports in a row that nobody listens on. */
export async function freePortsInRow(count: number): Promise<number> {
  for (;;) {
    // Below the ports that the system gives to outgoing connections.
    const first = 12_000 + Math.floor(Math.random() * 18_000);
    const rows = Array.from({ length: count }, (_, index) => isFree(first + index));
    if ((await Promise.all(rows)).every(Boolean)) return first;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
