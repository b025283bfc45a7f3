// Starts the brokers of a local cluster as processes, tells what becomes of them, and stops them. It restarts none: a
// broker that was killed stays dead until somebody starts it by itself.
import { createServer } from "node:net";
import { join } from "node:path";
import { isBroker, readPid } from "../broker/pid-file.ts";
import type { BrokerReport } from "../broker/supervision.ts";
import { CommandFailure, EXIT_CODE } from "../exit-code.ts";
import type { Terminal } from "../terminal.ts";
import { ChildBroker } from "./child-broker.ts";
import { HOST } from "./layout.ts";
import type { ClusterLayout, LocalBroker } from "./layout.ts";

/** The program that a broker runs; the extension is that of this file, compiled or not. */
const EXTENSION = import.meta.filename.endsWith(".ts") ? "ts" : "js";
const PROGRAM = join(import.meta.dirname, "..", `main.${EXTENSION}`);
/** Longer than a broker gives itself. */
const STOP_MS_MAX = 15_000;
const POLL_MS = 50;

export class Supervisor {
  readonly #layout: ClusterLayout;
  readonly #terminal: Terminal;
  #children: readonly ChildBroker[] = [];
  #isStopping = false;
  #startFailed: (failure: CommandFailure) => void = () => {};
  #allServe: () => void = () => {};

  constructor(layout: ClusterLayout, terminal: Terminal) {
    this.#layout = layout;
    this.#terminal = terminal;
  }

  /** Resolves when all brokers serve; stops them and fails when one cannot start. */
  async start(interruption: AbortSignal): Promise<void> {
    await refuseTakenPorts(this.#layout);
    const serving = new Promise<void>((resolve, reject) => {
      this.#allServe = resolve;
      this.#startFailed = reject;
    });
    const interrupted = new Promise<void>((resolve) => {
      interruption.addEventListener("abort", () => resolve(), { once: true });
    });
    this.#children = this.#layout.brokers.map(
      (broker) =>
        new ChildBroker(broker, PROGRAM, {
          reported: (child, report) => this.#reported(child, report),
          ended: (child, how) => this.#ended(child, how),
        }),
    );
    try {
      await Promise.race([serving, interrupted]);
    } catch (failure) {
      await this.stop();
      throw failure;
    }
  }

  /** Stops the brokers that it started, in parallel. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const child of this.#children) child.stop();
    const late = setTimeout(() => {
      for (const child of this.#children) child.kill();
    }, STOP_MS_MAX);
    await Promise.all(this.#children.map(({ ended }) => ended));
    clearTimeout(late);
    for (const broker of this.#layout.brokers) {
      const pid = runningPid(broker);
      if (pid === null) continue;
      this.#say(broker, `was started by itself and still runs (pid ${pid}); kill ${pid} stops it`);
    }
  }

  /** The brokers stay when this process ends. */
  async leaveAlone(): Promise<void> {
    const running = this.#children.filter(({ isRunning }) => isRunning);
    await Promise.all(running.map((child) => child.leaveAlone()));
  }

  #reported({ broker, pid }: ChildBroker, report: BrokerReport): void {
    switch (report.is) {
      case "started":
        return this.#say(broker, `started (pid ${pid}), waits for its peers`);
      case "serving":
        this.#say(broker, `serves Kafka clients on ${HOST}:${broker.ports.kafka}`);
        if (this.#children.every(({ state }) => state === "serving")) this.#allServe();
        return;
      case "stopping":
        return this.#say(broker, "stops");
      case "failed": {
        const message = `broker ${broker.id} cannot start: ${report.message}`;
        this.#startFailed(new CommandFailure(EXIT_CODE.failed, message, report.hint));
      }
    }
  }

  #ended({ broker }: ChildBroker, how: string): void {
    if (this.#isStopping) return this.#say(broker, "has stopped");
    this.#say(broker, `ended (${how}); to start it again: ${startCommand(broker)}`);
    const message = `broker ${broker.id} ended before it served (${how}); see ${broker.logFile}`;
    // After the start this has no effect: a broker that dies later leaves the others as they are.
    this.#startFailed(new CommandFailure(EXIT_CODE.failed, message));
  }

  #say(broker: LocalBroker, what: string): void {
    this.#terminal.print(`broker ${broker.id}: ${what}`);
  }
}

function startCommand({ configFile }: LocalBroker): string {
  return `node_modules/.bin/flotilla start --config ${configFile}`;
}

/** The process of a broker, however it was started; null when it does not run. */
function runningPid({ pidFile }: LocalBroker): number | null {
  const pid = readPid(pidFile);
  return pid !== null && isBroker(pid) ? pid : null;
}

/** Stops whatever runs of a cluster, also what another process started. Answers how many brokers it stopped. */
export async function stopRunning(layout: ClusterLayout, terminal: Terminal): Promise<number> {
  const running = layout.brokers.flatMap((broker) => {
    const pid = runningPid(broker);
    return pid === null ? [] : [{ broker, pid }];
  });
  for (const { pid } of running) process.kill(pid, "SIGTERM");
  const giveUpAtMs = performance.now() + STOP_MS_MAX;
  for (const { broker, pid } of running) {
    while (isBroker(pid)) {
      if (performance.now() > giveUpAtMs) kill(pid);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    terminal.print(`broker ${broker.id}: has stopped`);
  }
  return running.length;
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself at this moment.
  }
}

async function refuseTakenPorts({ brokers }: ClusterLayout): Promise<void> {
  for (const broker of brokers) {
    for (const [use, port] of Object.entries(broker.ports)) {
      if (!(await isTaken(port as number))) continue;
      const pid = runningPid(broker);
      throw new CommandFailure(
        EXIT_CODE.failed,
        `port ${port} is in use on ${HOST}: broker ${broker.id} needs it for ${use}`,
        pid === null
          ? "stop the program that listens there, or choose other ports (flotilla help cluster)"
          : `broker ${broker.id} of this cluster runs already (pid ${pid}); flotilla cluster --stop stops it`,
      );
    }
  }
}

function isTaken(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(true));
    server.listen(port, HOST, () => server.close(() => resolve(false)));
  });
}
