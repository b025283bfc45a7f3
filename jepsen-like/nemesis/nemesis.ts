// Does harm, by plan, to the brokers of this program's own cluster, and repairs it. Each fault strikes a leader while
// produce requests are with it, unanswered; that moment is waited for and recorded.
import type { Cluster } from "../cluster/cluster.ts";
import type { PowerLoss } from "../cluster/power.ts";
import type { BrokerProcess } from "../cluster/broker-process.ts";
import type { Random } from "../random.ts";
import type { RunClock } from "../workload/clock.ts";
import { pause } from "../workload/clock.ts";
import type { Leaders } from "../workload/leaders.ts";
import type { FaultRecord } from "./fault-record.ts";
import { cutBetween, effectsInWords, inVain, NETWORK_FAULTS } from "./network-faults.ts";
import type { NetworkFault } from "./network-faults.ts";
import { HANG_MS } from "../patience.ts";
import { PAUSE_MS } from "./plan.ts";
import type { FaultKind, Slot } from "./plan.ts";
import { isPowerStrike, PowerCuts } from "./power-cuts.ts";

/** Faults of groups strike a coordinator, all others a leader. */
const PAUSES: ReadonlySet<FaultKind> = new Set(["pause leader", "pause coordinator", "pause two"]);
/** How many brokers a fault strikes; one where nothing is said. */
const COUNTS: Readonly<Partial<Record<FaultKind, number>>> = {
  "kill all": 3,
  "kill two": 2,
  "power all": 3,
  "power two": 2,
  "lying disk": 3,
  "pause two": 2,
};
const RESTARTS: ReadonlySet<FaultKind> = new Set(["restart leader", "restart coordinator"]);
const COORDINATORS: ReadonlySet<FaultKind> = new Set([
  "kill coordinator",
  "pause coordinator",
  "restart coordinator",
]);
/** How many times as long as asked for a run may take until enough has happened. */
const SLOWER_AT_MOST = 10;
const AGAIN: ReadonlySet<FaultKind> = new Set(["kill again", "power again"]);
const NOTHING = { unanswered: 0, losses: [] };
/** How long a follower hears nothing before a disk lies, and how much less of that the disk loses. */
const LIE_MS = 1_500;
const LIE_MARGIN_MS = 300;
/** How long the broker that knows what the disk has lost comes later than the two others. */
const LATE_MS = 3_000;

export interface NemesisView {
  readonly partitions: number;
  /** Batches that are with a broker, unanswered. */
  unansweredAt(broker: number): number;
  /** When the newest acknowledged attempt on a partition was sent. */
  lastAckedAttemptMs(partition: number): number;
  /** No client asks this broker any more. */
  retired(broker: number): void;
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
  readonly #power: PowerCuts;
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
    this.#random = random;
    this.#nowMs = nowMs;
    this.#say = say;
    this.#power = new PowerCuts(cluster, random, say);
  }

  /** What befell the brokers that must not have. */
  get complaints(): readonly string[] {
    return [...this.stuck, ...this.#power.complaints];
  }

  /** Follows the plan until the time is over and enough has happened, however slow the machine is. */
  async follow(slots: Iterable<Slot>, forMs: number, isEnough: () => boolean): Promise<void> {
    const untilMs = this.#nowMs() + forMs;
    const giveUpAtMs = untilMs + SLOWER_AT_MOST * forMs + HANG_MS;
    for (const slot of slots) {
      const nowMs = this.#nowMs();
      if ((nowMs >= untilMs && isEnough()) || nowMs >= giveUpAtMs) return;
      if (slot.slot === "quiet") {
        this.#say("quiet");
        await pause(slot.ms);
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
    if (AGAIN.has(kind)) {
      this.#say(`${kind}: broker ${target.id} first`);
      const before = { unanswered: this.#view.unansweredAt(target.id), losses: [] as PowerLoss[] };
      if (isPowerStrike(kind)) before.losses = await this.#power.cut([target]);
      else await target.end("SIGKILL");
      await pause(downMs);
      target.start();
      await pause(this.#random.between(0, 1_000));
      const others = this.#cluster.brokers.filter((broker) => broker !== target);
      const leading = others.filter(({ id }) => this.#leaders.partitionsOf(id).length > 0);
      const next = this.#random.pick(leading.length > 0 ? leading : others);
      return this.#strikeAt(next, kind, downMs, undefined, before);
    }
    return this.#strikeAt(target, kind, downMs, forMs);
  }

  /**
   * The one failure that only doubt survives. A follower hears nothing for a while, so leader and `liar` alone have what is
   * acknowledged then. The power of all three fails, the liar's disk loses just that, and these two are there first: together
   * they are a majority that has never heard of it. `isDoubted`: no acknowledgement is to be had before the leader is back.
   */
  async lie(isDoubted: boolean): Promise<void> {
    const leader = await this.#busyLeader();
    const [liar, follower] = this.#random.shuffled(
      this.#cluster.brokers.filter((broker) => broker !== leader),
    ) as [BrokerProcess, BrokerProcess];
    const fault = this.#begin("lying disk", [leader, liar, follower]);
    await this.#cluster.network.set(cutBetween(follower.id, [leader.id, liar.id]));
    const cutMs = this.#nowMs();
    await pause(LIE_MS);
    const lostMs = this.#nowMs() - cutMs - LIE_MARGIN_MS;
    this.#say(`the disk of broker ${liar.id} lies, broker ${follower.id} has heard nothing`);
    await this.#cutPower([liar, leader, follower], fault, new Map([[liar.id, lostMs]]));
    await this.#cluster.network.set([]);
    const sinceMs = this.#nowMs();
    for (const broker of [liar, follower]) broker.start();
    this.#say(`start brokers ${liar.id} and ${follower.id}`);
    if (isDoubted) {
      await this.#awaitAnswers(fault, 2);
      await pause(LATE_MS);
    } else {
      // Not everywhere: where the liar has forgotten its vote, clients do not believe a second leader of the same term.
      await this.#until(() => this.#notAccepting(sinceMs).length < this.#view.partitions);
    }
    leader.start();
    this.#say(`start broker ${leader.id}`);
    await this.#awaitAnswers(fault, this.#cluster.brokers.length);
    fault.endMs = this.#nowMs();
    if (!isDoubted) return;
    if (await this.#until(() => this.#power.areLiarsFound)) this.#say("the liar is found out");
    else this.#power.complaints.push(`nobody noticed that the disk of broker ${liar.id} lied`);
  }

  async #cutPower(
    victims: readonly BrokerProcess[],
    fault: FaultRecord,
    liesMs: ReadonlyMap<number, number> = new Map(),
  ): Promise<void> {
    fault.losses.push(...(await this.#power.cut(victims, liesMs)));
    fault.startMs = this.#nowMs();
    fault.quorumMs = fault.startMs;
  }

  /** Takes away the brokers whose disk has lied, as an operator would. */
  async retireLiars(): Promise<void> {
    for (const id of this.#power.liars) {
      await this.#cluster.broker(id).end("SIGKILL");
      this.#view.retired(id);
      this.#say(`broker ${id} is taken away`);
    }
  }

  #begin(kind: FaultKind, victims: readonly BrokerProcess[]): FaultRecord {
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
      losses: [],
      recalledMs: null,
      complaint: null,
    };
    this.faults.push(fault);
    const ofGroups =
      groups.length === 0 ? "" : `; ${fault.groupRequests} requests of ${groups.join(", ")}`;
    this.#say(
      `${kind}: broker ${fault.victims.join(", ")}, ${fault.unanswered} batches unanswered${ofGroups}`,
    );
    return fault;
  }

  async #strikeAt(
    target: BrokerProcess,
    kind: FaultKind,
    downMs: number,
    forMs?: number,
    before: { readonly unanswered: number; readonly losses: readonly PowerLoss[] } = NOTHING,
  ): Promise<void> {
    const others = this.#random.shuffled(
      this.#cluster.brokers.filter((broker) => broker !== target),
    );
    const network = NETWORK_FAULTS[kind];
    const count = COUNTS[kind] ?? 1;
    const victims = [target, ...others].slice(0, count);
    const fault = this.#begin(kind, victims);
    fault.unanswered += before.unanswered;
    fault.losses.push(...before.losses);
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
    if (isPowerStrike(fault.kind)) await this.#cutPower(victims, fault);
    else {
      const signals = await Promise.all(victims.map((victim) => victim.end("SIGKILL")));
      if (signals.some((signal) => signal !== "SIGKILL")) {
        fault.complaint = `a broker ended by ${signals.join(", ")} instead of SIGKILL`;
      }
    }
    await pause(downMs);
    for (const victim of this.#random.shuffled(victims)) {
      victim.start();
      this.#say(`start broker ${victim.id}`);
      await pause(this.#random.between(0, victims.length > 1 ? 400 : 0));
    }
    if (victims.length === 1 && !AGAIN.has(fault.kind)) return;
    // A disk that is doubted counts when all others have been heard.
    const count = this.#cluster.brokers.length;
    await this.#awaitAnswers(fault, isPowerStrike(fault.kind) ? count : Math.floor(count / 2) + 1);
  }

  /** Notes when enough brokers answer. */
  async #awaitAnswers(fault: FaultRecord, count: number): Promise<void> {
    const { brokers } = this.#cluster;
    for (const giveUpAtMs = this.#nowMs() + HANG_MS; this.#nowMs() < giveUpAtMs;) {
      const answers = await Promise.all(brokers.map((broker) => broker.answers()));
      if (answers.filter(Boolean).length >= count) {
        fault.quorumMs = this.#nowMs();
        this.#say(`${count} brokers answer`);
        return;
      }
      await pause(20);
    }
    fault.complaint = `${count} brokers do not answer ${HANG_MS} ms after their start`;
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
    const busy = (): BrokerProcess[] => {
      const partition = this.#random.between(0, this.#view.partitions - 1);
      const leader = this.#leaders.of(partition)?.broker;
      return this.#cluster.brokers.filter(
        ({ id, isRunning }) => id === leader && isRunning && this.#view.unansweredAt(id) > 0,
      );
    };
    return this.#oneOf("no leader has a batch to answer", busy);
  }

  /** A broker that coordinates a random group and has unanswered requests of its members right now. */
  async #busyCoordinator(): Promise<BrokerProcess> {
    const busy = (): BrokerProcess[] => {
      const { groups: view } = this.#view;
      if (view === null) return [...this.#cluster.brokers];
      const group = this.#random.pick(view.groups);
      const id = view.coordinatorOf(group);
      return this.#cluster.brokers.filter(
        (one) => one.id === id && one.isRunning && view.unanswered(group) > 0,
      );
    };
    return this.#oneOf("no coordinator has a request to answer", busy);
  }

  /** The first that is there to be struck. Without any the harm goes to anyone: the run must not stand still. */
  async #oneOf(complaint: string, candidates: () => readonly BrokerProcess[]) {
    let found: readonly BrokerProcess[] = [];
    await this.#until(() => (found = candidates()).length > 0, 1);
    if (found[0] === undefined) this.stuck.push(complaint);
    return found[0] ?? this.#random.pick(this.#cluster.brokers);
  }

  /** False when it does not come to pass although only a hang could last so long. */
  async #until(isSo: () => boolean, everyMs = 20): Promise<boolean> {
    for (const giveUpAtMs = this.#nowMs() + HANG_MS; !isSo(); await pause(everyMs)) {
      if (this.#nowMs() > giveUpAtMs) return false;
    }
    return true;
  }

  #accepting(sinceMs: number): boolean {
    return this.#notAccepting(sinceMs).length === 0;
  }

  #notAccepting(sinceMs: number): number[] {
    const partitions = Array.from({ length: this.#view.partitions }, (_, partition) => partition);
    return partitions.filter((one) => this.#view.lastAckedAttemptMs(one) < sinceMs);
  }

  /**
   * Waits until every partition accepted something that was sent after the last repair and every replica is in sync
   * again: a fault that strikes before that takes a majority away and is a kind of its own.
   */
  async recovered(): Promise<void> {
    const sinceMs = this.#nowMs();
    const replicas = this.#cluster.brokers.length - this.#power.liars.size;
    const lagging = (): number[] => {
      const partitions = Array.from({ length: this.#view.partitions }, (_, partition) => partition);
      return partitions.filter((one) => this.#leaders.inSyncSince(one, sinceMs) < replicas);
    };
    const isBack = (): boolean =>
      this.#accepting(sinceMs) && lagging().length === 0 && this.#power.recalling().length === 0;
    if (await this.#until(isBack)) {
      this.#power.recalled(this.faults, this.#nowMs());
      return;
    }
    const what =
      `${HANG_MS} ms after the repair partitions ${this.#notAccepting(sinceMs).join(", ")} do not accept, ` +
      `${lagging().join(", ")} lack replicas in sync, brokers ${this.#power.recalling().join(", ")} recall`;
    this.stuck.push(`${Math.round(this.#nowMs())} ms: ${what}`);
    this.#say(what);
  }
}
