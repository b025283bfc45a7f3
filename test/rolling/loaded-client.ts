// A client program under load, as a process of its own: what it says on its output goes into a tally.
import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { createInterface } from "node:readline";
import type { Program } from "./programs.ts";
import { Tally } from "./tally.ts";

const COMPLAINT_CHARS_MAX = 400;

export class LoadedClient {
  readonly name: string;
  readonly topic: string;
  readonly tally = new Tally();
  readonly #child: ChildProcessWithoutNullStreams;
  #isOver = false;

  constructor(
    program: Program,
    bootstrap: string,
    topic: string,
    partitions: number,
    interval: string,
  ) {
    this.name = program.name;
    this.topic = topic;
    const { command, environment } = program;
    const [file, ...words] = command;
    const child = spawn(file, [...words, bootstrap, topic, String(partitions), interval], {
      env: { ...process.env, ...environment },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#child = child;
    process.on("exit", () => child.kill("SIGKILL"));
    createInterface({ input: child.stdout }).on("line", (line) => {
      try {
        this.tally.take(line);
      } catch {
        this.tally.fail(`says ${line.slice(0, COMPLAINT_CHARS_MAX)}`);
      }
    });
    let complaint = "";
    child.stderr.on("data", (bytes: Buffer) => {
      complaint = (complaint + bytes.toString()).slice(-COMPLAINT_CHARS_MAX);
    });
    child.on("error", (error) => this.tally.fail(error.message));
    child.on("exit", (code, signal) => {
      if (!this.#isOver) this.tally.fail(`ended with ${code ?? signal}: ${complaint.trim()}`);
    });
    child.stdin.on("error", () => {});
  }

  stopSending(): void {
    this.#child.stdin.write("stop\n");
  }

  kill(): void {
    this.#isOver = true;
    this.#child.stdin.write("end\n");
    this.#child.kill("SIGKILL");
  }
}
