// Orders faults as the plan says: at random times, and at moments that a broker has just reached. Every fault that
// lasts undoes itself after a while; `calm` undoes all of them.
import type { SimBroker, SimCluster } from "../cluster/sim-cluster.ts";
import type { FaultKind, MomentFault, Plan } from "../plan.ts";
import type { Totals } from "../totals.ts";
import type { Moment } from "../watch/watched-replica.ts";
import { DELIVERY } from "../world/scheduler.ts";
import type { Simulation } from "../world/sim-world.ts";
import { DiskFaults } from "./disk-faults.ts";
import { LinkFaults } from "./link-faults.ts";
import { MemberFaults } from "./member-faults.ts";
import type { Stage } from "./stage.ts";
import type { Supervisor } from "./supervisor.ts";

const CRASHES_MAX = 25;
/** Between two faults that waited for a moment. */
const MOMENT_PAUSE_MS = 150;

export class Nemesis {
  readonly #stage: Stage;
  readonly #plan: Plan;
  readonly #links: LinkFaults;
  readonly #disks: DiskFaults;
  readonly #members: MemberFaults;
  readonly #undos = new Set<() => void>();
  /** Leaders that are cut off with a stalled disk. */
  readonly #cutOffs = new Set<SimBroker>();
  #crashes = 0;
  #nextMomentMs = 0;
  /** Moments count from `run` on. */
  #isOver = true;

  constructor(
    simulation: Simulation,
    cluster: SimCluster,
    plan: Plan,
    supervisor: Supervisor,
    totals: Totals,
    events: Pick<Stage, "note" | "backUp">,
  ) {
    this.#plan = plan;
    this.#stage = {
      simulation,
      cluster,
      totals,
      supervisor,
      entropy: simulation.entropy("nemesis"),
      ...events,
      undoAfter: (ms, undo) => this.#undoAfter(ms, undo),
    };
    this.#links = new LinkFaults(this.#stage);
    this.#disks = new DiskFaults(this.#stage, plan);
    this.#members = new MemberFaults(this.#stage, plan);
  }

  /** Faults for so long. */
  async run(durationMs: number): Promise<void> {
    const { simulation, entropy } = this.#stage;
    const endMs = simulation.nowMs + durationMs;
    this.#isOver = false;
    while (simulation.nowMs < endMs) {
      const pauseMs = 10 + entropy.below(this.#plan.faultEveryMsMax);
      await simulation.sleepMs(Math.min(pauseMs, Math.max(1, endMs - simulation.nowMs)));
      if (simulation.nowMs < endMs && !this.#disks.isDelicate) await this.#order(this.#draw());
    }
    this.#isOver = true;
  }

  /** A broker has just done something. Called in the middle of its event. */
  moment(at: SimBroker, moment: Moment | "journal write issued"): void {
    if (this.#isOver || this.#disks.isDelicate) return;
    if (moment === "term or vote written") this.#goOn(at);
    for (const fault of FAULTS_OF[moment] ?? []) {
      const chance = this.#plan.moments.get(fault);
      if (chance === undefined || !this.#stage.entropy.chance(chance)) continue;
      const { nowMs, scheduler } = this.#stage.simulation;
      if (nowMs < this.#nextMomentMs) continue;
      this.#nextMomentMs = nowMs + MOMENT_PAUSE_MS;
      const delayUs = this.#stage.entropy.below(DELAY_US_MAX[fault] ?? 2_500);
      scheduler.at(delayUs, null, DELIVERY, "fault of a moment", () => this.#strike(at, fault));
      return;
    }
  }

  /** Ends every fault that lasts. */
  calm(): void {
    this.#isOver = true;
    for (const undo of [...this.#undos]) undo();
    this.#links.healAll();
    this.#disks.repairAll();
    for (const { node } of this.#stage.cluster.brokers) node.thaw();
  }

  #draw(): FaultKind {
    let left = this.#stage.entropy.below(
      [...this.#plan.faults.values()].reduce((a, b) => a + b, 0),
    );
    for (const [kind, weight] of this.#plan.faults) {
      if (left < weight) return kind;
      left -= weight;
    }
    return "kill";
  }

  #strike(at: SimBroker, fault: MomentFault): void {
    if (this.#isOver || !at.node.alive) return;
    this.#stage.note(`${fault} ${at.id}`);
    switch (fault) {
      case "kill a new leader":
      case "kill during a change":
        return this.#crash(at, "kill");
      case "isolate a new leader":
        return this.#links.isolate(at);
      case "cut off and stall a leader":
        return this.#cutOff(at);
      case "freeze a new leader":
        return this.#freeze(at);
      default:
        return this.#crash(at, "power");
    }
  }

  async #order(kind: FaultKind): Promise<void> {
    const { cluster, entropy, totals } = this.#stage;
    const at = cluster.brokers[entropy.below(cluster.brokers.length)] as SimBroker;
    this.#stage.note(`${kind} ${at.id}`);
    switch (kind) {
      case "kill":
      case "power":
        return this.#crash(at, kind);
      case "power all":
        for (const each of cluster.brokers) this.#crash(each, "power");
        return;
      case "freeze":
        return this.#freeze(at);
      case "wall clock jump":
        // Within what `message.timestamp.after.max.ms` allows a client to be ahead of its broker.
        at.node.wall.offsetMs = entropy.between(-1_800_000, 4_000_000);
        return;
      case "transfer":
        totals.transfers += this.#members.transfer() ? 1 : 0;
        return;
      case "move replicas":
        return this.#members.move();
      case "coordinator":
        return this.#strikeCoordinator();
      case "wipe disk":
      case "restore disk":
      case "journal stall":
      case "bulk stall":
      case "journal EIO":
      case "journal ENOSPC":
      case "bulk EIO":
        return this.#disks.order(kind, at);
      default:
        return this.#links.order(kind, at);
    }
  }

  /** Whoever leads a partition of __consumer_offsets. */
  #strikeCoordinator(): void {
    const { entropy, totals } = this.#stage;
    const found = this.#members.coordinator();
    if (found === null) return;
    const { at, raft, replica } = found;
    totals.coordinatorFaults++;
    const blow = COORDINATOR_FAULTS[entropy.below(COORDINATOR_FAULTS.length)];
    this.#stage.note(`${blow} coordinator ${at.id}`);
    switch (blow) {
      case "kill":
      case "power":
        return this.#crash(at, blow);
      case "freeze":
        return this.#freeze(at);
      case "isolate":
        return this.#links.isolate(at);
      case "cut off":
        return this.#cutOff(at);
      default:
        totals.transfers += this.#members.handOver(raft, replica) ? 1 : 0;
    }
  }

  #crash(at: SimBroker, kind: "kill" | "power"): void {
    if (!at.node.alive || this.#crashes >= CRASHES_MAX) return;
    this.#crashes++;
    if (kind === "kill") this.#stage.totals.kills++;
    else this.#stage.totals.powerLosses++;
    at.crash(kind);
  }

  /**
   * A leader loses its peers and its disk at once, and the peers come back first: what it was writing then meets what a
   * new leader has put in its place (J4).
   */
  #cutOff(at: SimBroker): void {
    const broker = at.reachable;
    if (broker === null || broker.raft.leaderCount === 0) return;
    const { entropy, totals } = this.#stage;
    const cutMs = entropy.between(300, 2_000);
    totals.stalls++;
    at.node.disk.stall("journal", 1000 * (cutMs + entropy.between(50, 2_500)));
    this.#cutOffs.add(at);
    this.#links.isolate(at, cutMs);
  }

  /**
   * A leader that was cut off hears of a new term: now its disk goes on, and is slow with the next write. What that write
   * holds of the old term is about to be replaced.
   */
  #goOn(at: SimBroker): void {
    if (!this.#cutOffs.delete(at)) return;
    const { entropy, simulation } = this.#stage;
    const { disk } = at.node;
    disk.stall("journal", entropy.below(2_000));
    const slowUs = entropy.between(1_000, 60_000);
    simulation.scheduler.at(4_500, null, DELIVERY, "next write", () => {
      if (!this.#isOver) disk.stall("journal", slowUs);
    });
  }

  #freeze(at: SimBroker): void {
    const { world } = at.node;
    if (world === null || at.node.frozen) return;
    this.#stage.totals.freezes++;
    at.node.freeze();
    this.#undoAfter(this.#stage.entropy.between(50, 2_500), () => at.node.thaw());
  }

  #undoAfter(ms: number, undo: () => void): void {
    const once = (): void => {
      if (this.#undos.delete(once)) undo();
    };
    this.#undos.add(once);
    this.#stage.simulation.scheduler.at(Math.round(ms * 1000), null, DELIVERY, "fault ends", once);
  }
}

/** How soon a fault strikes after its moment, µs, where that matters: before the write ends, before the frame arrives. */
const DELAY_US_MAX: Partial<Record<MomentFault, number>> = {
  "power during a journal write": 300,
  "cut off and stall a leader": 40,
};

const COORDINATOR_FAULTS = [
  "kill",
  "power",
  "freeze",
  "isolate",
  "cut off",
  "transfer",
  "transfer",
] as const;

const FAULTS_OF: Partial<Record<Moment | "journal write issued", readonly MomentFault[]>> = {
  "journal write issued": ["power during a journal write", "cut off and stall a leader"],
  "leader elected": ["kill a new leader", "isolate a new leader", "freeze a new leader"],
  "vote granted": ["power after a vote"],
  "entries committed": ["power after a commit"],
  "log truncated": ["power after a truncation"],
  "configuration appended": ["kill during a change"],
};
