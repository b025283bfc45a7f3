// Does harm, by plan, to the brokers of this program's own cluster, and repairs it. Each fault strikes a leader while
// produce requests are with it, unanswered; that moment is waited for and recorded.
import type { Cluster } from "../cluster/cluster.ts";
import type { BrokerProcess } from "../cluster/broker-process.ts";
import type { Random } from "../random.ts";
import type { RunClock } from "../workload/clock.ts";
import { pause } from "../workload/clock.ts";
import type { Leaders } from "../workload/leaders.ts";
import type { FaultRecord } from "./fault-record.ts";
import { effectsInWords, inVain, NETWORK_FAULTS } from "./network-faults.ts";
import type { NetworkFault } from "./network-faults.ts";
import { PAUSE_MS } from "./plan.ts";
import type { FaultKind, Slot } from "./plan.ts";

/** Faults of groups strike a coordinator, all others a leader. */
const PAUSES: ReadonlySet<FaultKind> = new Set(["pause leader", "pause coordinator", "pause two"]);
/** How many brokers a fault strikes; one where nothing is said. */
const COUNTS: Readonly<Partial<Record<FaultKind, number>>> = {
  "kill all": 3,
  "kill two": 2,
  "pause two": 2,
};
const RESTARTS: ReadonlySet<FaultKind> = new Set(["restart leader", "restart coordinator"]);
const COORDINATORS: ReadonlySet<FaultKind> = new Set([
  "kill coordinator",
  "pause coordinator",
  "restart coordinator",
]);
const QUIET_MS = 500;
const UNANSWERED_MS_MAX = 3_000;
/** Beyond the time that a partition may be unavailable. */
const RECOVER_MS_MAX = 13_000;

export interface NemesisView {
  readonly partitions: number;
  /** How long a partition may be unavailable. */
  readonly windowMs: number;
  /** Batches that are with a broker, unanswered. */
  unansweredAt(broker: number): number;
  /** When the newest acknowledged attempt on a partition was sent. */
  lastAckedAttemptMs(partition: number): number;
  /** Null: a run without consumer groups. */
  readonly groups: GroupView | null;
}

export interface GroupView {
  readonly groups: readonly string[];
  /** The broker that coordinates a group; null when none is known. */
  coordinatorOf(group: string): number | null;
  groupsOf(broker: number): readonly string[];
  /** Requests of the group's members that have no answer. */
  unanswered(group: string): number;
}

export class Nemesis {
  readonly faults: FaultRecord[] = [];
  /** Times at which the cluster did not recover, in words. */
  readonly stuck: string[] = [];
  readonly #cluster: Cluster;
  readonly #leaders: Leaders;
  readonly #view: NemesisView;
  readonly #random: Random;
  readonly #nowMs: RunClock;
  readonly #recoverMsMax: number;
  readonly #say: (what: string) => void;

  constructor(
    cluster: Cluster,
    leaders: Leaders,
    view: NemesisView,
    random: Random,
    nowMs: RunClock,
    say: (what: string) => void,
  ) {
    this.#cluster = cluster;
    this.#leaders = leaders;
    this.#view = view;
    this.#recoverMsMax = RECOVER_MS_MAX + view.windowMs;
    this.#random = random;
    this.#nowMs = nowMs;
    this.#say = say;
  }

  /** Follows the plan until the time is over; no fault begins that could not end before. */
  async follow(slots: Iterable<Slot>, untilMs: number): Promise<void> {
    for (const slot of slots) {
      if (this.#nowMs() >= untilMs) return;
      if (slot.slot === "quiet") {
        this.#say("quiet");
        await pause(Math.min(slot.ms, untilMs - this.#nowMs()));
        continue;
      }
      const lastsMs = NETWORK_FAULTS[slot.kind]?.forMs ?? (PAUSES.has(slot.kind) ? PAUSE_MS : 0);
      if (this.#nowMs() + lastsMs > untilMs) {
        if (lastsMs > 0) await pause(QUIET_MS);
        continue;
      }
      await this.strike(slot.kind, slot.downMs);
      await this.recovered();
      await pause(slot.settleMs);
    }
  }

  /** One fault, from the blow to the moment when all its victims run again. `forMs`: how long the weather is bad. */
  async strike(kind: FaultKind, downMs: number, forMs?: number): Promise<void> {
    const target = COORDINATORS.has(kind)
      ? await this.#busyCoordinator()
      : await this.#busyLeader();
    if (kind === "kill again") {
      this.#say(`kill broker ${target.id} first`);
      await target.end("SIGKILL");
      await pause(downMs);
      target.start();
      await pause(this.#random.between(0, 1_000));
      const others = this.#cluster.brokers.filter((broker) => broker !== target);
      const leading = others.filter(({ id }) => this.#leaders.partitionsOf(id).length > 0);
      const next = this.#random.pick(leading.length > 0 ? leading : others);
      return this.#strikeAt(next, kind, downMs);
    }
    return this.#strikeAt(target, kind, downMs, forMs);
  }

  async #strikeAt(
    target: BrokerProcess,
    kind: FaultKind,
    downMs: number,
    forMs?: number,
  ): Promise<void> {
    const others = this.#random.shuffled(
      this.#cluster.brokers.filter((broker) => broker !== target),
    );
    const network = NETWORK_FAULTS[kind];
    const count = COUNTS[kind] ?? 1;
    const victims = [target, ...others].slice(0, count);
    const groups = victims.flatMap(({ id }) => this.#view.groups?.groupsOf(id) ?? []);
    const fault: FaultRecord = {
      kind,
      startMs: this.#nowMs(),
      victims: victims.map(({ id }) => id),
      partitions: victims.flatMap(({ id }) => this.#leaders.partitionsOf(id)),
      unanswered: victims.reduce((sum, { id }) => sum + this.#view.unansweredAt(id), 0),
      groups,
      groupRequests: groups.reduce(
        (sum, group) => sum + (this.#view.groups?.unanswered(group) ?? 0),
        0,
      ),
      quorumMs: this.#nowMs(),
      endMs: this.#nowMs(),
      effects: null,
      complaint: null,
    };
    this.faults.push(fault);
    const ofGroups =
      groups.length === 0 ? "" : `; ${fault.groupRequests} requests of ${groups.join(", ")}`;
    this.#say(
      `${kind}: broker ${fault.victims.join(", ")}, ${fault.unanswered} batches unanswered${ofGroups}`,
    );
    if (network !== undefined) {
      const struck = { ...network, forMs: forMs ?? network.forMs };
      await this.#disturb([target, ...others], fault, struck);
    } else if (PAUSES.has(kind)) await this.#pause(victims, fault);
    else if (RESTARTS.has(kind)) await this.#restart(target, fault, downMs);
    else await this.#kill(victims, fault, downMs);
    fault.endMs = this.#nowMs();
    if (fault.complaint !== null) this.#say(fault.complaint);
  }

  async #kill(victims: readonly BrokerProcess[], fault: FaultRecord, downMs: number) {
    const signals = await Promise.all(victims.map((victim) => victim.end("SIGKILL")));
    if (signals.some((signal) => signal !== "SIGKILL")) {
      fault.complaint = `a broker ended by ${signals.join(", ")} instead of SIGKILL`;
    }
    const hadMajority = victims.length === 1 && fault.kind !== "kill again";
    const majority = hadMajority ? null : this.#awaitMajority(fault);
    await pause(downMs);
    for (const victim of this.#random.shuffled(victims)) {
      victim.start();
      this.#say(`start broker ${victim.id}`);
      await pause(this.#random.between(0, victims.length > 1 ? 400 : 0));
    }
    await majority;
  }

  /** Notes when enough brokers answer. */
  async #awaitMajority(fault: FaultRecord): Promise<void> {
    const { brokers } = this.#cluster;
    for (const giveUpAtMs = this.#nowMs() + this.#recoverMsMax; this.#nowMs() < giveUpAtMs;) {
      const answers = await Promise.all(brokers.map((broker) => broker.answers()));
      if (answers.filter(Boolean).length > brokers.length / 2) {
        fault.quorumMs = this.#nowMs();
        this.#say("a majority answers");
        return;
      }
      await pause(20);
    }
    fault.complaint = `no majority answers ${this.#recoverMsMax} ms after its brokers were started`;
  }

  async #pause(victims: readonly BrokerProcess[], fault: FaultRecord): Promise<void> {
    for (const victim of victims) {
      if (!(await victim.pause())) fault.complaint = `broker ${victim.id} does not stop at SIGSTOP`;
    }
    await pause(PAUSE_MS);
    for (const victim of victims) {
      victim.resume();
      this.#say(`continue broker ${victim.id}`);
    }
    if (victims.length > 1) fault.quorumMs = this.#nowMs();
  }

  /** The weather turns bad for a while. */
  async #disturb(
    brokers: readonly BrokerProcess[],
    fault: FaultRecord,
    { rules, leavesMajority, forMs }: NetworkFault,
  ): Promise<void> {
    const { network } = this.#cluster;
    const [victim = 0, other = 0, third = 0] = brokers.map(({ id }) => id);
    await network.set(rules(victim, other, third));
    await pause(forMs);
    const effects = await network.set([]);
    this.#say(`fair weather again: ${effectsInWords(effects)}`);
    if (!leavesMajority) fault.quorumMs = this.#nowMs();
    fault.effects = effects;
    fault.complaint = inVain(fault.kind, effects);
  }

  async #restart(target: BrokerProcess, fault: FaultRecord, downMs: number): Promise<void> {
    const signal = await target.end("SIGTERM");
    if (signal !== null) fault.complaint = `broker ${target.id} did not end by itself: ${signal}`;
    await pause(downMs);
    target.start();
    this.#say(`start broker ${target.id}`);
  }

  /** A broker that leads a random partition and has unanswered produce right now. */
  async #busyLeader(): Promise<BrokerProcess> {
    const giveUpAtMs = this.#nowMs() + UNANSWERED_MS_MAX;
    for (;;) {
      const partition = this.#random.between(0, this.#view.partitions - 1);
      const leader = this.#leaders.of(partition)?.broker;
      const broker = this.#cluster.brokers.find(({ id }) => id === leader);
      const isLate = this.#nowMs() > giveUpAtMs;
      if (broker?.isRunning === true && (isLate || this.#view.unansweredAt(broker.id) > 0)) {
        return broker;
      }
      // Without any leader the harm goes to anyone: the run must not stand still.
      if (isLate) return this.#random.pick(this.#cluster.brokers);
      await pause(1);
    }
  }

  /** A broker that coordinates a random group and has unanswered requests of its members right now. */
  async #busyCoordinator(): Promise<BrokerProcess> {
    const view = this.#view.groups;
    const giveUpAtMs = this.#nowMs() + UNANSWERED_MS_MAX;
    while (view !== null && this.#nowMs() < giveUpAtMs) {
      const group = this.#random.pick(view.groups);
      const id = view.coordinatorOf(group);
      const broker = this.#cluster.brokers.find((one) => one.id === id);
      if (broker?.isRunning === true && view.unanswered(group) > 0) return broker;
      await pause(1);
    }
    return this.#random.pick(this.#cluster.brokers);
  }

  /**
   * Waits until every partition accepted something that was sent after the last repair and every replica is in sync
   * again: a fault that strikes before that takes a majority away and is a kind of its own.
   */
  async recovered(): Promise<void> {
    const sinceMs = this.#nowMs();
    for (;;) {
      const waiting: number[] = [];
      for (let partition = 0; partition < this.#view.partitions; partition++) {
        const accepts = this.#view.lastAckedAttemptMs(partition) >= sinceMs;
        const inSync =
          this.#leaders.inSyncSince(partition, sinceMs) === this.#cluster.brokers.length;
        if (!accepts || !inSync) waiting.push(partition);
      }
      if (waiting.length === 0) return;
      if (this.#nowMs() - sinceMs > this.#recoverMsMax) {
        const what =
          `partitions ${waiting.join(", ")} do not accept, or lack replicas in sync, ` +
          `${this.#recoverMsMax} ms after the repair`;
        this.stuck.push(`${Math.round(this.#nowMs())} ms: ${what}`);
        this.#say(what);
        return;
      }
      await pause(20);
    }
  }
}
