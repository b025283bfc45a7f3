// A few threads for CPU-heavy pure jobs. They start with the first job, so that a broker that
// never needs them does not pay for them, and they do not keep the process alive when idle.
import { Worker } from "node:worker_threads";
import type { ComputeJob } from "../ports/tasks.ts";
import type { ComputeOutcome as Outcome } from "./compute-job.ts";

interface PendingJob {
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
}

export class ComputePool {
  readonly #threads: ComputeThread[] = [];
  readonly #threadsMax: number;

  constructor(threadsMax: number) {
    this.#threadsMax = threadsMax;
  }

  /** Runs a job on the least busy thread. `job.bytes` is given away. Rejects only when a thread breaks. */
  run(job: ComputeJob): Promise<Outcome> {
    return new Promise((resolve, reject) => this.#pick().start(job, { resolve, reject }));
  }

  /** Ends the threads; jobs under way reject. */
  async stop(): Promise<void> {
    await Promise.all(this.#threads.splice(0).map((thread) => thread.stop()));
  }

  #pick(): ComputeThread {
    let best: ComputeThread | null = null;
    for (const thread of this.#threads) if (best === null || thread.jobs < best.jobs) best = thread;
    if (best !== null && (best.jobs === 0 || this.#threads.length === this.#threadsMax))
      return best;
    const thread = new ComputeThread();
    this.#threads.push(thread);
    return thread;
  }
}

class ComputeThread {
  readonly #worker: Worker;
  /** In the order in which the thread will answer. */
  readonly #pending: PendingJob[] = [];
  #ended = false;

  constructor() {
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    const thread = new URL(`./compute-thread.${extension}`, import.meta.url);
    this.#worker = new Worker(thread, { name: "compute", execArgv: [] });
    this.#worker.on("message", (outcome: Outcome) => this.#finish(outcome));
    this.#worker.on("error", (error) => this.#break(error));
    this.#worker.on("exit", () => this.#break(new Error("a compute thread ended")));
    this.#worker.unref();
  }

  get jobs(): number {
    return this.#pending.length;
  }

  start(job: ComputeJob, pending: PendingJob): void {
    if (this.#ended) {
      pending.reject(new Error("a compute thread ended"));
      return;
    }
    this.#pending.push(pending);
    this.#worker.ref();
    const bytes = ownedBytes(job.bytes);
    this.#worker.postMessage({ ...job, bytes }, [bytes.buffer]);
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #finish(outcome: Outcome): void {
    const pending = this.#pending.shift();
    if (this.#pending.length === 0) this.#worker.unref();
    pending?.resolve(outcome);
  }

  #break(error: unknown): void {
    this.#ended = true;
    for (const pending of this.#pending.splice(0)) pending.reject(error);
  }
}

/** The bytes in a buffer of their own, which can be transferred; a copy when they share theirs. */
function ownedBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  const whole = buffer instanceof ArrayBuffer && bytes.byteLength === buffer.byteLength;
  // A Buffer of Node's shared pool is never whole, so transferring cannot take others' bytes away.
  return whole ? new Uint8Array(buffer) : new Uint8Array(bytes);
}
