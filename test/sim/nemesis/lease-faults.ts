// Faults for the moments in which a leader relies on what others promised (L5): the target of a transfer that cannot finish
// its campaign, a voter that just left its leader and cannot say so, and a loyal voter that forgets to whom it was loyal
// while its leader does not notice.
import type { SimBroker } from "../cluster/sim-cluster.ts";
import type { MomentFault } from "../plan.ts";
import { DELIVERY } from "../world/scheduler.ts";
import type { Stage } from "./stage.ts";

/** Longer than a leader waits for a transfer to end. */
const STALL_MS_MAX = 2_500;
const SILENCED_MS_MAX = 2_000;
const DOWN_MS_MAX = 8;

export class LeaseFaults {
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async order(kind: MomentFault, at: SimBroker, crash: () => void): Promise<void> {
    const { entropy, simulation, totals } = this.#stage;
    switch (kind) {
      case "stall who takes over":
        totals.stalls++;
        at.node.disk.stall("journal", 1_000 * entropy.between(20, STALL_MS_MAX));
        return;
      case "silence who left a leader":
        return this.#silence(at, entropy.between(20, SILENCED_MS_MAX));
      case "power who is loyal": {
        // What its new process answers to old connections must not tell.
        this.#silence(at, entropy.between(200, SILENCED_MS_MAX));
        crash();
        const downUs = 1_000 * entropy.between(1, DOWN_MS_MAX);
        const { scheduler } = simulation;
        scheduler.at(downUs, null, DELIVERY, "restart", () => at.start(scheduler.nowUs));
        return;
      }
      default:
    }
  }

  /** Nothing that it says reaches whoever leads something. */
  #silence(at: SimBroker, forMs: number): void {
    const { cluster, simulation, totals, undoAfter } = this.#stage;
    const { links } = simulation.network;
    totals.oneWayCuts++;
    const leaders = cluster.brokers.filter(
      (other) => other !== at && (other.broker?.raft.leaderCount ?? 0) > 0,
    );
    for (const { node } of leaders) links.cutOneWay(at.node.name, node.name);
    undoAfter(forMs, () => {
      for (const { node } of leaders) links.heal(at.node.name, node.name);
    });
  }
}
