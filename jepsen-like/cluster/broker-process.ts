// One broker as a process of the operating system: started, killed, paused and continued by its id. Every life gets a
// log file of its own. All children of this program end with it, however it ends; nobody else's process is ever touched.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { once } from "node:events";
import { get } from "node:http";
import { HANG_MS } from "../patience.ts";
import type { BrokerAddress } from "../wire/connection.ts";
import { powerLossesOf } from "./power.ts";
import type { PowerLoss, PowerOrder } from "./power.ts";

export interface BrokerPlan {
  readonly id: number;
  /** Where clients connect: behind it the network begins. */
  readonly kafka: BrokerAddress;
  readonly grpc: BrokerAddress;
  readonly http: BrokerAddress;
  readonly dataDirectory: string;
  /** Program and arguments. */
  readonly command: readonly [program: string, ...args: string[]];
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  /** Each life appends its number and `.log`. */
  readonly logPrefix: string;
}

const LOOK_EVERY_MS = 50;

export interface BrokerDeath {
  readonly broker: number;
  readonly incarnation: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Every process that this program has started and that has not ended. */
export const childrenOfRun = new Set<ChildProcess>();

/** SIGKILL ends a stopped process too. */
export function killAllChildren(): void {
  for (const child of childrenOfRun) child.kill("SIGKILL");
}

process.on("exit", killAllChildren);

export class BrokerProcess {
  readonly plan: BrokerPlan;
  /** Number of the present or the last life; 0 before the first. */
  incarnation = 0;
  isPaused = false;
  /** How often its machine has lost its power. */
  powerLosses = 0;
  /** How long each start took until the broker answered: a measure of the machine. */
  readonly startsMs: number[] = [];
  #child: ChildProcess | null = null;
  #isEndExpected = false;
  readonly #unexpected: (death: BrokerDeath) => void;

  constructor(plan: BrokerPlan, unexpected: (death: BrokerDeath) => void) {
    this.plan = plan;
    this.#unexpected = unexpected;
  }

  get id(): number {
    return this.plan.id;
  }

  get isRunning(): boolean {
    return this.#child !== null;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  start(): void {
    if (this.#child !== null) return;
    this.incarnation++;
    this.isPaused = false;
    this.#isEndExpected = false;
    const { command, environment, workingDirectory, logPrefix } = this.plan;
    const log = openSync(`${logPrefix}${this.incarnation}.log`, "a");
    const [program, ...args] = command;
    const child = spawn(program, args, {
      cwd: workingDirectory,
      env: { ...process.env, ...environment },
      // The channel tells a broker when this program is gone, so that it ends too.
      stdio: ["ignore", log, log, "ipc"],
    });
    closeSync(log);
    childrenOfRun.add(child);
    this.#child = child;
    void this.#timeStart(child);
    const { incarnation } = this;
    child.on("error", () => this.#ended(child, { incarnation, code: null, signal: null }));
    child.on("exit", (code, signal) => this.#ended(child, { incarnation, code, signal }));
  }

  async #timeStart(child: ChildProcess): Promise<void> {
    const fromMs = performance.now();
    while (this.#child === child) {
      if (await this.answers()) {
        if (this.#child === child && !this.isPaused) this.startsMs.push(performance.now() - fromMs);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  #ended(child: ChildProcess, death: Omit<BrokerDeath, "broker">): void {
    childrenOfRun.delete(child);
    if (this.#child !== child) return;
    this.#child = null;
    if (!this.#isEndExpected) this.#unexpected({ broker: this.id, ...death });
  }

  /**
   * The power of the broker's machine fails, as the program that plays its disk is told to let it: it ends by SIGKILL. Null
   * when it was not running.
   */
  async losePower(order: PowerOrder): Promise<PowerLoss | null> {
    const child = this.#child;
    if (child === null) return null;
    this.#isEndExpected = true;
    const exit = once(child, "exit");
    child.send({ power: order });
    const timer = setTimeout(() => child.kill("SIGKILL"), HANG_MS);
    await exit;
    clearTimeout(timer);
    const losses = powerLossesOf(this.plan.workingDirectory);
    if (losses.length !== this.powerLosses + 1) return null;
    this.powerLosses = losses.length;
    return losses.at(-1) ?? null;
  }

  /** Ends the process and resolves when it is gone, with the signal that ended it. */
  async end(signal: "SIGKILL" | "SIGTERM", withinMs = HANG_MS): Promise<NodeJS.Signals | null> {
    const child = this.#child;
    if (child === null) return null;
    this.#isEndExpected = true;
    const exit = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), withinMs);
    const [, by] = await exit;
    clearTimeout(timer);
    return by;
  }

  /** True when the system shows the process as stopped: an injector that does nothing must be noticed. */
  async pause(): Promise<boolean> {
    this.#child?.kill("SIGSTOP");
    this.isPaused = true;
    for (const giveUpAtMs = performance.now() + HANG_MS; performance.now() < giveUpAtMs;) {
      if (this.#systemState() === "T") return true;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return false;
  }

  resume(): void {
    this.isPaused = false;
    this.#child?.kill("SIGCONT");
  }

  /**
   * Whether its HTTP listener answers, whatever it says: the process has started and read its journal. A mere
   * connection would not tell, because a broker tries its ports before it reads anything.
   */
  answers(): Promise<boolean> {
    const { host, port } = this.plan.http;
    return new Promise((resolve) => {
      const request = get({ host, port, path: "/", timeout: 500 }, (response) => {
        response.destroy();
        resolve(true);
      });
      request.on("timeout", () => request.destroy());
      request.on("error", () => resolve(false));
    });
  }

  /** The letter of /proc, e.g. T for stopped; "?" where the system does not tell. */
  #systemState(): string {
    try {
      const stat = readFileSync(`/proc/${this.pid ?? 0}/stat`, "utf8");
      return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
    } catch {
      return process.platform === "linux" ? "?" : "T";
    }
  }
}
