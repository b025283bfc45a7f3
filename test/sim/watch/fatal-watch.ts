// A broker ends itself only for a reason that the simulation gave it (J8, L4).
import type { Verdict } from "../checkers/verdict.ts";
import type { SimBroker, SimCluster } from "../cluster/sim-cluster.ts";
import type { DiskFault } from "../../../internal/ports/disk.ts";

export class FatalWatch {
  readonly #cluster: SimCluster;
  readonly #verdict: Verdict;
  #seen = 0;

  constructor(cluster: SimCluster, verdict: Verdict) {
    this.#cluster = cluster;
    this.#verdict = verdict;
    // `fatal` notes its reason before it ends the process.
    cluster.listen({ ended: (at) => this.#look(at) });
  }

  #look(at: SimBroker): void {
    const { fatals } = this.#cluster.simulation;
    for (; this.#seen < fatals.length; this.#seen++) {
      const { node, reason, fault } = fatals[this.#seen] as (typeof fatals)[number];
      if (isDiskFault(fault) && ORDERED.has(fault.code)) continue;
      if (reason === "journal-stalled" && wasStalled(at)) continue;
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
