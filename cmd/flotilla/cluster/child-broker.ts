// A broker of a local cluster as a child process. It is the leader of its own process group, so that Ctrl-C reaches the
// supervisor alone, which then stops the brokers in order.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { STAND_ALONE } from "../broker/supervision.ts";
import type { BrokerReport } from "../broker/supervision.ts";
import type { LocalBroker } from "./layout.ts";

/**
 * A request lives for milliseconds: with room for them in the young generation they die there, and the collector has
 * little to do.
 */
const NODE_FLAGS = ["--max-semi-space-size=32"];

export type ChildState = "starting" | "serving" | "stopping" | "ended";

export interface ChildEvents {
  reported(broker: ChildBroker, report: BrokerReport): void;
  ended(broker: ChildBroker, how: string): void;
}

export class ChildBroker {
  readonly broker: LocalBroker;
  readonly pid: number;
  readonly ended: Promise<void>;
  state: ChildState = "starting";
  readonly #process: ChildProcess;

  constructor(broker: LocalBroker, program: string, events: ChildEvents) {
    this.broker = broker;
    const log = openSync(broker.logFile, "a");
    this.#process = spawn(
      process.execPath,
      [...NODE_FLAGS, program, "start", "--config", broker.configFile],
      { stdio: ["ignore", log, log, "ipc"], detached: true },
    );
    closeSync(log);
    this.pid = this.#process.pid ?? 0;
    this.#process.on("message", (message) => {
      const report = message as BrokerReport;
      if (report.is === "serving") this.state = "serving";
      if (report.is === "stopping") this.state = "stopping";
      events.reported(this, report);
    });
    this.ended = new Promise((resolve) => {
      const end = (how: string): void => {
        if (this.state === "ended") return;
        this.state = "ended";
        events.ended(this, how);
        resolve();
      };
      this.#process.on("error", (error) => end(error.message));
      this.#process.on("exit", (code, signal) => end(signal ?? `exit code ${code ?? 0}`));
    });
  }

  get isRunning(): boolean {
    return this.state !== "ended";
  }

  stop(): void {
    if (this.isRunning) this.#process.kill("SIGTERM");
  }

  kill(): void {
    if (this.isRunning) this.#process.kill("SIGKILL");
  }

  /** The broker no longer ends with this process. */
  async leaveAlone(): Promise<void> {
    await new Promise<void>((resolve) => this.#process.send(STAND_ALONE, () => resolve()));
  }
}
