// The consumer groups of one partition of __consumer_offsets, as its leader runs them: each request is one decision on the
// stored state, one command of the log, and an answer when that is committed (C8). What is in memory alone are the time
// limits of members.
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { ClassicGroup } from "./classic-group.ts";
import { refusedJoin, refusedSync } from "./classic-group.ts";
import {
  joinClassic,
  claimant,
  leaveClassic,
  mustRejoin,
  syncClassic,
} from "./consumer-classic.ts";
import { describeConsumer } from "./consumer-describe.ts";
import { ConsumerDraft } from "./consumer-draft.ts";
import { beat, beatFault, dismiss } from "./consumer-heartbeat.ts";
import type { Deciding } from "./consumer-heartbeat.ts";
import type { ConsumerMember } from "./consumer-member.ts";
import { LEAVING } from "./consumer-member.ts";
import {
  canDowngrade,
  CONSUMER,
  downgrade,
  mayDowngrade,
  mayUpgrade,
  upgrade,
} from "./consumer-migration.ts";
import type { ConsumerSettings } from "./consumer-settings.ts";
import type { ConsumerState } from "./consumer-state.ts";
import { ConsumerTimers } from "./consumer-timers.ts";
import type { Overdue } from "./consumer-timers.ts";
import type { GroupFaults } from "./group-faults.ts";
import { NAME_CHARS_MAX } from "./limits.ts";
import type { GroupRecord } from "./group-records.ts";
import type {
  ConsumerBeatAnswer,
  ConsumerBeatRequest,
  ConsumerDescription,
  GroupFault,
  HeartbeatRequest,
  JoinAnswer,
  JoinRequest,
  LeaveAnswer,
  LeaveRequest,
  SyncAnswer,
  SyncRequest,
} from "./group-requests.ts";
import type { GroupState } from "./group-state.ts";
import type { SubscribedTopics } from "./subscribed-topics.ts";
import type { TimerWheel } from "./timer-wheel.ts";
import { topicPattern } from "./topic-pattern.ts";

/** After how long what the log did not take is tried again. */
const AGAIN_MS = 1_000;

export type Decide = () => Result<readonly GroupRecord[], GroupFault>;

export interface ConsumerSurroundings {
  readonly settings: ConsumerSettings;
  readonly wheel: TimerWheel;
  readonly faults: GroupFaults;
  readonly state: GroupState;
  readonly subscribed: SubscribedTopics;
  nowMs(): number;
  newId(prefix: string): string;
  /** Why nothing can be answered here now (L5). */
  refusal(): GroupFault | null;
  hasRoom(): boolean;
  submit(decide: Decide, done: (fault: GroupFault | null) => void): void;
  /** Whether these can be one command. */
  fits(records: readonly GroupRecord[]): boolean;
  /** The classic group of this name, or null. */
  classic(group: string): ClassicGroup | null;
  /** It has become a consumer group: its members join again. */
  retire(classic: ClassicGroup): void;
  /** It has not, after all: it is run as it was stored last. */
  unretired(group: string): void;
  /** It was stored as a classic group, and is to be run as one; or not, after all. */
  revived(group: string): void;
  unrevived(group: string): void;
}

export class ConsumerGroups {
  readonly #around: ConsumerSurroundings;
  readonly #timers: ConsumerTimers;
  /** At which version of the topics somebody looked for each group. */
  readonly #looked = new Map<string, number>();
  readonly #assignors: ReadonlySet<string>;

  constructor(around: ConsumerSurroundings) {
    this.#around = around;
    this.#assignors = new Set(around.settings.assignors.keys());
    this.#timers = new ConsumerTimers(around.wheel, (group, memberId, why) =>
      this.#overdue(group, memberId, why),
    );
  }

  state(group: string): ConsumerState | null {
    return this.#around.state.row(group)?.consumer ?? null;
  }

  /** This broker coordinates the group from now on: every member has its full time. */
  awaken(group: string): void {
    const state = this.state(group);
    for (const member of state?.members.values() ?? []) this.#restart(group, member);
  }

  resign(): void {
    this.#timers.forgetAll();
    this.#looked.clear();
  }

  // Members of the newer protocol

  beat(request: ConsumerBeatRequest, done: (answer: ConsumerBeatAnswer) => void): void {
    const { group } = request;
    const fault = this.#beatFault(request);
    if (fault !== null) return done(this.#refusedBeat(group, fault));
    const memberId = request.memberId === "" ? this.#newId(request) : request.memberId;
    const named = { ...request, memberId };
    let outcome: { memberEpoch: number; assignment: ConsumerBeatAnswer["assignment"] } | null;
    this.#decide(
      group,
      request.memberEpoch === 0,
      (draft, deciding) => {
        const decided = beat(draft, named, deciding);
        outcome = decided.ok ? decided.value : null;
        return decided.ok ? null : decided.fault;
      },
      () => {
        if (request.memberEpoch >= 0) this.#keepAlive(group, memberId);
        // Nothing is waited for any more of who leaves for a while; its session goes on.
        else this.#timers.done(group, memberId);
      },
      (refused) => {
        if (refused !== null) return done(this.#refusedBeat(group, refused));
        if (request.memberEpoch === LEAVING) this.#timers.forget(group, memberId);
        const intervalMs = this.#around.settings.heartbeatIntervalMs(group);
        const { memberEpoch = -1, assignment = null } = outcome ?? {};
        done({ fault: null, memberId, memberEpoch, intervalMs, assignment });
      },
    );
  }

  #newId(request: ConsumerBeatRequest): string {
    return this.#around.newId(request.instanceId ?? request.clientId);
  }

  #beatFault(request: ConsumerBeatRequest): GroupFault | null {
    const { group, memberId, instanceId, rackId, regex, clientId } = request;
    const texts = [group, memberId, instanceId, rackId, regex, clientId];
    if (texts.some((text) => (text?.length ?? 0) > NAME_CHARS_MAX)) return "invalid-request";
    const fault = beatFault(request, this.#assignors);
    if (fault !== null) return fault;
    return regex !== null && regex !== "" && !topicPattern(regex).ok ? "invalid-regex" : null;
  }

  #refusedBeat(group: string, fault: GroupFault): ConsumerBeatAnswer {
    const intervalMs = this.#around.settings.heartbeatIntervalMs(group);
    return { fault, memberId: null, memberEpoch: 0, intervalMs, assignment: null };
  }

  // Members of the classic protocol

  /** Whether such a group answers classic members: one that has members. Any other is replaced by a classic group. */
  answersClassic(group: string): boolean {
    return (this.state(group)?.members.size ?? 0) > 0;
  }

  /** The records that remove a consumer group without members. */
  removal(group: string): readonly GroupRecord[] {
    const state = this.state(group);
    if (state === null || state.members.size > 0) return [];
    const draft = new ConsumerDraft(group, state, this.#around.nowMs());
    draft.removeAll();
    return draft.records;
  }

  join(request: JoinRequest, done: (answer: JoinAnswer) => void): void {
    const { group, instanceId, clientId, requiresMemberId } = request;
    const isUnnamed = request.memberId === "";
    const memberId = isUnnamed ? this.#around.newId(instanceId ?? clientId) : request.memberId;
    const isToldFirst = isUnnamed && instanceId === null && requiresMemberId;
    let answer: JoinAnswer | null = null;
    this.#decide(
      group,
      false,
      (draft, deciding) => {
        const decided = joinClassic(draft, request, memberId, deciding);
        answer = decided.ok ? decided.value : null;
        if (decided.ok && isToldFirst) return "member-id-required";
        return decided.ok ? null : decided.fault;
      },
      () => {
        this.#keepAlive(group, memberId);
        this.#timers.done(group, memberId);
        this.#timers.await(group, memberId, "sync", request.rebalanceTimeoutMs);
      },
      (fault) => {
        if (answer !== null && fault === null) return done(answer);
        const told = fault === "member-id-required" ? memberId : request.memberId;
        done(refusedJoin(fault ?? "unknown-member", told));
      },
    );
  }

  sync(request: SyncRequest, done: (answer: SyncAnswer) => void): void {
    const { group, memberId } = request;
    let answer = refusedSync("unknown-member");
    this.#around.submit(
      () => {
        const state = this.state(group);
        if (state === null) return failed("unknown-member");
        const decided = syncClassic(state, request, this.#around.subscribed.catalog);
        if (decided.ok) answer = decided.value;
        if (decided.ok) {
          this.#keepAlive(group, memberId);
          this.#timers.done(group, memberId);
        } else if (decided.fault === "rebalance-in-progress") this.#awaitJoin(group, memberId);
        return decided.ok ? ok([]) : decided;
      },
      (fault) => done(fault === null ? answer : refusedSync(fault)),
    );
  }

  heartbeat(request: HeartbeatRequest): GroupFault | null {
    const { group, memberId } = request;
    const state = this.state(group);
    const found = state === null ? null : claimant(state, request);
    if (state === null || found === null) return "unknown-member";
    if (!found.ok) return found.fault;
    this.#keepAlive(group, memberId);
    if (!mustRejoin(state, memberId)) return null;
    this.#awaitJoin(group, memberId);
    return "rebalance-in-progress";
  }

  leave(request: LeaveRequest, done: (answer: LeaveAnswer) => void): void {
    let members: (GroupFault | null)[] = [];
    this.#decide(
      request.group,
      false,
      (draft) => {
        members = request.members.map((leaving) => leaveClassic(draft, leaving));
        return null;
      },
      () => {},
      (fault) => done({ fault, members: fault === null ? members : [] }),
    );
  }

  // Administration

  describe(group: string): Result<ConsumerDescription, GroupFault> {
    const state = this.state(group);
    const { subscribed, settings } = this.#around;
    if (state === null) return failed("group-not-found");
    return ok(describeConsumer(group, state, subscribed.catalog, settings.assignors.keys()));
  }

  /** Topics that some member subscribes to. Null: not all of them are known yet. */
  topicsOf(group: string): ReadonlySet<string> | null {
    const members = this.state(group)?.members.values() ?? [];
    const { topics, isComplete } = this.#around.subscribed.ofAll(members);
    return isComplete ? new Set(topics.keys()) : null;
  }

  // Deciding

  /**
   * One request on one group: `change` on a draft of it, the way to or from the classic protocol where it is due, one
   * command. `after` runs when the state has it, `done` when it is committed or refused.
   */
  #decide(
    group: string,
    mayCreate: boolean,
    change: (draft: ConsumerDraft, deciding: Deciding) => GroupFault | null,
    after: () => void,
    done: (fault: GroupFault | null) => void,
  ): void {
    const { subscribed } = this.#around;
    let retired: ClassicGroup | null = null;
    let isRevived = false;
    let isDecided = false;
    let isSubmitted = false;
    let isRefused = false;
    const looked = subscribed.version;
    this.#around.submit(
      () => {
        isDecided = false;
        isRevived = false;
        const begun = this.#begin(group, mayCreate);
        if (!begun.ok) return begun;
        const { draft, classic } = begun.value;
        retired = classic;
        const fault = change(draft, this.#deciding(group));
        if (fault !== null) return failed(fault);
        const ended = this.#end(draft);
        isRevived = ended.isRevived;
        isDecided = true;
        return ok(ended.records);
      },
      (fault) => {
        isRefused = fault !== null;
        if (fault === null) this.#committed(group, looked);
        else if (isSubmitted && isRevived) this.#notRevived(group);
        else if (isSubmitted && retired !== null) this.#around.unretired(group);
        const late = fault ?? this.#around.refusal();
        done(late);
      },
    );
    isSubmitted = true;
    // What was refused at once is not in the state: everything is as it was.
    if (!isDecided || isRefused) return;
    if (retired !== null) this.#retire(retired);
    if (isRevived) this.#revived(group);
    else after();
  }

  /** Nothing is remembered of a group that is none any more. */
  #committed(group: string, looked: number): void {
    if (this.state(group) !== null) {
      this.#looked.set(group, looked);
      return;
    }
    this.#looked.delete(group);
    this.#timers.forgetGroup(group);
  }

  /** The draft of a group that is there; of a new one, or a classic one's successor, if somebody joins. */
  #begin(
    group: string,
    mayCreate: boolean,
  ): Result<{ draft: ConsumerDraft; classic: ClassicGroup | null }, GroupFault> {
    const { settings, state, subscribed } = this.#around;
    const consumer = this.state(group);
    const draft = new ConsumerDraft(group, consumer, this.#around.nowMs());
    if (consumer !== null) return ok({ draft, classic: null });
    if (!mayCreate) return failed("group-not-found");
    const classic = this.#around.classic(group);
    if (classic === null) {
      return this.#around.hasRoom() ? ok({ draft, classic: null }) : failed("group-full");
    }
    const { members, protocolType } = classic;
    const isOccupied = members.size > 0;
    if (isOccupied && (!mayUpgrade(settings.migration) || protocolType !== CONSUMER)) {
      return failed("group-not-found");
    }
    if (members.size > settings.membersMax) return failed("group-full");
    const isStored = (state.row(group)?.stored ?? null) !== null;
    const done = upgrade(draft, classic, isStored, subscribed.catalog);
    return done.ok ? ok({ draft, classic }) : done;
  }

  /** The records of the draft; with the way back to a classic group, if that is due and fits into one command. */
  #end(draft: ConsumerDraft): {
    readonly records: readonly GroupRecord[];
    readonly isRevived: boolean;
  } {
    const { settings, subscribed } = this.#around;
    const records = [...draft.records];
    const isDue = records.length > 0 && draft.lostMember && mayDowngrade(settings.migration);
    if (!isDue || !canDowngrade(draft)) return { records, isRevived: false };
    downgrade(draft, subscribed.catalog);
    if (!this.#around.fits(draft.records)) return { records, isRevived: false };
    return { records: draft.records, isRevived: true };
  }

  #deciding(group: string): Deciding {
    const { subscribed, settings, faults } = this.#around;
    const { assignors, membersMax } = settings;
    const isStale = this.#looked.get(group) !== subscribed.version;
    return { subscribed, assignors, membersMax, faults, isStale };
  }

  #retire(classic: ClassicGroup): void {
    this.#around.retire(classic);
    // Those of them that are members of the new group keep their sessions.
    this.awaken(classic.id);
  }

  /** The time of its members runs on until that is committed. */
  #revived(group: string): void {
    this.#looked.delete(group);
    this.#around.revived(group);
  }

  #notRevived(group: string): void {
    this.#around.unrevived(group);
    // Those that are left spoke with the classic group meanwhile, if at all.
    for (const member of this.state(group)?.members.values() ?? []) {
      if (member.classic !== null) this.#restart(group, member);
    }
  }

  // Time

  #sessionMs(group: string, { classic }: ConsumerMember): number {
    return classic?.sessionTimeoutMs ?? this.#around.settings.sessionMs(group);
  }

  #restart(group: string, member: ConsumerMember): void {
    const { memberId, rebalanceTimeoutMs, classic } = member;
    this.#timers.keepAlive(group, memberId, this.#sessionMs(group, member));
    if (classic !== null) return;
    const position = this.state(group)?.position(memberId);
    if (position?.state === "unrevoked") {
      this.#timers.await(group, memberId, position, rebalanceTimeoutMs);
    } else this.#timers.done(group, memberId);
  }

  #keepAlive(group: string, memberId: string): void {
    const member = this.state(group)?.members.get(memberId);
    if (member === undefined) return;
    if (member.classic === null) this.#restart(group, member);
    else this.#timers.keepAlive(group, memberId, this.#sessionMs(group, member));
  }

  #awaitJoin(group: string, memberId: string): void {
    const member = this.state(group)?.members.get(memberId);
    if (member === undefined) return;
    this.#timers.await(group, memberId, "join", member.rebalanceTimeoutMs);
  }

  /** The member is taken out of the group, and what it had is free. */
  #overdue(group: string, memberId: string, why: Overdue): void {
    this.#decide(
      group,
      false,
      (draft) => {
        if (draft.member(memberId) !== null) dismiss(draft, memberId);
        return null;
      },
      () => {},
      (fault) => {
        if (fault === null || fault === "group-not-found") {
          return this.state(group)?.members.has(memberId) === true
            ? undefined
            : this.#timers.forget(group, memberId);
        }
        this.#timers.again(group, memberId, why, AGAIN_MS);
      },
    );
  }
}
