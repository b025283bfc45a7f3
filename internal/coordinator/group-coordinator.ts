// The coordinator of the groups whose state is in one partition of __consumer_offsets. On every replica it applies the
// partition's records; on the leader it also runs the groups: who joins, who waits, whose session ends. What members may
// rely on is answered when it is committed (C8); when leadership is lost, all who wait are told so (F4).
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { LogIndex, Term } from "../model/ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import { inSlices } from "../replica/slices.ts";
import type { CommandLog } from "../statelog/command-log.ts";
import { StateLog, STATE_LOG_LIMITS } from "../statelog/state-log.ts";
import { ClassicGroup, refusedJoin, refusedSync } from "./classic-group.ts";
import type { ClassicSettings, ClassicSurroundings } from "./classic-group.ts";
import { join } from "./classic-join.ts";
import { commitFault, heartbeat, leave, sync } from "./classic-requests.ts";
import { consumerCommitFault, consumerFetchFault } from "./consumer-claims.ts";
import { ConsumerGroups } from "./consumer-groups.ts";
import type { ConsumerSettings } from "./consumer-settings.ts";
import type { GroupFaults } from "./group-faults.ts";
import type { GroupRecord } from "./group-records.ts";
import type {
  ConsumerBeatAnswer,
  ConsumerBeatRequest,
  ConsumerDescription,
  GroupDescription,
  GroupFault,
  GroupListing,
  HeartbeatRequest,
  JoinAnswer,
  JoinRequest,
  LeaveAnswer,
  LeaveRequest,
  SyncAnswer,
  SyncRequest,
} from "./group-requests.ts";
import { NO_MEMBER } from "./group-offsets.ts";
import type { FetchClaim, NamedCommitted, NamedPartition, OffsetsCommit } from "./group-offsets.ts";
import type { GroupRow } from "./group-state.ts";
import { groupMachine, GroupState } from "./group-state.ts";
import type { GroupWrite } from "./group-state.ts";
import { committedOf, descriptionOf, goneOffsets, listingOf } from "./group-views.ts";
import { GroupWriter } from "./group-writer.ts";
import type { GroupLog } from "./group-writer.ts";
import { joinFault, nameFault } from "./group-limits.ts";
import type { GroupLimits } from "./group-limits.ts";
import { EXPIRY_CHECK_MS } from "./limits.ts";
import { newMemberId } from "./member-ids.ts";
import { classicUsage, consumerUsage, expired } from "./offset-expiry.ts";
import type { SubscribedTopics } from "./subscribed-topics.ts";
import type { TopicCatalog } from "./topic-catalog.ts";
import { subscribedTopics } from "./subscriptions.ts";
import { WheelTimer } from "./timer-wheel.ts";
import type { TimerWheel } from "./timer-wheel.ts";

export interface CoordinatorSettings extends ClassicSettings, GroupLimits {
  readonly consumer: ConsumerSettings;
  readonly offsetsRetentionMs: number;
  /** Of one log entry: what the partition takes as one batch. */
  readonly entryBytesMax: number;
}

export interface CoordinatorSurroundings {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly wheel: TimerWheel;
  readonly settings: CoordinatorSettings;
  readonly subscribed: SubscribedTopics;
  /** Whether this broker may answer for the partition now (L5); if not, why. */
  refusal(): GroupFault | null;
  /** Whether it may coordinate one more group. */
  hasRoom(): boolean;
  undecodable(index: LogIndex, detail: string): void;
}

/** What a coordinator tells of itself, in the middle of the event in which it happens. */
export interface CoordinatorEvents {
  /** Committed and in the state, on every replica; who waits for it is answered next. */
  committed?(at: LogIndex, records: readonly GroupRecord[]): void;
  leading?(term: Term): void;
  /** The state is what is committed. */
  deposed?(): void;
  /** Committed offsets whose time was over were removed. */
  expired?(offsets: number): void;
}

type Done = (fault: GroupFault | null) => void;

export class GroupCoordinator {
  readonly #around: CoordinatorSurroundings;
  readonly #classic: ClassicSurroundings;
  readonly #consumers: ConsumerGroups;
  readonly #state = new GroupState();
  readonly #log: GroupLog;
  readonly #writer: GroupWriter;
  /** Groups that have members, or somebody who waits. All others are in the state alone. */
  readonly #groups = new Map<string, ClassicGroup>();
  /** Those of them that the log has nothing of yet. */
  readonly #unstored = new Set<string>();
  readonly #expiryTimer = new WheelTimer(() => this.#expire());
  readonly #faults: GroupFaults;
  readonly #listeners: CoordinatorEvents[] = [];

  constructor(log: CommandLog, around: CoordinatorSurroundings, faults: GroupFaults = {}) {
    this.#around = around;
    this.#faults = faults;
    const { clock, entropy, wheel } = around;
    this.#classic = {
      settings: around.settings,
      wheel,
      faults,
      nowMs: () => clock.nowMs(),
      newId: (prefix) => newMemberId(prefix, entropy),
      store: (group, stored, done) => {
        const record = { kind: "group-set", group, atMs: clock.nowMs(), stored } as const;
        this.#writer.write([record], "assignment-too-large", done);
      },
      quiet: (group) => this.#tidy(group),
    };
    this.#consumers = this.#newConsumers(around, faults);
    this.#log = new StateLog(
      groupMachine(this.#state),
      log,
      around,
      {
        leading: (term) => {
          this.#lead();
          for (const listener of this.#listeners) listener.leading?.(term);
        },
        deposed: () => {
          this.#resign();
          for (const listener of this.#listeners) listener.deposed?.();
        },
        committed: (index, records) => {
          for (const { group } of records) this.#unstored.delete(group);
          for (const listener of this.#listeners) listener.committed?.(index, records);
        },
        undecodable: (index, detail) => around.undecodable(index, detail),
      },
      { ...STATE_LOG_LIMITS, entryBytesMax: around.settings.entryBytesMax },
      faults,
    );
    const { entryBytesMax } = around.settings;
    this.#writer = new GroupWriter(this.#log, entryBytesMax, () => around.refusal());
  }

  #newConsumers(around: CoordinatorSurroundings, faults: GroupFaults): ConsumerGroups {
    const { wheel, subscribed } = around;
    return new ConsumerGroups({
      ...{ wheel, faults, subscribed },
      get settings() {
        return around.settings.consumer;
      },
      state: this.#state,
      nowMs: () => around.clock.nowMs(),
      newId: (prefix) => newMemberId(prefix, around.entropy),
      refusal: () => around.refusal(),
      hasRoom: () => around.hasRoom(),
      submit: (decide, done) => this.#writer.submit(decide, "assignment-too-large", done),
      fits: (records) => this.#writer.fits(records),
      classic: (group) => this.#find(group),
      retire: (classic) => this.#retire(classic, "rebalance-in-progress"),
      // Its members' time runs again. Who lost the log has nothing to run.
      unretired: (group) => {
        if (this.#log.leadingTerm !== null) this.#awaken(group);
      },
      revived: (group) => {
        this.#awaken(group);
        this.#groups.get(group)?.rebalance();
      },
      unrevived: (group) => {
        const classic = this.#groups.get(group);
        if (classic !== undefined) this.#retire(classic, "rebalance-in-progress");
      },
    });
  }

  /** The object is of no use any more; who waits for an answer of it is given one. */
  #retire(classic: ClassicGroup, fault: GroupFault): void {
    if (this.#groups.get(classic.id) === classic) this.#groups.delete(classic.id);
    this.#unstored.delete(classic.id);
    classic.resign(fault);
  }

  listen(events: CoordinatorEvents): void {
    this.#listeners.push(events);
  }

  /** Borrowed: what is stored of its groups, with what is not committed yet while `isSpeculative`. */
  get state(): Readonly<GroupState> {
    return this.#state;
  }

  get isSpeculative(): boolean {
    return this.#log.isSpeculative;
  }

  /** Everything up to here is in the state, committed. */
  get appliedIndex(): LogIndex {
    return this.#log.appliedIndex;
  }

  /** Groups in the state, or about to be. */
  get groupCount(): number {
    return this.#state.rows.size + this.#unstored.size;
  }

  // Leadership

  #lead(): void {
    inSlices(this.#around.clock, this.#state.rows.keys(), (group) => {
      // Meanwhile leadership may be lost, and requests may have loaded some.
      if (this.#log.leadingTerm !== null) this.#awaken(group);
    });
    this.#around.wheel.start(this.#expiryTimer, EXPIRY_CHECK_MS);
  }

  /** A group with members needs its timers to run. */
  #awaken(id: string): void {
    this.#consumers.awaken(id);
    const stored = this.#state.row(id)?.stored ?? null;
    if (stored === null || stored.members.length === 0 || this.#groups.has(id)) return;
    this.#groups.set(id, ClassicGroup.load(id, stored, this.#classic));
  }

  #resign(): void {
    this.#around.wheel.stop(this.#expiryTimer);
    const groups = [...this.#groups.values()];
    this.#groups.clear();
    this.#unstored.clear();
    for (const group of groups) group.resign();
    this.#consumers.resign();
  }

  /** Why nothing of a group can be answered here. */
  #refusal(group: string): GroupFault | null {
    return group === "" ? "invalid-group-id" : this.#offsetsRefusal(group);
  }

  /** The same for its offsets: old clients keep some under no name at all. */
  #offsetsRefusal(group: string): GroupFault | null {
    return nameFault(group) ?? this.#standing();
  }

  #standing(): GroupFault | null {
    const refusal = this.#around.refusal();
    if (this.#faults.servesWhileLoading === true && isLoading(refusal)) return null;
    if (refusal !== null) return refusal;
    return this.#log.leadingTerm === null ? "coordinator-loading" : null;
  }

  // Members

  join(request: JoinRequest, done: (answer: JoinAnswer) => void): void {
    const { group: id, memberId } = request;
    const { settings } = this.#around;
    const fault = this.#refusal(id) ?? joinFault(request, settings);
    if (fault !== null) return done(refusedJoin(fault, memberId));
    if (this.#consumers.answersClassic(id)) return this.#consumers.join(request, done);
    const replaced = this.#consumers.removal(id);
    if (replaced.length > 0) this.#writer.write(replaced, "assignment-too-large", () => {});
    const known = this.#find(id);
    if (known === null && memberId !== "") return done(refusedJoin("unknown-member", memberId));
    if (known === null && !this.#around.hasRoom()) return done(refusedJoin("group-full", memberId));
    if (known === null) this.#unstored.add(id);
    const group = known ?? new ClassicGroup(id, this.#classic);
    this.#groups.set(id, group);
    join(group, request, (answer) => {
      // L5: who waited hears of a rebalance only from a leader that may still answer.
      const late = answer.fault === null ? this.#around.refusal() : null;
      done(late === null ? answer : refusedJoin(late, memberId));
    });
    this.#tidy(group);
  }

  sync(request: SyncRequest, done: (answer: SyncAnswer) => void): void {
    if (this.#runsConsumer(request.group)) {
      return this.#consumers.sync(request, (answer) => {
        const late = answer.fault === null ? this.#around.refusal() : null;
        done(late === null ? answer : refusedSync(late));
      });
    }
    const group = this.#known(request.group);
    if (!group.ok) return done(refusedSync(group.fault));
    sync(group.value, request, (answer) => {
      const late = answer.fault === null ? this.#around.refusal() : null;
      done(late === null ? answer : refusedSync(late));
    });
  }

  heartbeat(request: HeartbeatRequest): GroupFault | null {
    if (this.#runsConsumer(request.group)) return this.#consumers.heartbeat(request);
    const group = this.#known(request.group);
    return group.ok ? heartbeat(group.value, request) : group.fault;
  }

  leave(request: LeaveRequest, done: (answer: LeaveAnswer) => void): void {
    if (this.#runsConsumer(request.group)) return this.#consumers.leave(request, done);
    const fault = this.#refusal(request.group);
    if (fault !== null) return done({ fault, members: [] });
    const group = this.#find(request.group);
    if (group === null) {
      const members = request.members.map(() => "unknown-member" as const);
      return done({ fault: null, members });
    }
    const members = leave(group, request.members);
    this.#tidy(group);
    done({ fault: null, members });
  }

  consumerBeat(request: ConsumerBeatRequest, done: (answer: ConsumerBeatAnswer) => void): void {
    const fault = this.#offsetsRefusal(request.group);
    if (fault === null) return this.#consumers.beat(request, done);
    done({ fault, memberId: null, memberEpoch: 0, intervalMs: 0, assignment: null });
  }

  /** A request of the classic protocol that goes to a consumer group, in a coordinator that may answer. */
  #runsConsumer(id: string): boolean {
    return this.#consumers.state(id) !== null && this.#refusal(id) === null;
  }

  /** The group of a member's request; nobody is a member of a group that is not there. */
  #known(id: string): Result<ClassicGroup, GroupFault> {
    const fault = this.#refusal(id);
    if (fault !== null) return failed(fault);
    const group = this.#find(id);
    return group === null ? failed("unknown-member") : ok(group);
  }

  #find(id: string): ClassicGroup | null {
    const running = this.#groups.get(id);
    if (running !== undefined) return running;
    const row = this.#state.row(id);
    if (row === null || row.consumer !== null) return null;
    if (row.stored === null) return new ClassicGroup(id, this.#classic);
    this.#awaken(id);
    return this.#groups.get(id) ?? ClassicGroup.load(id, row.stored, this.#classic);
  }

  /** Forgets a group that the state describes as well. */
  #tidy(group: ClassicGroup): void {
    if (!group.isIdle(this.#state.row(group.id)?.stored ?? null)) return;
    if (this.#groups.get(group.id) !== group) return;
    this.#groups.delete(group.id);
    this.#unstored.delete(group.id);
  }

  // Offsets

  commit(commit: OffsetsCommit, done: Done): void {
    const { group: id, retentionMs, offsets } = commit;
    const fault = this.#offsetsRefusal(id) ?? this.#commitFault(commit);
    if (fault !== null) return done(fault);
    const commitMs = this.#around.clock.nowMs();
    // A client may ask for longer than a time can say.
    const untilMs = Math.min(commitMs + retentionMs, Number.MAX_SAFE_INTEGER);
    const expireMs = retentionMs >= 0 ? untilMs : -1;
    const records = offsets.map(({ topic, partition, log, offset, leaderEpoch, metadata }) => {
      const committed = { log, offset, leaderEpoch, metadata, commitMs, expireMs };
      return { kind: "offset-set", group: id, topic, partition, committed } as const;
    });
    const decide = (): ReturnType<GroupWrite> => {
      const state = this.#consumers.state(id);
      const { memberId, generation: epoch } = commit;
      const isUnchecked = state === null || this.#faults.oldGenerationCommits === true;
      const refused = isUnchecked ? null : consumerCommitFault(state, { memberId, epoch });
      if (refused !== null) return failed(refused);
      // What was deleted while this waited is not remembered.
      return ok(records.filter(({ committed }) => !this.#catalog.isGone(committed.log)));
    };
    this.#writer.submit(decide, "commit-too-large", done);
  }

  #commitFault(commit: OffsetsCommit): GroupFault | null {
    if (this.#consumers.state(commit.group) !== null) return null;
    const group = this.#find(commit.group);
    if (group !== null) return commitFault(group, commit);
    if (commit.generation >= 0) return "group-not-found";
    return this.#around.hasRoom() ? null : "group-full";
  }

  /** Null wanted: everything that is committed. */
  fetch(
    group: string,
    wanted: readonly NamedPartition[] | null,
    done: (outcome: Result<readonly NamedCommitted[], GroupFault>) => void,
    claim: FetchClaim = NO_MEMBER,
  ): void {
    const fault = this.#offsetsRefusal(group);
    if (fault !== null) return done(failed(fault));
    if (this.#faults.servesWhileLoading === true && this.#log.leadingTerm === null) {
      return done(ok(committedOf(this.#state.row(group), wanted, this.#catalog)));
    }
    const look = (state: Readonly<GroupState>): Result<readonly NamedCommitted[], GroupFault> => {
      const row = state.row(group);
      const epoch = { memberId: claim.memberId, epoch: claim.memberEpoch };
      const refused = row?.consumer ? consumerFetchFault(row.consumer, epoch) : null;
      return refused === null ? ok(committedOf(row, wanted, this.#catalog)) : failed(refused);
    };
    this.#writer.read(look, done);
  }

  deleteOffsets(
    id: string,
    wanted: readonly NamedPartition[],
    done: (outcome: Result<readonly (GroupFault | null)[], GroupFault>) => void,
  ): void {
    const fault = this.#refusal(id);
    if (fault !== null) return done(failed(fault));
    const isConsumer = this.#consumers.state(id) !== null;
    const group = this.#find(id);
    if (group === null && !isConsumer) return done(failed("group-not-found"));
    const topics = isConsumer ? this.#consumers.topicsOf(id) : topicsOf(group);
    if (topics === null) return done(failed("group-not-empty"));
    const row = this.#state.row(id);
    const atMs = this.#around.clock.nowMs();
    const records: GroupRecord[] = [];
    const faults = wanted.map(({ topic, partition }): GroupFault | null => {
      if (topics.has(topic)) return "subscribed-topic";
      if ((row?.offset(topic, partition) ?? null) === null) return null;
      records.push({ kind: "offset-gone", group: id, topic, partition, atMs });
      return null;
    });
    this.#writer.writeAll(records, (refused) =>
      done(refused === null ? ok(faults) : failed(refused)),
    );
  }

  /** The topic was deleted: nobody needs any more what was committed for it. */
  forgetTopic(topic: string): void {
    if (this.#log.leadingTerm === null) return;
    const { clock } = this.#around;
    const atMs = clock.nowMs();
    inSlices(clock, this.#state.rows, ([group, row]) => {
      const records = goneOffsets(group, row, topic, this.#catalog, atMs);
      // What cannot be written now is not told to anybody, and found again by the next look for what has expired.
      if (records.length > 0) this.#writer.writeAll(records, () => {});
    });
  }

  get #catalog(): TopicCatalog {
    return this.#around.subscribed.catalog;
  }

  // Administration

  list(): Result<readonly GroupListing[], GroupFault> {
    const fault = this.#standing();
    if (fault !== null) return failed(fault);
    const listings: GroupListing[] = [];
    for (const [group, row] of this.#state.rows) {
      if (!this.#groups.has(group)) listings.push(listingOf(group, row));
    }
    for (const { id, protocolType, phase } of this.#groups.values()) {
      listings.push({ group: id, type: "classic", protocolType: protocolType ?? "", phase });
    }
    return ok(listings);
  }

  describe(id: string): Result<GroupDescription, GroupFault> {
    const fault = this.#refusal(id);
    if (fault !== null) return failed(fault);
    const group = this.#find(id);
    return group === null ? failed("group-not-found") : ok(descriptionOf(group));
  }

  describeConsumer(
    id: string,
    done: (outcome: Result<ConsumerDescription, GroupFault>) => void,
  ): void {
    const fault = this.#refusal(id);
    if (fault !== null) return done(failed(fault));
    this.#writer.read(() => this.#consumers.describe(id), done);
  }

  deleteGroup(id: string, done: Done): void {
    const fault = this.#refusal(id);
    if (fault !== null) return done(fault);
    const group = this.#find(id);
    const isConsumer = this.#consumers.state(id) !== null;
    if (group === null && !isConsumer) return done("group-not-found");
    const isBusy = group !== null && (!group.isEmpty || group.pending.size > 0);
    if (isBusy || this.#consumers.answersClassic(id)) return done("group-not-empty");
    if (group !== null) this.#tidy(group);
    const row = this.#state.row(id);
    const atMs = this.#around.clock.nowMs();
    const records: GroupRecord[] = [];
    for (const [topic, offsets] of row?.offsets ?? []) {
      for (const partition of offsets.keys()) {
        records.push({ kind: "offset-gone", group: id, topic, partition, atMs });
      }
    }
    if ((row?.stored ?? null) !== null) records.push({ kind: "group-gone", group: id, atMs });
    records.push(...this.#consumers.removal(id));
    this.#writer.writeAll(records, done);
  }

  #expire(): void {
    const { clock, wheel } = this.#around;
    const nowMs = clock.nowMs();
    inSlices(clock, this.#state.rows.keys(), (id) => {
      const row = this.#state.row(id);
      if (row === null || this.#log.leadingTerm === null) return;
      const gone = goneOffsets(id, row, null, this.#catalog, nowMs);
      if (gone.length > 0) this.#writer.writeAll(gone, () => {});
      const records = this.#expiredOf(id, row, nowMs);
      if (records.length === 0) return;
      const offsets = records.filter(({ kind }) => kind === "offset-gone").length;
      // What cannot be written now is found again by the next look.
      this.#writer.writeAll(records, (fault) => {
        if (fault !== null || offsets === 0) return;
        for (const listener of this.#listeners) listener.expired?.(offsets);
      });
    });
    wheel.start(this.#expiryTimer, EXPIRY_CHECK_MS);
  }

  #expiredOf(id: string, row: GroupRow, nowMs: number): readonly GroupRecord[] {
    const { offsetsRetentionMs } = this.#around.settings;
    const { consumer } = row;
    const group = this.#find(id);
    if (consumer !== null) {
      const usage = consumerUsage(consumer, this.#consumers.topicsOf(id));
      return expired(id, usage, row, nowMs, offsetsRetentionMs, this.#consumers.removal(id));
    }
    if (group === null) return [];
    const gone = { kind: "group-gone", group: id, atMs: nowMs } as const;
    const removal = row.stored === null ? [] : [gone];
    const usage = classicUsage(group, row.stored);
    const records = expired(id, usage, row, nowMs, offsetsRetentionMs, removal);
    if (records.some(({ kind }) => kind === "group-gone")) this.#groups.delete(id);
    return records;
  }
}

/** Null: it is not known what its members read. */
function topicsOf(group: ClassicGroup | null): ReadonlySet<string> | null {
  return group === null || group.isEmpty ? new Set<string>() : subscribedTopics(group);
}

function isLoading(refusal: GroupFault | null): boolean {
  return refusal === null || refusal === "coordinator-loading";
}
