// What every kind of fault is made with: the world, the cluster in it, its own randomness, and how it ends again.
import type { SimBroker, SimCluster } from "../cluster/sim-cluster.ts";
import type { Totals } from "../totals.ts";
import type { SeededEntropy } from "../world/seeded-entropy.ts";
import type { Simulation } from "../world/sim-world.ts";
import type { Supervisor } from "./supervisor.ts";

/** What faults are made with. */
export interface Stage {
  readonly simulation: Simulation;
  readonly cluster: SimCluster;
  readonly entropy: SeededEntropy;
  readonly totals: Totals;
  readonly supervisor: Supervisor;
  /** Notes a fault, for the trace. */
  note(what: string): void;
  /** Takes down what the checkers know of a disk, as its backup does; the function returned puts it back. */
  backUp(at: SimBroker): () => void;
  /** Runs `undo` after so long, unless everything was undone before. */
  undoAfter(ms: number, undo: () => void): void;
}
