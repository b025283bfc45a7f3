// The second half of a run, and the look at leaders during all of it: once everything is healed, every group gets a
// leader, writes resume, replicas converge, and everything that was acknowledged is read back from every one of them.
import type { GroupId, LogIndex } from "../../internal/model/ids.ts";
import { ENTRY_BATCH } from "../../internal/raft/entry.ts";
import { waitsOf } from "../../internal/server/waits.ts";
import type { Book } from "./checkers/book.ts";
import { wrongEpoch } from "./checkers/epoch-ends.ts";
import { LEADERLESS_MS_MAX, LedGroups } from "./checkers/led-groups.ts";
import type { SimBroker, SimCluster } from "./cluster/sim-cluster.ts";
import type { Health } from "./nemesis/health.ts";
import type { Supervisor } from "./nemesis/supervisor.ts";
import type { CoordinatorWatch, WatchedCoordinator } from "./watch/coordinator-watch.ts";
import { groupsOf, GroupView } from "./watch/group-view.ts";
import type { PlacedReplica } from "./watch/group-view.ts";
import type { LeaseWatch } from "./watch/lease-watch.ts";
import { leftovers } from "./watch/leftovers.ts";
import type { Quorums } from "./watch/quorums.ts";
import type { Target } from "./workload/gateway.ts";
import type { GroupTraffic } from "./workload/group-traffic.ts";
import type { Traffic } from "./workload/traffic.ts";

const LOOK_MS = 50;
/** Time for clients to go on after the healing. */
const AFTERGLOW_MS = 300;
const RESUME_MS_MAX = LEADERLESS_MS_MAX + 5_000;
/** So long may convergence make no progress at all. */
const STUCK_MS_MAX = 6_000;
const READ_BYTES_MAX = 200_000;

export class Ending {
  /** What is waited for, for the report of a run that never ends. */
  phase = "faults";
  readonly leaders: LedGroups;
  readonly #cluster: SimCluster;
  readonly #book: Book;
  readonly #health: Health;
  readonly #quorums: Quorums;
  readonly #supervisor: Supervisor;
  readonly #traffic: Traffic;
  readonly #watch: CoordinatorWatch;
  readonly #leases: LeaseWatch;

  constructor(
    cluster: SimCluster,
    book: Book,
    health: Health,
    quorums: Quorums,
    supervisor: Supervisor,
    traffic: Traffic,
    watch: CoordinatorWatch,
    leases: LeaseWatch,
  ) {
    this.#cluster = cluster;
    this.#book = book;
    this.#health = health;
    this.#quorums = quorums;
    this.#supervisor = supervisor;
    this.#traffic = traffic;
    this.#watch = watch;
    this.#leases = leases;
    this.leaders = new LedGroups(book.verdict);
  }

  /** Looks at the leaders of all groups from now on. */
  watchLeaders(looked: () => void): void {
    void this.#watchLeaders(looked);
  }

  async run(): Promise<void> {
    const { simulation } = this.#cluster;
    this.phase = "clients go on";
    await simulation.sleepMs(AFTERGLOW_MS);
    const { producers, consumers, groups } = this.#traffic;
    if (groups !== null && !(await this.#settled(groups))) return;
    for (const client of [...producers, ...consumers]) client.stop();
    groups?.stop();
    const resumed = (): boolean =>
      [...producers, ...consumers].every(({ isDone }) => isDone) && groups?.isDone !== false;
    if (!(await this.#whileMoving("clients finish", RESUME_MS_MAX, resumed))) {
      const waiting = producers.filter(({ isDone }) => !isDone).map(({ waitsFor }) => waitsFor);
      const groups = this.#groups().map(String).join(" | ");
      return this.#book.verdict.report("writes resume", `${waiting.join("; ")} | ${groups}`);
    }
    // A voter of group 0 with a directory that is not trusted any more learns nothing from the others (D1).
    const trusted = this.#cluster.brokers.filter((at) => !this.#supervisor.lost.has(at));
    const idle = (): string[] => trusted.flatMap((at) => whyNotServing(at, this.#forgiven(at)));
    const serve = (): boolean => {
      for (const at of trusted) this.#judgeWait(at);
      return idle().length === 0;
    };
    // Whose disk is slow has caught up when it has caught up.
    if (!(await this.#whileMoving("brokers serve", RESUME_MS_MAX, serve))) {
      const detail = [...idle(), ...this.#groups().map(String)].join(" | ");
      return this.#book.verdict.report("every start ends in serving", detail);
    }
    const converged = (): boolean => this.#views().every((view) => this.#isConverged(view));
    if (!(await this.#whileMoving("replicas converge", STUCK_MS_MAX, converged))) {
      return this.#book.verdict.report("replicas converge", this.#groups().join(" | "));
    }
    const lost = (at: SimBroker): boolean => this.#supervisor.lost.has(at);
    const isForgiven = (group: GroupId): boolean => this.#book.log(group).isForgiven;
    const unsettled = (): string[] => leftovers(this.#cluster, lost, isForgiven);
    const settled = (): boolean => unsettled().length === 0;
    if (!(await this.#whileMoving("placements settle", STUCK_MS_MAX, settled))) {
      return this.#book.verdict.report("nothing is left over", unsettled().join(" | "));
    }
    if (groups !== null && !(await this.#readOffsets(groups))) return;
    this.#compareEpochs();
    this.#judgeDisks();
    this.phase = "reading back";
    for (const target of this.#traffic.all) {
      if (this.#book.log(target.group).isForgiven) this.#judgeRemains(target);
      else await this.#readBack(target);
    }
    this.#book.sent.review((group) => this.#book.log(group));
  }

  /** L10: a broker that does not serve, or has a group without a leader, says for whom it waits. */
  #judgeWait({ id, broker }: SimBroker): void {
    if (broker === null) return;
    const waits = waitsOf(broker);
    const told = waits.reduce((sum, { count }) => sum + count, 0);
    const idle = [...broker.raft.replicas()].filter(({ machine }) => machine.leader === null);
    const isSilent = broker.readiness().length > 0 && waits.length === 0;
    if (told >= idle.length && !isSilent) return;
    const detail = `broker ${id}: ${idle.length} groups without a leader, ${JSON.stringify(waits)}`;
    this.#book.verdict.report("whoever waits says for whom", detail);
  }

  /** What clients are told of epochs is what the log says, on every replica. */
  #compareEpochs(): void {
    for (const { group } of this.#traffic.all) {
      if (this.#book.log(group).isForgiven) continue;
      for (const { at, replica } of this.#sound(new GroupView(this.#cluster, group))) {
        const partition = at.broker?.partitions.of(replica.group);
        const wrong = partition && wrongEpoch(partition.epochs, this.#book.log(group));
        if (wrong == null) continue;
        const detail = `broker ${at.id} group ${group}: ${wrong}`;
        this.#book.verdict.report("epoch histories equal the logs", detail);
      }
    }
  }

  /** Whoever saw more of a disk than came back has said so (D3). */
  #judgeDisks(): void {
    for (const at of this.#supervisor.betrayed) {
      const counts = [...(at.broker?.raft.replicas() ?? [])].filter(
        ({ machine }) => machine.standing !== "suspect",
      );
      if (counts.length === 0) continue;
      const detail = `broker ${at.id} counts in ${counts.length} groups`;
      this.#book.verdict.report("disks that went back are found out", detail);
    }
  }

  /** Every member that lives is one of a group that is stable, and every partition has an owner. */
  async #settled(groups: GroupTraffic): Promise<boolean> {
    groups.calm();
    const limitMs = RESUME_MS_MAX + groups.settleMsMax;
    const isSettled = (): boolean => groups.unsettled().length === 0;
    if (await this.#until("consumer groups settle", limitMs, isSettled)) return true;
    const detail = `after ${limitMs} ms: ${groups.unsettled().join(" | ")}`;
    this.#book.verdict.report("consumer groups settle", detail);
    return false;
  }

  /** Every replica's coordinator holds what is committed, and every offset is read from its coordinator. */
  async #readOffsets(groups: GroupTraffic): Promise<boolean> {
    const applied = (): boolean => this.#coordinators().every((one) => this.#isUpToDate(one));
    if (!(await this.#until("coordinators apply", STUCK_MS_MAX, applied))) {
      const behind = this.#coordinators().filter((one) => !this.#isUpToDate(one));
      const names = behind.map(({ who, index }) => `${who} partition ${index}`);
      this.#book.verdict.report(
        "coordinators hold what is committed",
        `${names.join(", ")} lag behind`,
      );
      return false;
    }
    for (const { who, index, coordinator } of this.#coordinators()) {
      this.#book.groups.partition(index).compare(who, coordinator);
    }
    if (await this.#until("offsets are read", RESUME_MS_MAX, groups.readAll())) return true;
    this.#book.verdict.report("committed offsets are told", "a coordinator refuses for ever");
    return false;
  }

  /** Those beside replicas that have everything. */
  #coordinators(): WatchedCoordinator[] {
    const { partitionCount } = this.#watch;
    return Array.from({ length: partitionCount }, (_, index) => index).flatMap((index) => {
      const group = this.#watch.groupAt(index);
      if (group === null) return [];
      return this.#sound(new GroupView(this.#cluster, group)).flatMap(({ at }) => {
        const found = at.broker === null ? null : this.#watch.at(at.broker, index);
        return found === null ? [] : [found];
      });
    });
  }

  #isUpToDate({ index, coordinator }: WatchedCoordinator): boolean {
    return coordinator.appliedIndex === this.#book.groups.partition(index).last;
  }

  async #watchLeaders(looked: () => void): Promise<void> {
    const { simulation } = this.#cluster;
    for (;;) {
      await simulation.sleepMs(LOOK_MS);
      this.#health.sample();
      looked();
      this.#leases.look((machines) => this.#health.fitSinceMs(machines));
      for (const view of this.#views()) {
        // A single replica leads nobody while an entry is damaged, and nobody else has it (D1).
        if (this.#book.log(view.group).isForgiven) continue;
        const sinceMs = (): number => this.#quorums.sinceMs(view);
        const isLed = this.#quorums.isLed(view);
        this.leaders.look(view.group, simulation.nowMs, isLed, sinceMs, () => view.describe());
      }
    }
  }

  async #until(phase: string, limitMs: number, isSo: () => boolean): Promise<boolean> {
    const { simulation } = this.#cluster;
    this.phase = phase;
    const endMs = simulation.nowMs + limitMs;
    while (!isSo()) {
      if (simulation.nowMs > endMs) return false;
      await simulation.sleepMs(20);
    }
    return true;
  }

  #views(): GroupView[] {
    return groupsOf(this.#cluster).map((group) => new GroupView(this.#cluster, group));
  }

  /** Waits until it is so, however long that takes, as long as some replica moves on within `limitMs`. */
  async #whileMoving(phase: string, limitMs: number, isSo: () => boolean): Promise<boolean> {
    for (let known = -1; !(await this.#until(phase, limitMs, isSo));) {
      const reached = this.#progress();
      if (reached === known) return false;
      known = reached;
    }
    return true;
  }

  /** Grows with every entry that any replica appends or commits. */
  #progress(): number {
    let sum = 0;
    for (const { placed } of this.#views()) {
      for (const { replica } of placed) {
        const { lastIndex, commit, configuration } = replica.machine;
        sum += lastIndex + commit + configuration.revision;
      }
    }
    return sum;
  }

  #groups(): string[] {
    return this.#views().map((view) => `group ${view.group}: ${view.describe()}`);
  }

  /** There is a leader, no change is under way, and every voter whose disk is sound has everything, committed. */
  #isConverged(view: GroupView): boolean {
    // A voter of group 0 on a lost disk is told nothing any more, and keeps what was deleted since.
    if (view.placed.every(({ at }) => this.#supervisor.lost.has(at))) return true;
    if (this.#book.log(view.group).isForgiven) return true;
    const { leader } = view;
    if (leader === null) return false;
    const { machine } = leader.replica;
    if (machine.commit !== machine.lastIndex || !machine.configurationCommitted) return false;
    if (machine.configuration.votersOutgoing.length > 0) return false;
    return this.#sound(view).every(
      ({ replica }) =>
        replica.machine.commit === machine.commit &&
        replica.machine.lastIndex === machine.lastIndex,
    );
  }

  /**
   * Voters that count: a replica that is suspect because its disk lost something, or because a flipped bit hit the record of
   * its members (D1), waits until somebody replaces it.
   */
  #sound(view: GroupView): PlacedReplica[] {
    const { leader } = view;
    const { lost, damaged } = this.#supervisor;
    const voters = new Set(leader?.replica.machine.configuration.voters ?? []);
    return view.placed.filter(
      ({ at, replica }) =>
        voters.has(replica.self) &&
        !((lost.has(at) || damaged.has(at)) && replica.machine.standing === "suspect"),
    );
  }

  /** Whether it holds what is left of a partition that nobody else had. */
  #forgiven({ broker }: SimBroker): boolean {
    const { singles } = this.#traffic;
    return singles.some(
      ({ group }) => this.#book.log(group).isForgiven && broker?.raft.replica(group) != null,
    );
  }

  async #readBack(target: Target): Promise<void> {
    const view = new GroupView(this.#cluster, target.group);
    const log = this.#book.log(target.group);
    for (const { at, replica } of this.#sound(view)) {
      this.#compare(at, replica);
      let position = 0;
      let stuck = 0;
      while (position < log.end && stuck < 50) {
        const options = { waitMs: 100, bytesMax: READ_BYTES_MAX, broker: at.id };
        const before = position;
        await this.#traffic.gateway.fetch(target, position, options, (answer) => {
          const { highWatermark, slices } = answer;
          const served = { group: target.group, fetchOffset: position, highWatermark, slices };
          position = this.#book.reads.served(answer.by, served, log);
        });
        stuck = position === before ? stuck + 1 : 0;
        if (position === before) await this.#cluster.simulation.sleepMs(20);
      }
      if (position >= log.end) continue;
      const detail = `broker ${at.id} serves group ${target.group} up to ${position} of ${log.end}`;
      this.#book.verdict.report("acknowledged records are everywhere", detail);
    }
  }

  /** Nothing invented, nothing twice, nothing out of order, whatever the only copy of a partition has lost. */
  #judgeRemains({ group }: Target): void {
    for (const { replica } of new GroupView(this.#cluster, group).placed) {
      const { entries, machine } = replica;
      const checksums: number[] = [];
      for (let k = entries.first as number; k <= machine.lastIndex; k++) {
        const index = k as LogIndex;
        if (!entries.has(index)) break;
        if (entries.kind(index) === ENTRY_BATCH) checksums.push(entries.checksum(index));
      }
      this.#book.sent.remain(group, checksums);
    }
  }

  /** Every committed entry is the same on this replica, whatever it serves. */
  #compare(at: SimBroker, replica: PlacedReplica["replica"]): void {
    const log = this.#book.log(replica.group);
    const { machine, entries } = replica;
    const last = Math.min(log.last, machine.commit);
    for (let k = entries.first as number; k <= last; k++) {
      const index = k as LogIndex;
      const known = log.entry(index);
      const isSame =
        entries.has(index) &&
        machine.termAt(index) === known?.term &&
        entries.checksum(index) === known.checksum;
      if (isSame) continue;
      const detail = `broker ${at.id} group ${replica.group} index ${index} differs`;
      return this.#book.verdict.report("acknowledged records are everywhere", detail);
    }
  }
}

/** Empty: it serves. One that `waits` for its only copy of an entry never catches up. */
function whyNotServing({ id, broker }: SimBroker, waits: boolean): string[] {
  const reasons = broker === null ? ["down"] : [...broker.readiness()];
  if (broker?.hasCaughtUp === false && !waits) reasons.push("its replicas were never in sync");
  return reasons.map((reason) => `broker ${id}: ${reason}`);
}
