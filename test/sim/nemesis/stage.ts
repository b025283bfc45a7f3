// What every kind of fault is made with: the world, the cluster in it, what is left to chance, and how it ends again.
import type { SimBroker, SimCluster } from "../cluster/sim-cluster.ts";
import type { Totals } from "../totals.ts";
import type { Simulation } from "../world/sim-world.ts";
import type { Choices } from "./schedule.ts";
import type { Supervisor } from "./supervisor.ts";

/** The same for all actions of a run. */
export interface Setting {
  readonly simulation: Simulation;
  readonly cluster: SimCluster;
  readonly totals: Totals;
  readonly supervisor: Supervisor;
  /** Notes a fault, for the trace. */
  note(what: string): void;
  /** Says later whether everything that the journal of `at` holds now is on another disk too. */
  heldElsewhere(at: SimBroker): () => boolean;
  /** Takes down what the checkers know of a disk, as its backup does; the function returned puts it back. */
  backUp(at: SimBroker): () => void;
}

/** Of one action. */
export interface Stage extends Setting {
  /** What the action leaves open. */
  readonly entropy: Choices;
  /** Runs `undo` after so long, unless everything was undone before. */
  undoAfter(ms: number, undo: () => void): void;
}
