// One worker process of the simulator: runs the seeds that it is told to, one at a time, and sends back what came out.
import { MUTANTS } from "./mutants.ts";
import type { Order } from "./options.ts";
import { runSeed } from "./run.ts";
import type { RunReport } from "./run.ts";

/** What of a report the other process wants to know. */
export type WorkerReport = Pick<RunReport, "findings" | "totals" | "digest" | "cpuUs">;

process.on("message", ({ seed, workload, profile, mutant }: Order) => {
  const faults = mutant === null ? {} : { faults: MUTANTS[mutant] };
  void runSeed({ seed, workload, profile, ...faults }).then(
    ({ findings, totals, digest, cpuUs }) => {
      const report: WorkerReport = { findings, totals, digest, cpuUs };
      process.send?.(report);
    },
  );
});
