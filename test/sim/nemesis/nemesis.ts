// Decides on faults: as the plan says, at random times and at moments that a broker has just reached, or as a schedule
// says that an earlier run has left.
import type { SimBroker, SimCluster } from "../cluster/sim-cluster.ts";
import type { FaultKind, MomentFault, Plan } from "../plan.ts";
import type { Moment } from "../watch/watched-replica.ts";
import { DELIVERY } from "../world/scheduler.ts";
import type { SeededEntropy } from "../world/seeded-entropy.ts";
import { Faults } from "./faults.ts";
import { Choices } from "./schedule.ts";
import type { Action, ActionKind, Schedule } from "./schedule.ts";
import type { Setting } from "./stage.ts";

/** Between two faults that waited for a moment. */
const MOMENT_PAUSE_MS = 150;

export class Nemesis {
  readonly #setting: Setting;
  readonly #plan: Plan;
  readonly #faults: Faults;
  readonly #entropy: SeededEntropy;
  /** Null: it decides itself. */
  readonly #schedule: Schedule | null;
  /** What was done, in order. */
  readonly done: Action[] = [];
  #startMs = 0;
  #nextMomentMs = 0;
  /** Moments count from `run` on. */
  #isOver = true;

  constructor(setting: Setting, plan: Plan, schedule: Schedule | null) {
    this.#setting = setting;
    this.#plan = plan;
    this.#schedule = schedule;
    this.#faults = new Faults(setting, plan);
    this.#entropy = setting.simulation.entropy("nemesis");
  }

  /** Faults for so long. */
  async run(durationMs: number): Promise<void> {
    const { simulation } = this.#setting;
    this.#startMs = simulation.nowMs;
    const endMs = this.#startMs + durationMs;
    this.#isOver = false;
    if (this.#schedule === null) await this.#improvise(endMs);
    else await this.#repeat(this.#schedule, endMs);
    this.#isOver = true;
  }

  /** A broker has just done something. Called in the middle of its event. */
  moment(at: SimBroker, moment: Moment | "journal write issued"): void {
    if (this.#isOver) return;
    if (moment === "term or vote written") this.#faults.newTerm(at);
    if (this.#schedule !== null) return;
    for (const fault of FAULTS_OF[moment] ?? []) {
      const chance = this.#plan.moments.get(fault);
      if (chance === undefined || !this.#entropy.chance(chance)) continue;
      const { nowMs, scheduler } = this.#setting.simulation;
      if (nowMs < this.#nextMomentMs) continue;
      this.#nextMomentMs = nowMs + MOMENT_PAUSE_MS;
      const delayUs = this.#entropy.below(DELAY_US_MAX[fault] ?? 2_500);
      scheduler.at(delayUs, null, DELIVERY, "fault of a moment", () => {
        if (!this.#isOver && at.node.alive) void this.#act(fault, at);
      });
      return;
    }
  }

  /** Ends every fault that lasts. */
  calm(): void {
    this.#isOver = true;
    this.#faults.calm();
  }

  async #improvise(endMs: number): Promise<void> {
    const { simulation, cluster } = this.#setting;
    while (simulation.nowMs < endMs) {
      const pauseMs = 10 + this.#entropy.below(this.#plan.faultEveryMsMax);
      await simulation.sleepMs(Math.min(pauseMs, Math.max(1, endMs - simulation.nowMs)));
      if (simulation.nowMs >= endMs) continue;
      const kind = this.#draw();
      await this.#act(kind, anyOf(cluster, this.#entropy));
    }
  }

  async #repeat(schedule: Schedule, endMs: number): Promise<void> {
    const { simulation, cluster } = this.#setting;
    for (const { atMs, kind, broker, choices } of schedule) {
      const sleepMs = this.#startMs + atMs - simulation.nowMs;
      if (sleepMs > 0) await simulation.sleepMs(sleepMs);
      const at = cluster.brokers[broker - 1];
      if (at !== undefined) void this.#faults.act(kind, at, Choices.repeated(choices));
    }
    await simulation.sleepMs(Math.max(1, endMs - simulation.nowMs));
  }

  #act(kind: ActionKind, at: SimBroker): Promise<void> {
    const choices = Choices.drawn(this.#entropy);
    const atMs = this.#setting.simulation.nowMs - this.#startMs;
    this.done.push({ atMs, kind, broker: at.id, choices: choices.made });
    return this.#faults.act(kind, at, choices);
  }

  #draw(): FaultKind {
    const { faults } = this.#plan;
    let left = this.#entropy.below([...faults.values()].reduce((a, b) => a + b, 0));
    for (const [kind, weight] of faults) {
      if (left < weight) return kind;
      left -= weight;
    }
    return "kill";
  }
}

function anyOf({ brokers }: SimCluster, entropy: SeededEntropy): SimBroker {
  return brokers[entropy.below(brokers.length)] as SimBroker;
}

/** How soon a fault strikes after its moment, µs, where that matters: before the write ends, before the frame arrives. */
const DELAY_US_MAX: Partial<Record<MomentFault, number>> = {
  "power during a journal write": 300,
  "cut off and stall a leader": 40,
  "stall who takes over": 40,
};

const FAULTS_OF: Partial<Record<Moment | "journal write issued", readonly MomentFault[]>> = {
  "journal write issued": ["power during a journal write", "cut off and stall a leader"],
  "leader elected": ["kill a new leader", "isolate a new leader", "freeze a new leader"],
  "vote granted": ["power after a vote"],
  "asked to take over": ["stall who takes over"],
  "leader left": ["silence who left a leader"],
  "campaign refused": ["power who is loyal"],
  "entries committed": ["power after a commit"],
  "log truncated": ["power after a truncation"],
  "configuration appended": ["kill during a change"],
};
