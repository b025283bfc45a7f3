// A broker ends itself only for a reason that the simulation gave it (J8, L4).
import type { Verdict } from "../checkers/verdict.ts";
import type { SimBroker, SimCluster } from "../cluster/sim-cluster.ts";
import { isUnreadable } from "../nemesis/supervisor.ts";
import type { DiskFault } from "../../../internal/ports/disk.ts";

export class FatalWatch {
  readonly #cluster: SimCluster;
  readonly #verdict: Verdict;
  readonly #isLost: (at: SimBroker) => boolean;
  #seen = 0;

  /** `isLost`: its disk has lost or misplaced something, perhaps what says whose directory it is. */
  constructor(cluster: SimCluster, verdict: Verdict, isLost: (at: SimBroker) => boolean) {
    this.#cluster = cluster;
    this.#verdict = verdict;
    this.#isLost = isLost;
    // `fatal` notes its reason before it ends the process.
    cluster.listen({ ended: (at) => this.#look(at) });
  }

  #look(at: SimBroker): void {
    const { fatals } = this.#cluster.simulation;
    for (; this.#seen < fatals.length; this.#seen++) {
      const { node, reason, fault } = fatals[this.#seen] as (typeof fatals)[number];
      if (isDiskFault(fault) && ORDERED.has(fault.code)) continue;
      if (reason === "journal-stalled" && wasStalled(at)) continue;
      if (this.#isLost(at) && isUnreadable(reason, fault)) continue;
      const detail = `${node}: ${reason} ${describe(fault)}`;
      this.#verdict.report("brokers end only for a reason", detail);
    }
  }
}

/** What the nemesis orders. */
const ORDERED = new Set(["EIO", "ENOSPC", "SHORT"]);

function wasStalled({ node }: SimBroker): boolean {
  return node.disk.stalledUntilUs("journal") > 0 || node.disk.stalledUntilUs("bulk") > 0;
}

function isDiskFault(fault: unknown): fault is DiskFault {
  return typeof fault === "object" && fault !== null && "kind" in fault && fault.kind === "disk";
}

function describe(fault: unknown): string {
  if (fault instanceof Error) return fault.stack ?? fault.message;
  return JSON.stringify(fault) ?? String(fault);
}
