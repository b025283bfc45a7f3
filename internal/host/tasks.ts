// The Tasks port of the host: named background work with one stop signal, and a pool for pure jobs.
import { assert } from "../base/assert.ts";
import type { Result } from "../base/result.ts";
import { COMPUTE_THREADS_MAX } from "../ports/tasks.ts";
import type { ComputeAnswer, ComputeFault, ComputeJob, Tasks } from "../ports/tasks.ts";
import { ComputePool } from "./compute-pool.ts";

/** Called with what escaped from background work. */
export type Escaped = (name: string, fault: unknown) => void;

export class HostTasks implements Tasks {
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #pool = new ComputePool(COMPUTE_THREADS_MAX);
  readonly #escaped: Escaped;

  constructor(escaped: Escaped) {
    this.#escaped = escaped;
  }

  spawn(name: string, work: (stop: AbortSignal) => Promise<void>): void {
    assert(!this.#stop.signal.aborted, "nothing is spawned after the stop");
    const task = this.#run(name, work).finally(() => this.#running.delete(task));
    this.#running.add(task);
  }

  compute<J extends ComputeJob>(job: J): Promise<Result<ComputeAnswer<J>, ComputeFault>> {
    return this.#pool.run(job) as Promise<Result<ComputeAnswer<J>, ComputeFault>>;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
    await this.#pool.stop();
  }

  async #run(name: string, work: (stop: AbortSignal) => Promise<void>): Promise<void> {
    try {
      await work(this.#stop.signal);
    } catch (fault) {
      if (!this.#stop.signal.aborted) this.#escaped(name, fault);
    }
  }
}
