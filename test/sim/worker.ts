// One worker process of the simulator: runs the seeds that it is told to, one at a time, and sends back what came out.
import { MUTANTS } from "./mutants.ts";
import type { Order } from "./options.ts";
import { runSeed } from "./run.ts";

process.on("message", ({ seed, workload, profile, mutant }: Order) => {
  const faults = mutant === null ? {} : { faults: MUTANTS[mutant] };
  void runSeed({ seed, workload, profile, ...faults }).then((report) => process.send?.(report));
});
