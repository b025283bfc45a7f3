// Background work of one simulated process. Pure jobs run inline, and their results arrive in an event.
import type {
  ComputeAnswer,
  ComputeFault,
  ComputeJob,
  Tasks,
} from "../../../internal/ports/tasks.ts";
import type { Result } from "../../../internal/base/result.ts";
import { assert } from "../../../internal/base/assert.ts";
import type { Life } from "./life.ts";
import { DELIVERY } from "./scheduler.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SeededEntropy } from "./seeded-entropy.ts";

/** Runs a pure job. */
export type Compute = (job: ComputeJob) => Result<ComputeAnswer<ComputeJob>, ComputeFault>;

export class SimTasks implements Tasks {
  readonly #scheduler: Scheduler;
  readonly #life: Life;
  readonly #entropy: SeededEntropy;
  readonly #compute: Compute;
  readonly #escaped: (name: string, fault: unknown) => void;
  readonly #stop = new AbortController();
  readonly #running = new Map<number, { readonly name: string; readonly ended: Promise<void> }>();
  #next = 0;

  constructor(
    scheduler: Scheduler,
    life: Life,
    entropy: SeededEntropy,
    compute: Compute,
    escaped: (name: string, fault: unknown) => void,
  ) {
    this.#scheduler = scheduler;
    this.#life = life;
    this.#entropy = entropy;
    this.#compute = compute;
    this.#escaped = escaped;
  }

  /** Names of what is running, for checkers that look for hangs. */
  get running(): string[] {
    return [...this.#running.values()].map((task) => task.name);
  }

  spawn(name: string, work: (stop: AbortSignal) => Promise<void>): void {
    if (!this.#life.alive) return;
    assert(!this.#stop.signal.aborted, "nothing is spawned after the stop");
    const number = this.#next++;
    const ended = this.#run(name, work).finally(() => this.#running.delete(number));
    this.#running.set(number, { name, ended });
  }

  compute<J extends ComputeJob>(job: J): Promise<Result<ComputeAnswer<J>, ComputeFault>> {
    const bytes = job.bytes.slice();
    job.bytes.fill(0xdb); // given away: the caller must not look again
    return new Promise((resolve) => {
      const delayUs = this.#entropy.between(10, 2_000);
      this.#scheduler.at(delayUs, this.#life, DELIVERY, "compute", () => {
        resolve(this.#compute({ ...job, bytes }) as Result<ComputeAnswer<J>, ComputeFault>);
      });
    });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#running.values()].map((task) => task.ended));
  }

  async #run(name: string, work: (stop: AbortSignal) => Promise<void>): Promise<void> {
    try {
      await work(this.#stop.signal);
    } catch (fault) {
      if (this.#life.alive && !this.#stop.signal.aborted) this.#escaped(name, fault);
    }
  }
}
