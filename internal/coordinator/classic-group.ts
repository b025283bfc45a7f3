// One group of the classic protocol, as its coordinator runs it: the phases of a rebalance, the members' sessions, and
// the answers that wait. Requests come in through classic-join.ts and classic-requests.ts, which judge them first.
//
//   Empty ──join──▶ PreparingRebalance ──all joined, or time──▶ CompletingRebalance ──assignments committed──▶ Stable
//     ▲                     │    ▲                                     │                                          │
//     └──── nobody left ────┘    └───────────── a member joins, leaves, fails or changes ─────────────────────────┘
//
// Nothing here is durable but what `store` writes: the group when it becomes Stable or Empty. A new coordinator starts
// from that, and gives every member one full session.
import type { GroupFaults } from "./group-faults.ts";
import type { GroupFault, GroupPhase, JoinAnswer, SyncAnswer } from "./group-requests.ts";
import type { StoredGroup } from "./group-records.ts";
import { Member, MemberTable, NO_BYTES } from "./member-table.ts";
import type { MemberFacts } from "./member-table.ts";
import { WheelTimer } from "./timer-wheel.ts";
import type { TimerWheel } from "./timer-wheel.ts";

export interface ClassicSettings {
  readonly initialDelayMs: number;
  readonly membersMax: number;
}

/** What a group needs of its coordinator. */
export interface ClassicSurroundings {
  readonly settings: ClassicSettings;
  readonly wheel: TimerWheel;
  readonly faults: GroupFaults;
  nowMs(): number;
  /** A name that nobody had before. */
  newId(prefix: string): string;
  /** Makes the group's metadata durable; `done` runs once, when it is committed or refused. */
  store(group: string, stored: StoredGroup, done: (fault: GroupFault | null) => void): void;
  /** Nobody may be left in the group, or about to join it. */
  quiet(group: ClassicGroup): void;
}

/** How long a new member may wait for its first answer. */
const FIRST_JOIN_MS_MAX = 5 * 60_000;
/** After how long a record that the log did not take is offered again. */
const STORE_AGAIN_MS = 1_000;

export class ClassicGroup {
  readonly id: string;
  readonly members = new MemberTable();
  /** Ids given out that nobody has joined with yet. */
  readonly pending = new Map<string, WheelTimer>();
  readonly around: ClassicSurroundings;
  phase: GroupPhase = "Empty";
  generation = 0;
  protocolType: string | null = null;
  protocol: string | null = null;
  leader: string | null = null;
  sinceMs = -1;
  /** Those of this generation that have not sent SyncGroup. */
  readonly #unsynced = new Set<string>();
  readonly #phaseTimer = new WheelTimer(() => this.#phaseEnded());
  readonly #syncTimer = new WheelTimer(() => this.#syncEnded());
  /** While the first rebalance waits for more members: how much longer it may; null otherwise. */
  #initialLeftMs: number | null = null;
  #hasNewcomer = false;
  /** The leader's assignments of this generation are on their way to the log. */
  #isStoring = false;

  constructor(id: string, around: ClassicSurroundings) {
    this.id = id;
    this.around = around;
  }

  /** As the last coordinator stored it. */
  static load(id: string, stored: StoredGroup, around: ClassicSurroundings): ClassicGroup {
    const group = new ClassicGroup(id, around);
    group.generation = stored.generation;
    group.protocolType = stored.protocolType === "" ? null : stored.protocolType;
    group.sinceMs = stored.sinceMs;
    for (const { subscription, assignment, ...rest } of stored.members) {
      const protocols = [{ name: stored.protocol ?? "", metadata: subscription }];
      const member = group.#newMember({ ...rest, protocols });
      member.assignment = assignment;
      group.members.add(member);
      group.keepAlive(member);
    }
    if (group.members.size === 0) return group;
    group.phase = "Stable";
    group.protocol = stored.protocol;
    group.leader = stored.leader;
    return group;
  }

  get isEmpty(): boolean {
    return this.phase === "Empty";
  }

  /** Nothing would be lost with this object but what the log has. */
  isIdle(stored: StoredGroup | null): boolean {
    return this.isEmpty && this.pending.size === 0 && this.generation === (stored?.generation ?? 0);
  }

  isLeader(member: Member): boolean {
    return member.id === this.leader;
  }

  // Members

  #newMember(facts: MemberFacts): Member {
    const member: Member = new Member(facts, new WheelTimer(() => this.#sessionEnded(member)));
    return member;
  }

  /** A member joins for the first time: there will be a rebalance. */
  admit(facts: MemberFacts, done: (answer: JoinAnswer) => void): void {
    this.forget(facts.memberId);
    if (this.#initialLeftMs !== null) this.#hasNewcomer = true;
    const member = this.#newMember(facts);
    member.isNew = true;
    this.members.add(member);
    this.members.parkJoin(member, done);
    this.around.wheel.start(member.session, FIRST_JOIN_MS_MAX);
    this.rebalance();
  }

  /** A known member joins again in a way that needs a rebalance. */
  rejoin(member: Member, facts: MemberFacts, done: (answer: JoinAnswer) => void): void {
    this.members.update(member, facts);
    this.#park(member, done);
    this.rebalance();
  }

  /** An earlier request of the same member, which its client has given up, is answered too. */
  #park(member: Member, done: (answer: JoinAnswer) => void): void {
    this.members.unparkJoin(member)?.(refusedJoin("rebalance-in-progress", member.id));
    this.members.parkJoin(member, done);
  }

  /** A static member came back: the new id takes the old one's place, and whoever still waits under the old is fenced. */
  replace(old: Member, facts: MemberFacts): Member {
    const wasLeader = this.isLeader(old);
    this.members.unparkJoin(old)?.(refusedJoin("fenced-instance", old.id));
    answerSync(old, refusedSync("fenced-instance"));
    this.around.wheel.stop(old.session);
    this.members.remove(old);
    const member = this.#newMember(facts);
    member.assignment = old.assignment;
    this.members.add(member);
    if (this.#unsynced.delete(old.id)) this.#unsynced.add(member.id);
    if (wasLeader) this.leader = member.id;
    this.keepAlive(member);
    return member;
  }

  /** Takes back `replace`, whose record was not written. Who joined since may have agreed on what is new in `member`. */
  restore(member: Member, old: MemberFacts): void {
    if (this.members.get(member.id) !== member) return;
    const { protocols } = this.phase === "Stable" ? old : member.facts;
    this.replace(member, { ...old, protocols });
  }

  /** Remembers an id that a client will join with. Of too many the oldest is forgotten: its client is given another. */
  expect(memberId: string, sessionTimeoutMs: number): void {
    const [oldest = ""] = this.pending.keys();
    if (this.pending.size >= this.around.settings.membersMax) this.forget(oldest);
    const timer = new WheelTimer(() => {
      this.forget(memberId);
      this.#proceed();
      this.around.quiet(this);
    });
    this.pending.set(memberId, timer);
    this.around.wheel.start(timer, sessionTimeoutMs);
  }

  /** True: the id was waited for. */
  forget(memberId: string): boolean {
    const timer = this.pending.get(memberId);
    if (timer === undefined) return false;
    this.around.wheel.stop(timer);
    this.pending.delete(memberId);
    return true;
  }

  /** A pending id is given up by its client. */
  leavePending(memberId: string): void {
    if (this.forget(memberId)) this.#proceed();
  }

  /** The member leaves or has failed. */
  remove(member: Member): void {
    this.#drop(member);
    if (this.phase === "Stable" || this.phase === "CompletingRebalance") this.rebalance();
    else this.#proceed();
  }

  #drop(member: Member): void {
    this.around.wheel.stop(member.session);
    this.members.unparkJoin(member)?.(refusedJoin("unknown-member", member.id));
    answerSync(member, refusedSync("unknown-member"));
    this.#unsynced.delete(member.id);
    this.members.remove(member);
    if (this.isLeader(member)) this.leader = null;
  }

  /** Starts the member's session anew. */
  keepAlive(member: Member): void {
    this.around.wheel.start(member.session, member.facts.sessionTimeoutMs);
  }

  #sessionEnded(member: Member): void {
    const isParked = member.join !== null || member.sync !== null;
    if (isParked && !member.isNew) return this.keepAlive(member);
    this.remove(member);
  }

  // Phases

  /** Begins a rebalance, or goes on with the one under way. */
  rebalance(): void {
    if (this.phase === "PreparingRebalance") return this.#proceed();
    const { settings, wheel } = this.around;
    const { initialDelayMs } = settings;
    const timeoutMs = this.members.rebalanceTimeoutMsMax;
    const isFirst = this.phase === "Empty" && initialDelayMs > 0;
    if (this.phase === "CompletingRebalance") this.#failSyncs("rebalance-in-progress");
    wheel.stop(this.#syncTimer);
    this.#unsynced.clear();
    this.#isStoring = false;
    this.#enter("PreparingRebalance");
    this.#hasNewcomer = false;
    this.#initialLeftMs = isFirst ? Math.max(timeoutMs - initialDelayMs, 0) : null;
    wheel.start(this.#phaseTimer, isFirst ? initialDelayMs : timeoutMs);
    this.#proceed();
  }

  #enter(phase: GroupPhase): void {
    this.phase = phase;
    this.sinceMs = this.around.nowMs();
  }

  /** Ends the joining when nobody is missing. */
  #proceed(): void {
    if (this.phase !== "PreparingRebalance" || this.#initialLeftMs !== null) return;
    const { size, awaitingJoin } = this.members;
    if (size === awaitingJoin && this.pending.size === 0) this.#completeJoin();
  }

  #phaseEnded(): void {
    if (this.isEmpty) return this.#storeEmpty();
    const leftMs = this.#initialLeftMs;
    if (leftMs !== null && leftMs > 0 && this.#hasNewcomer) {
      const delayMs = Math.min(this.around.settings.initialDelayMs, leftMs);
      this.#initialLeftMs = leftMs - delayMs;
      this.#hasNewcomer = false;
      return this.around.wheel.start(this.#phaseTimer, delayMs);
    }
    this.#completeJoin();
  }

  #completeJoin(): void {
    const { wheel } = this.around;
    wheel.stop(this.#phaseTimer);
    this.#initialLeftMs = null;
    for (const member of [...this.members.all()]) {
      if (member.join === null && member.instanceId === null) this.#drop(member);
    }
    if (this.members.size > 0 && !this.#electLeader()) {
      // Only static members are left and none is here: their sessions decide.
      return wheel.start(this.#phaseTimer, this.members.rebalanceTimeoutMsMax);
    }
    this.generation++;
    if (this.members.size === 0) return this.#becomeEmpty();
    this.protocol = this.members.chooseProtocol();
    this.#enter("CompletingRebalance");
    for (const member of this.members.all()) {
      member.assignment = NO_BYTES;
      this.#unsynced.add(member.id);
    }
    for (const member of this.members.all()) {
      const done = this.members.unparkJoin(member);
      if (done === null) continue;
      member.isNew = false;
      this.keepAlive(member);
      done(this.joinAnswer(member));
    }
    wheel.start(this.#syncTimer, this.members.rebalanceTimeoutMsMax);
  }

  /** The leader stays if it is here, else the first who is. */
  #electLeader(): boolean {
    if (this.members.get(this.leader ?? "")?.join) return true;
    for (const member of this.members.all()) {
      if (member.join === null) continue;
      this.leader = member.id;
      return true;
    }
    return false;
  }

  #becomeEmpty(): void {
    this.protocol = null;
    this.leader = null;
    this.#enter("Empty");
    this.#storeEmpty();
  }

  /** Until it is written, the next coordinator would find members that are gone; their sessions would end there. */
  #storeEmpty(): void {
    const { generation } = this;
    this.around.store(this.id, this.stored(), (fault) => {
      if (!this.isEmpty || generation !== this.generation || fault === "not-coordinator") return;
      if (fault === null) this.around.quiet(this);
      else this.around.wheel.start(this.#phaseTimer, STORE_AGAIN_MS);
    });
  }

  joinAnswer(member: Member): JoinAnswer {
    const { generation, protocolType, protocol } = this;
    return {
      fault: null,
      memberId: member.id,
      generation,
      protocolType,
      protocol,
      leader: this.leader ?? "",
      skipAssignment: false,
      members: this.isLeader(member) ? this.joinedMembers() : [],
    };
  }

  joinedMembers(): JoinAnswer["members"] {
    return [...this.members.all()].map((member) => ({
      memberId: member.id,
      instanceId: member.instanceId,
      metadata: member.metadata(this.protocol),
    }));
  }

  // Assignments

  /** A member of the generation asks for its assignment before it is there. */
  awaitSync(member: Member, done: (answer: SyncAnswer) => void): void {
    answerSync(member, refusedSync("rebalance-in-progress"));
    this.#unsynced.delete(member.id);
    member.sync = done;
    this.keepAlive(member);
  }

  synced(member: Member): void {
    this.#unsynced.delete(member.id);
    this.keepAlive(member);
  }

  /**
   * The leader has assigned. All who wait are answered when that is committed. The first assignments of a generation
   * are the only ones: a partition never has two owners in one generation.
   */
  assign(assignments: ReadonlyMap<string, Uint8Array>): void {
    const { faults } = this.around;
    if (this.#isStoring && faults.assignsTwice !== true) return;
    this.#isStoring = true;
    const { generation } = this;
    this.around.store(this.id, this.stored(assignments), (fault) => {
      if (!this.#isStoring || generation !== this.generation) return;
      this.#isStoring = false;
      if (fault !== null) {
        this.#failSyncs(fault);
        // Who lost the log resigns next.
        return fault === "not-coordinator" ? undefined : this.rebalance();
      }
      this.#enter("Stable");
      for (const member of this.members.all()) {
        member.assignment = assignments.get(member.id) ?? NO_BYTES;
        if (member.sync !== null) this.keepAlive(member);
        answerSync(member, this.syncAnswer(member));
      }
    });
  }

  syncAnswer({ assignment }: Member): SyncAnswer {
    return { fault: null, protocolType: this.protocolType, protocol: this.protocol, assignment };
  }

  #failSyncs(fault: GroupFault): void {
    for (const member of this.members.all()) {
      if (member.sync !== null) this.keepAlive(member);
      answerSync(member, refusedSync(fault));
    }
  }

  #syncEnded(): void {
    if (this.#unsynced.size === 0) return;
    for (const memberId of [...this.#unsynced]) {
      const member = this.members.get(memberId);
      if (member !== null) this.#drop(member);
    }
    this.rebalance();
  }

  /** The group as it is to be stored; without assignments, with those that hold. */
  stored(assignments: ReadonlyMap<string, Uint8Array> | null = null): StoredGroup {
    const { protocolType, generation, protocol, leader, sinceMs } = this;
    const members = [...this.members.all()].map((member) => {
      const { protocols: _protocols, ...facts } = member.facts;
      const assignment =
        assignments === null ? member.assignment : (assignments.get(member.id) ?? NO_BYTES);
      return { ...facts, subscription: member.metadata(protocol), assignment };
    });
    return { protocolType: protocolType ?? "", generation, protocol, leader, sinceMs, members };
  }

  /** This broker no longer coordinates the group (F4), or the group is no longer what this object is. */
  resign(fault: GroupFault = "not-coordinator"): void {
    const { wheel } = this.around;
    wheel.stop(this.#phaseTimer);
    wheel.stop(this.#syncTimer);
    for (const timer of this.pending.values()) wheel.stop(timer);
    this.phase = "Dead";
    for (const member of this.members.all()) {
      wheel.stop(member.session);
      this.members.unparkJoin(member)?.(refusedJoin(fault, member.id));
      answerSync(member, refusedSync(fault));
    }
  }
}

export function refusedJoin(fault: GroupFault, memberId: string): JoinAnswer {
  const nothing = { generation: -1, protocolType: null, protocol: null, leader: "" };
  return { fault, memberId, ...nothing, skipAssignment: false, members: [] };
}

export function refusedSync(fault: GroupFault): SyncAnswer {
  return { fault, protocolType: null, protocol: null, assignment: NO_BYTES };
}

function answerSync(member: Member, answer: SyncAnswer): void {
  const { sync } = member;
  member.sync = null;
  sync?.(answer);
}
