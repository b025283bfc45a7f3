// Carries out one action at a time, whoever decided on it. Every fault that lasts undoes itself after a while; `calm`
// undoes all of them.
import type { SimBroker } from "../cluster/sim-cluster.ts";
import type { Plan } from "../plan.ts";
import { DELIVERY } from "../world/scheduler.ts";
import { DiskFaults } from "./disk-faults.ts";
import { LeaseFaults } from "./lease-faults.ts";
import { LinkFaults } from "./link-faults.ts";
import { MemberFaults } from "./member-faults.ts";
import { RestartFaults } from "./restart-faults.ts";
import type { ActionKind, Choices } from "./schedule.ts";
import type { Setting, Stage } from "./stage.ts";

const CRASHES_MAX = 25;
const BLOCK_MS_MAX = 400;

export class Faults {
  readonly #setting: Setting;
  readonly #plan: Plan;
  readonly #undos = new Set<() => void>();
  /** Leaders that are cut off with a stalled disk, each with what is left open of that. */
  readonly #cutOffs = new Map<SimBroker, Choices>();
  #crashes = 0;
  #isCalm = false;

  constructor(setting: Setting, plan: Plan) {
    this.#setting = setting;
    this.#plan = plan;
  }

  async act(kind: ActionKind, at: SimBroker, choices: Choices): Promise<void> {
    const stage: Stage = {
      ...this.#setting,
      entropy: choices,
      undoAfter: (ms, undo) => this.#undoAfter(ms, undo),
    };
    this.#setting.note(`${kind} ${at.id}`);
    switch (kind) {
      case "kill":
      case "kill a new leader":
      case "kill during a change":
        return this.#crash(at, "kill");
      case "power":
      case "power during a journal write":
      case "power after a vote":
      case "power after a commit":
      case "power after a truncation":
        return this.#crash(at, "power");
      case "power all":
        for (const each of stage.cluster.brokers) this.#crash(each, "power");
        return;
      case "freeze":
      case "freeze a new leader":
        return this.#freeze(stage, at);
      case "isolate a new leader":
        return new LinkFaults(stage).isolate(at);
      case "stall who takes over":
      case "silence who left a leader":
      case "power who is loyal":
        return new LeaseFaults(stage).order(kind, at, () => this.#crash(at, "power"));
      case "cut off and stall a leader":
        return this.#cutOff(stage, at);
      case "block":
        return this.#block(stage, at);
      case "suspend":
        return this.#suspend(stage, at);
      case "stop":
        return new RestartFaults(stage).stop(at);
      case "reconfigure":
        return new RestartFaults(stage).reconfigure(at);
      case "wall clock jump":
        // Within what `message.timestamp.after.max.ms` allows a client to be ahead of its broker.
        at.node.wall.offsetMs = choices.between(-1_800_000, 4_000_000);
        return;
      case "coordinator":
        return this.#strikeCoordinator(stage);
      case "transfer":
        stage.totals.transfers += new MemberFaults(stage, this.#plan).transfer() ? 1 : 0;
        return;
      case "move replicas":
        return new MemberFaults(stage, this.#plan).move();
      case "wipe disk":
      case "restore disk":
      case "lose last writes":
      case "journal stall":
      case "bulk stall":
      case "journal EIO":
      case "journal ENOSPC":
      case "bulk EIO":
      case "read EIO":
      case "flip bit":
      case "misdirected write":
        return new DiskFaults(stage, this.#plan).order(kind, at);
      default:
        return new LinkFaults(stage).order(kind, at);
    }
  }

  /**
   * A leader that was cut off hears of a new term: now its disk goes on, and is slow with the next write. What that write
   * holds of the old term is about to be replaced.
   */
  newTerm(at: SimBroker): void {
    const choices = this.#cutOffs.get(at);
    if (choices === undefined) return;
    this.#cutOffs.delete(at);
    const { disk } = at.node;
    disk.stall("journal", choices.below(2_000));
    const slowUs = choices.between(1_000, 60_000);
    this.#setting.simulation.scheduler.at(4_500, null, DELIVERY, "next write", () => {
      if (!this.#isCalm) disk.stall("journal", slowUs);
    });
  }

  /** Ends every fault that lasts. */
  calm(): void {
    this.#isCalm = true;
    for (const undo of [...this.#undos]) undo();
    const { cluster, simulation } = this.#setting;
    simulation.network.links.healAll();
    for (const { node } of cluster.brokers) {
      node.disk.stall("journal", 0);
      node.disk.stall("bulk", 0);
      node.disk.forgetFaults();
      node.disk.misdirect = null;
      node.thaw();
    }
  }

  /** Whoever leads a partition of __consumer_offsets. */
  #strikeCoordinator(stage: Stage): void {
    const { entropy, totals } = stage;
    const members = new MemberFaults(stage, this.#plan);
    const found = members.coordinator();
    if (found === null) return;
    const { at, raft, replica } = found;
    totals.coordinatorFaults++;
    const blow = COORDINATOR_FAULTS[entropy.below(COORDINATOR_FAULTS.length)];
    stage.note(`${blow} coordinator ${at.id}`);
    switch (blow) {
      case "kill":
      case "power":
        return this.#crash(at, blow);
      case "freeze":
        return this.#freeze(stage, at);
      case "isolate":
        return new LinkFaults(stage).isolate(at);
      case "cut off":
        return this.#cutOff(stage, at);
      default:
        totals.transfers += members.handOver(raft, replica) ? 1 : 0;
    }
  }

  #crash(at: SimBroker, kind: "kill" | "power"): void {
    if (!at.node.alive || this.#crashes >= CRASHES_MAX) return;
    this.#crashes++;
    if (kind === "kill") this.#setting.totals.kills++;
    else this.#setting.totals.powerLosses++;
    at.crash(kind);
  }

  /**
   * A leader loses its peers and its disk at once, and the peers come back first: what it was writing then meets what a
   * new leader has put in its place (J4).
   */
  #cutOff(stage: Stage, at: SimBroker): void {
    const broker = at.reachable;
    if (broker === null || broker.raft.leaderCount === 0) return;
    const { entropy, totals } = stage;
    const cutMs = entropy.between(300, 2_000);
    totals.stalls++;
    at.node.disk.stall("journal", 1000 * (cutMs + entropy.between(50, 2_500)));
    this.#cutOffs.set(at, stage.entropy);
    new LinkFaults(stage).isolate(at, cutMs);
  }

  #freeze({ entropy, totals, undoAfter }: Stage, at: SimBroker): void {
    if (!at.node.alive || at.node.frozen) return;
    totals.freezes++;
    at.node.freeze();
    undoAfter(entropy.between(50, 2_500), () => at.node.thaw());
  }

  /** The whole machine sleeps, its monotonic clock too. */
  #suspend({ entropy, totals, undoAfter }: Stage, at: SimBroker): void {
    if (!at.node.alive || at.node.frozen) return;
    totals.suspends++;
    at.node.suspend();
    undoAfter(entropy.between(50, 3_000), () => at.node.thaw());
  }

  /** One turn of the event loop takes far too long. */
  #block({ entropy, totals, undoAfter }: Stage, at: SimBroker): void {
    if (!at.node.alive || at.node.frozen) return;
    totals.blocks++;
    at.node.freeze();
    undoAfter(entropy.between(1, BLOCK_MS_MAX), () => at.node.thaw());
  }

  #undoAfter(ms: number, undo: () => void): void {
    const once = (): void => {
      if (this.#undos.delete(once)) undo();
    };
    this.#undos.add(once);
    const { scheduler } = this.#setting.simulation;
    scheduler.at(Math.round(ms * 1000), null, DELIVERY, "fault ends", once);
  }
}

const COORDINATOR_FAULTS = [
  "kill",
  "power",
  "freeze",
  "isolate",
  "cut off",
  "transfer",
  "transfer",
] as const;
