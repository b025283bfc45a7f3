// A whole simulated world from one seed: machines with disks and clocks, the network between them, and a
// World port for each process that is started on one. The driver of a simulation starts here.
import type { World } from "../../../internal/ports/world.ts";
import { assert } from "../../../internal/base/assert.ts";
import type { Life } from "./life.ts";
import { Scheduler } from "./scheduler.ts";
import type { RunEnd, RunLimits } from "./scheduler.ts";
import { SeededEntropy } from "./seeded-entropy.ts";
import { SimClock } from "./sim-clock.ts";
import type { WallClock } from "./sim-clock.ts";
import { CALM_DISK } from "./sim-device.ts";
import type { CrashKind, SimDiskOptions } from "./sim-device.ts";
import { SimDisk } from "./sim-disk.ts";
import { LogBook } from "./sim-log.ts";
import { SimMeter } from "./sim-meter.ts";
import { CALM_NETWORK } from "./sim-fabric.ts";
import { SimNetwork } from "./sim-network.ts";
import type { NetworkOptions } from "./sim-fabric.ts";
import { SimTasks } from "./sim-tasks.ts";
import type { Compute } from "./sim-tasks.ts";
import { runComputeJob } from "../../../internal/host/compute-job.ts";
import "../../spoil-lent.ts";

/** Of virtual time: whatever is waited for has happened long before. */
const UNTIL_MS_MAX = 60_000;

export interface SimulationOptions {
  readonly seed: number;
  readonly disk?: SimDiskOptions;
  readonly network?: NetworkOptions;
  readonly compute?: Compute;
}

/** The World of one life, with what a test may look into. */
export interface SimWorld extends World {
  readonly life: Life;
  readonly clock: SimClock;
  readonly meter: SimMeter;
  readonly tasks: SimTasks;
}

/** A process that ended itself. */
export interface Fatal {
  readonly atUs: number;
  readonly node: string;
  readonly incarnation: number;
  readonly reason: string;
  readonly fault: unknown;
}

export class Simulation {
  readonly seed: number;
  readonly scheduler = new Scheduler();
  readonly network: SimNetwork;
  readonly logs: LogBook;
  readonly fatals: Fatal[] = [];
  readonly options: SimulationOptions;
  readonly #nodes = new Map<string, SimNode>();

  constructor(options: SimulationOptions) {
    this.options = options;
    this.seed = options.seed;
    this.network = new SimNetwork(this.scheduler, this.seed, options.network ?? CALM_NETWORK);
    this.logs = new LogBook(this.scheduler);
  }

  /** The machine of that name; made when it is first asked for. Its name is its host name. */
  node(name: string): SimNode {
    const known = this.#nodes.get(name);
    if (known !== undefined) return known;
    const node = new SimNode(this, name);
    this.#nodes.set(name, node);
    return node;
  }

  get nodes(): SimNode[] {
    return [...this.#nodes.values()];
  }

  /** A stream of randomness of its own, for a workload or a nemesis. */
  entropy(stream: string): SeededEntropy {
    return new SeededEntropy(this.seed, stream);
  }

  get nowMs(): number {
    return this.scheduler.nowUs / 1000;
  }

  run(limits: RunLimits): Promise<RunEnd> {
    return this.scheduler.run(limits);
  }

  runForMs(durationMs: number): Promise<void> {
    return this.scheduler.runFor(Math.round(durationMs * 1000));
  }

  /** Runs until `holds`, which is looked at every `stepMs`; rejects when it takes too long. Resolves to how long it took. */
  async until(what: string, holds: () => boolean, stepMs = 20): Promise<number> {
    const startMs = this.nowMs;
    while (!holds()) {
      if (this.nowMs - startMs > UNTIL_MS_MAX)
        throw new Error(`not within ${UNTIL_MS_MAX} ms: ${what}`);
      await this.runForMs(stepMs);
    }
    return this.nowMs - startMs;
  }

  /** Runs until `promise` settles. */
  settle<T>(promise: Promise<T>): Promise<T> {
    return this.scheduler.settle(promise);
  }

  /** For scripts that run inside the simulation: settles when so much virtual time has passed. */
  sleepMs(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.scheduler.at(Math.round(durationMs * 1000), null, 1, "sleep", resolve);
    });
  }

  /** Equal for two runs of one seed, wherever they run. */
  digest(): string {
    return this.scheduler.hash.digest();
  }
}

/** One machine: a disk and a wall clock that outlive the processes started on it, one at a time. */
export class SimNode {
  readonly name: string;
  readonly disk: SimDisk;
  readonly wall: WallClock = { offsetMs: 0, rate: 1 };
  readonly #simulation: Simulation;
  #world: SimWorld | null = null;
  #incarnation = 0;
  #machineRun = 1;

  constructor(simulation: Simulation, name: string) {
    this.#simulation = simulation;
    this.name = name;
    const options = simulation.options.disk ?? CALM_DISK;
    this.disk = new SimDisk(simulation.scheduler, simulation.seed, name, options);
  }

  /** The running process, or null. */
  get world(): SimWorld | null {
    return this.#world;
  }

  get alive(): boolean {
    return this.#world !== null;
  }

  get frozen(): boolean {
    return this.#world !== null && this.#world.life.frozen;
  }

  /** Starts a process and gives it its World. */
  boot(): SimWorld {
    assert(this.#world === null, "one process per machine");
    const { scheduler, seed, network, logs, options } = this.#simulation;
    const life = scheduler.newLife(this.name, ++this.#incarnation);
    const entropyOf = (use: string): SeededEntropy =>
      new SeededEntropy(seed, `${use} ${this.name} ${life.incarnation}`);
    const log = logs.portFor(life);
    const fatal = (reason: string, fault: unknown): void => this.#fatal(life, reason, fault);
    const compute = options.compute ?? runComputeJob;
    const tasks = new SimTasks(scheduler, life, entropyOf("tasks"), compute, (name, fault) => {
      log.error({ task: name, fault: String(fault) }, "task-failed");
      fatal("task-failed", fault);
    });
    this.#world = {
      life,
      clock: new SimClock(scheduler, life, this.wall, entropyOf("clock")),
      entropy: entropyOf("process"),
      disk: this.disk.portFor(life),
      wire: network.portFor(life),
      tasks,
      log,
      meter: new SimMeter(),
      machineRun: `${this.name} ${this.#machineRun}`,
      fatal,
    };
    return this.#world;
  }

  /** Ends the process at this moment (kill -9), or takes the power from the whole machine. */
  crash(kind: CrashKind): void {
    const world = this.#world;
    if (world !== null) {
      this.#world = null;
      world.life.end();
    } else if (kind === "kill") return;
    if (kind === "power") this.#machineRun++;
    this.disk.crash(kind);
    this.#simulation.network.crash(this.name, kind);
  }

  /** SIGSTOP. */
  freeze(): void {
    if (this.#world !== null) this.#simulation.scheduler.freeze(this.#world.life);
  }

  /** Suspends the machine: like a freeze, and its monotonic clock stands still. */
  suspend(): void {
    if (this.#world === null || this.#world.life.frozen) return;
    this.#world.life.suspendedAtUs = this.#simulation.scheduler.nowUs;
    this.freeze();
  }

  /** SIGCONT, or the end of a suspend: what came due meanwhile is delivered at once. */
  thaw(): void {
    if (this.#world === null) return;
    this.#world.clock.wake();
    this.#simulation.scheduler.thaw(this.#world.life);
  }

  #fatal(life: Life, reason: string, fault: unknown): void {
    if (!life.alive) return;
    const { scheduler, fatals } = this.#simulation;
    const { node, incarnation } = life;
    fatals.push({ atUs: scheduler.nowUs, node, incarnation, reason, fault });
    this.crash("kill");
  }
}
