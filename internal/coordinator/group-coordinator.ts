// The coordinator of the groups whose state is in one partition of __consumer_offsets. On every replica it applies the
// partition's records; on the leader it also runs the groups: who joins, who waits, whose session ends. What members may
// rely on is answered when it is committed (C8); when leadership is lost, all who wait are told so (F4).
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import { toHex } from "../bytes/hex.ts";
import type { LogIndex, Term } from "../model/ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import { inSlices } from "../replica/slices.ts";
import type { CommandLog } from "../statelog/command-log.ts";
import { StateLog, STATE_LOG_LIMITS } from "../statelog/state-log.ts";
import type { StateLogFault } from "../statelog/state-log.ts";
import { ClassicGroup, refusedJoin, refusedSync } from "./classic-group.ts";
import type { ClassicSettings, ClassicSurroundings } from "./classic-group.ts";
import { join } from "./classic-join.ts";
import { commitFault, heartbeat, leave, sync } from "./classic-requests.ts";
import { groupCodec } from "./group-codec.ts";
import type { GroupFaults } from "./group-faults.ts";
import type { GroupRecord } from "./group-records.ts";
import type {
  CommittedOffset,
  GroupDescription,
  GroupFault,
  GroupListing,
  HeartbeatRequest,
  JoinAnswer,
  JoinRequest,
  LeaveAnswer,
  LeaveRequest,
  MemberClaim,
  SyncAnswer,
  SyncRequest,
} from "./group-requests.ts";
import { groupMachine, GroupState } from "./group-state.ts";
import type { GroupRow, GroupWrite } from "./group-state.ts";
import { joinFault, nameFault } from "./group-limits.ts";
import type { GroupLimits } from "./group-limits.ts";
import { EXPIRY_CHECK_MS, ID_PREFIX_CHARS_MAX } from "./limits.ts";
import { expired } from "./offset-expiry.ts";
import { subscribedTopics } from "./subscriptions.ts";
import { WheelTimer } from "./timer-wheel.ts";
import type { TimerWheel } from "./timer-wheel.ts";

export interface CoordinatorSettings extends ClassicSettings, GroupLimits {
  readonly offsetsRetentionMs: number;
  /** Of one log entry: what the partition takes as one batch. */
  readonly entryBytesMax: number;
}

export interface CoordinatorSurroundings {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly wheel: TimerWheel;
  readonly settings: CoordinatorSettings;
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
}

export interface NamedPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface NamedOffset extends NamedPartition {
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
}

export interface OffsetsCommit extends MemberClaim {
  readonly group: string;
  readonly retentionMs: number;
  readonly offsets: readonly NamedOffset[];
}

export interface NamedCommitted extends NamedPartition {
  readonly committed: CommittedOffset | null;
}

type Done = (fault: GroupFault | null) => void;

export class GroupCoordinator {
  readonly #around: CoordinatorSurroundings;
  readonly #classic: ClassicSurroundings;
  readonly #state = new GroupState();
  readonly #log: StateLog<GroupState, GroupWrite, null, never, GroupRecord>;
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
        this.#write([record], "assignment-too-large", done);
      },
      quiet: (group) => this.#tidy(group),
    };
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
    const group = this.#known(request.group);
    if (!group.ok) return done(refusedSync(group.fault));
    sync(group.value, request, (answer) => {
      const late = answer.fault === null ? this.#around.refusal() : null;
      done(late === null ? answer : refusedSync(late));
    });
  }

  heartbeat(request: HeartbeatRequest): GroupFault | null {
    const group = this.#known(request.group);
    return group.ok ? heartbeat(group.value, request) : group.fault;
  }

  leave(request: LeaveRequest): LeaveAnswer {
    const fault = this.#refusal(request.group);
    if (fault !== null) return { fault, members: [] };
    const group = this.#find(request.group);
    if (group === null) {
      return { fault: null, members: request.members.map(() => "unknown-member" as const) };
    }
    const members = leave(group, request.members);
    this.#tidy(group);
    return { fault: null, members };
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
    if (row === null) return null;
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
    const expireMs = retentionMs >= 0 ? commitMs + retentionMs : -1;
    const records = offsets.map(({ topic, partition, offset, leaderEpoch, metadata }) => {
      const committed = { offset, leaderEpoch, metadata, commitMs, expireMs };
      return { kind: "offset-set", group: id, topic, partition, committed } as const;
    });
    this.#write(records, "commit-too-large", done);
  }

  #commitFault(commit: OffsetsCommit): GroupFault | null {
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
  ): void {
    const fault = this.#offsetsRefusal(group);
    if (fault !== null) return done(failed(fault));
    if (this.#faults.servesWhileLoading === true && this.#log.leadingTerm === null) {
      return done(ok(committedOf(this.#state.row(group), wanted)));
    }
    this.#log.read(
      (state) => committedOf(state.row(group), wanted),
      (outcome) => {
        if (!outcome.ok) return done(failed(faultOf(outcome.fault, "coordinator-not-available")));
        const late = this.#around.refusal();
        done(late === null ? ok(outcome.value) : failed(late));
      },
    );
  }

  deleteOffsets(
    id: string,
    wanted: readonly NamedPartition[],
    done: (outcome: Result<readonly (GroupFault | null)[], GroupFault>) => void,
  ): void {
    const fault = this.#refusal(id);
    if (fault !== null) return done(failed(fault));
    const group = this.#find(id);
    if (group === null) return done(failed("group-not-found"));
    const topics = group.isEmpty ? new Set<string>() : subscribedTopics(group);
    if (topics === null) return done(failed("group-not-empty"));
    const row = this.#state.row(id);
    const atMs = this.#around.clock.nowMs();
    const records: GroupRecord[] = [];
    const faults = wanted.map(({ topic, partition }): GroupFault | null => {
      if (topics.has(topic)) return "subscribed-topic";
      if (row?.offset(topic, partition) === null) return null;
      records.push({ kind: "offset-gone", group: id, topic, partition, atMs });
      return null;
    });
    this.#writeAll(records, (refused) => done(refused === null ? ok(faults) : failed(refused)));
  }

  /** The topic was deleted: what was committed for it must not come back with a new topic of its name. */
  forgetTopic(topic: string): void {
    if (this.#log.leadingTerm === null) return;
    const { clock } = this.#around;
    const atMs = clock.nowMs();
    inSlices(clock, this.#state.rows, ([group, row]) => {
      const records: GroupRecord[] = [];
      for (const [partition, { commitMs }] of row.offsets.get(topic) ?? []) {
        if (commitMs <= atMs) records.push({ kind: "offset-gone", group, topic, partition, atMs });
      }
      if (records.length > 0) this.#writeAll(records, () => {});
    });
  }

  // Administration

  list(): Result<readonly GroupListing[], GroupFault> {
    const fault = this.#standing();
    if (fault !== null) return failed(fault);
    const listings: GroupListing[] = [];
    for (const [group, { stored }] of this.#state.rows) {
      if (this.#groups.has(group)) continue;
      listings.push({ group, protocolType: stored?.protocolType ?? "", phase: phaseOf(stored) });
    }
    for (const { id, protocolType, phase } of this.#groups.values()) {
      listings.push({ group: id, protocolType: protocolType ?? "", phase });
    }
    return ok(listings);
  }

  describe(id: string): Result<GroupDescription, GroupFault> {
    const fault = this.#refusal(id);
    if (fault !== null) return failed(fault);
    const group = this.#find(id);
    return group === null ? failed("group-not-found") : ok(descriptionOf(group));
  }

  deleteGroup(id: string, done: Done): void {
    const fault = this.#refusal(id);
    if (fault !== null) return done(fault);
    const group = this.#find(id);
    if (group === null) return done("group-not-found");
    if (!group.isEmpty || group.pending.size > 0) return done("group-not-empty");
    this.#tidy(group);
    const row = this.#state.row(id);
    const atMs = this.#around.clock.nowMs();
    const records: GroupRecord[] = [];
    for (const [topic, offsets] of row?.offsets ?? []) {
      for (const partition of offsets.keys()) {
        records.push({ kind: "offset-gone", group: id, topic, partition, atMs });
      }
    }
    if ((row?.stored ?? null) !== null) records.push({ kind: "group-gone", group: id, atMs });
    this.#writeAll(records, done);
  }

  #expire(): void {
    const { clock, settings, wheel } = this.#around;
    const nowMs = clock.nowMs();
    inSlices(clock, this.#state.rows.keys(), (id) => {
      const row = this.#state.row(id);
      const group = this.#log.leadingTerm === null ? null : this.#find(id);
      if (row === null || group === null) return;
      const records = expired(group, row, nowMs, settings.offsetsRetentionMs);
      if (records.some(({ kind }) => kind === "group-gone")) this.#groups.delete(id);
      // What cannot be written now is found again by the next look.
      this.#writeAll(records, () => {});
    });
    wheel.start(this.#expiryTimer, EXPIRY_CHECK_MS);
  }

  // Writing

  #write(records: readonly GroupRecord[], tooLarge: GroupFault, done: Done): void {
    this.#log.submit(records, (outcome) =>
      done(outcome.ok ? null : faultOf(outcome.fault, tooLarge)),
    );
  }

  /** In as many entries as it takes, in order. */
  #writeAll(records: readonly GroupRecord[], done: Done): void {
    const pieces = inPieces(records, this.#around.settings.entryBytesMax);
    let left = pieces.length;
    let refused: GroupFault | null = null;
    if (left === 0) return this.#write([], "commit-too-large", done);
    for (const piece of pieces) {
      this.#write(piece, "commit-too-large", (fault) => {
        refused ??= fault;
        if (--left === 0) done(refused);
      });
    }
  }
}

function isLoading(refusal: GroupFault | null): boolean {
  return refusal === null || refusal === "coordinator-loading";
}

function inPieces(
  records: readonly GroupRecord[],
  bytesMax: number,
): readonly (readonly GroupRecord[])[] {
  const pieces: GroupRecord[][] = [];
  let bytes = Infinity;
  for (const record of records) {
    const more = groupCodec.bytesMax(record);
    if (bytes + more > bytesMax) {
      pieces.push([]);
      bytes = 0;
    }
    pieces.at(-1)?.push(record);
    bytes += more;
  }
  return pieces;
}

function faultOf({ kind }: StateLogFault, tooLarge: GroupFault): GroupFault {
  switch (kind) {
    case "not-leader":
    case "outcome-unknown":
      return "not-coordinator";
    case "busy":
    case "storage-full":
      return "coordinator-not-available";
    case "too-large":
      return tooLarge;
  }
}

function phaseOf(stored: GroupRow["stored"]): GroupListing["phase"] {
  return stored !== null && stored.members.length > 0 ? "Stable" : "Empty";
}

function committedOf(
  row: GroupRow | null,
  wanted: readonly NamedPartition[] | null,
): readonly NamedCommitted[] {
  if (wanted !== null) {
    return wanted.map(({ topic, partition }) => {
      return { topic, partition, committed: row?.offset(topic, partition) ?? null };
    });
  }
  const all: NamedCommitted[] = [];
  for (const [topic, offsets] of row?.offsets ?? []) {
    for (const [partition, committed] of offsets) all.push({ topic, partition, committed });
  }
  return all;
}

function descriptionOf(group: ClassicGroup): GroupDescription {
  const { id, phase, protocol } = group;
  const isStable = phase === "Stable";
  const nothing = new Uint8Array(0);
  const members = [...group.members.all()].map((member) => {
    const { memberId, instanceId, clientId, clientHost } = member.facts;
    return {
      ...{ memberId, instanceId, clientId, clientHost },
      metadata: isStable ? member.metadata(protocol) : nothing,
      assignment: isStable ? member.assignment : nothing,
    };
  });
  const protocolType = group.protocolType ?? "";
  return { group: id, protocolType, phase, protocol: isStable ? (protocol ?? "") : "", members };
}

/** As Kafka's own: the client's or the instance's name, and a random UUID. */
function newMemberId(prefix: string, entropy: Entropy): string {
  const bytes = new Uint8Array(16);
  entropy.fill(bytes);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = toHex(bytes);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return `${prefix.slice(0, ID_PREFIX_CHARS_MAX)}-${parts.join("-")}-${hex.slice(20)}`;
}
