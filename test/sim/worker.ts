// One worker process of the simulator: runs the seeds that it is told to, one at a time, and sends back what came out.
import { MUTANTS } from "./mutants.ts";
import { runSeed } from "./run.ts";
import type { Order } from "./sim.ts";

process.on("message", (order: Order) => {
  const { seed, workload, mutant } = order;
  const faults = mutant === null ? {} : { faults: MUTANTS[mutant] };
  void runSeed({ seed, workload, ...faults }).then((report) => process.send?.(report));
});
