// Runs seeds on worker processes, one seed at a time on each. Of every fifty one is run again in another process, and must
// end with the same hash.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { failureText, orderOf, replayOf } from "./options.ts";
import type { Options, Order } from "./options.ts";
import { addTotals, newTotals } from "./totals.ts";
import type { WorkerReport } from "./worker.ts";

const REPLAY_EVERY = 50;
/** What disks and links of a run are made of lies outside of V8's heap, which would be walked once per 64 MiB of it. */
const NODE_FLAGS = ["--external-memory-accounted-in-global-limit", "--initial-old-space-size=1024"];

export class Pool {
  readonly #options: Options;
  readonly totals = newTotals();
  readonly #digests = new Map<number, string>();
  #replays: { readonly order: Order; readonly by: number }[] = [];
  /** How many seeds have been begun. */
  #begun = 0;
  passed = 0;
  failed = 0;
  /** Processor time of all runs, µs. */
  cpuUs = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  async run(): Promise<void> {
    await Promise.all(
      Array.from({ length: this.#options.processes }, (_, number) => this.#work(number)),
    );
  }

  #work(number: number): Promise<void> {
    const execArgv = [...process.execArgv, ...NODE_FLAGS];
    const worker = fork(fileURLToPath(new URL("./worker.ts", import.meta.url)), { execArgv });
    return new Promise((resolve) => {
      let current: Order | null = null;
      const go = (): void => {
        current = this.#take(number);
        if (current === null) worker.disconnect();
        else worker.send(current);
      };
      worker.on("message", (report: WorkerReport) => {
        if (current !== null) this.#took(current, report, number);
        go();
      });
      worker.on("exit", (code) => {
        if (current !== null) this.#died(current, code);
        resolve();
      });
      go();
    });
  }

  #take(number: number): Order | null {
    const { seeds } = this.#options;
    const isLast = this.#begun >= seeds.length;
    // Preferably in the other process; at the end, in any.
    const replay = this.#replays.findIndex(({ by }) => by !== number || isLast);
    if (replay >= 0) return this.#replays.splice(replay, 1)[0]?.order ?? null;
    const seed = seeds[this.#begun];
    if (seed === undefined) return null;
    this.#begun++;
    return orderOf(seed, this.#options);
  }

  #took(order: Order, report: WorkerReport, by: number): void {
    const { seed } = order;
    const known = this.#digests.get(seed);
    this.cpuUs += report.cpuUs;
    if (known !== undefined) return this.#replayed(order, known === report.digest);
    const isAgain = this.#digests.size % REPLAY_EVERY === 0;
    this.#digests.set(seed, report.digest);
    addTotals(this.totals, report.totals);
    if (report.findings.length === 0) this.passed++;
    else {
      this.failed++;
      console.log(failureText(order, report));
    }
    if (isAgain) this.#replays.push({ order, by });
    if (this.#digests.size % 100 === 0) console.log(`${this.#digests.size} seeds done`);
  }

  #replayed(order: Order, isSame: boolean): void {
    this.totals.replayed++;
    if (isSame) this.passed++;
    else {
      this.failed++;
      console.log(
        `seed ${order.seed} has two histories: it ended with another hash in another process`,
        `\n  replay: ${replayOf(order)}`,
      );
    }
  }

  #died(order: Order, code: number | null): void {
    this.failed++;
    console.log(`seed ${order.seed} ended its process with code ${code}`);
    console.log(`  replay: ${replayOf(order)}`);
  }
}
