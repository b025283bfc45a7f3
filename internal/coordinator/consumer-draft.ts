// A consumer group while one request is decided: the stored state, seen through the records that the request has already
// come to. All of them go to the log as one command; until then nothing of the state itself has changed.
import type { TopicId } from "../model/ids.ts";
import type { Assignment } from "./assignment.ts";
import { holds, isSame, NO_PARTITIONS } from "./assignment.ts";
import type { ConsumerMember, MemberPosition } from "./consumer-member.ts";
import { isSamePosition, NEW_POSITION } from "./consumer-member.ts";
import { ConsumerState } from "./consumer-state.ts";
import type { GroupRecord } from "./group-records.ts";

export class ConsumerDraft {
  readonly group: string;
  readonly records: GroupRecord[] = [];
  readonly nowMs: number;
  readonly #base: ConsumerState;
  /** Null: removed. */
  readonly #members = new Map<string, ConsumerMember | null>();
  readonly #targets = new Map<string, Assignment | null>();
  readonly #positions = new Map<string, MemberPosition | null>();
  #lostMember = false;
  #epoch: number;
  #metadataHash: number;
  #targetEpoch: number;

  /** `base` null: a group that is not there yet. */
  constructor(group: string, base: ConsumerState | null, nowMs: number) {
    this.group = group;
    this.nowMs = nowMs;
    this.#base = base ?? new ConsumerState();
    this.#epoch = this.#base.epoch;
    this.#metadataHash = this.#base.epochRow?.metadataHash ?? 0;
    this.#targetEpoch = this.#base.targetEpoch;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get metadataHash(): number {
    return this.#metadataHash;
  }

  get targetEpoch(): number {
    return this.#targetEpoch;
  }

  /** Somebody has left: only then may nobody of the newer protocol be left. */
  get lostMember(): boolean {
    return this.#lostMember;
  }

  get size(): number {
    let size = this.#base.members.size;
    for (const [memberId, member] of this.#members) {
      const before = this.#base.members.has(memberId);
      if (before && member === null) size--;
      if (!before && member !== null) size++;
    }
    return size;
  }

  member(memberId: string): ConsumerMember | null {
    return seen(this.#members, this.#base.members, memberId);
  }

  /** In the order of their ids, which is the same on every broker. */
  members(): ConsumerMember[] {
    const members: ConsumerMember[] = [];
    for (const [memberId, member] of this.#base.members) {
      if (!this.#members.has(memberId)) members.push(member);
    }
    for (const member of this.#members.values()) if (member !== null) members.push(member);
    return members.sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  }

  ofInstance(instanceId: string): ConsumerMember | null {
    for (const member of this.#members.values()) {
      if (member?.instanceId === instanceId) return member;
    }
    const memberId = this.#base.ofInstance(instanceId);
    return memberId === null ? null : this.member(memberId);
  }

  target(memberId: string): Assignment {
    return seen(this.#targets, this.#base.targets, memberId) ?? NO_PARTITIONS;
  }

  position(memberId: string): MemberPosition {
    return seen(this.#positions, this.#base.positions, memberId) ?? NEW_POSITION;
  }

  owner(topicId: TopicId, partition: number): string | null {
    for (const [memberId, position] of this.#positions) {
      if (position !== null && owns(position, topicId, partition)) return memberId;
    }
    const before = this.#base.owner(topicId, partition);
    return before === null || this.#positions.has(before) ? null : before;
  }

  // Changes

  setEpoch(epoch: number, metadataHash: number): void {
    this.#epoch = epoch;
    this.#metadataHash = metadataHash;
    const value = { epoch, metadataHash };
    this.#write({ kind: "consumer-epoch", ...this.#named(), value });
  }

  /** The next epoch: there is a new target to be made. */
  bump(metadataHash: number = this.#metadataHash): void {
    this.setEpoch(this.#epoch + 1, metadataHash);
  }

  setMember(member: ConsumerMember): void {
    this.#members.set(member.memberId, member);
    const { memberId } = member;
    this.#write({ kind: "consumer-member", ...this.#named(), memberId, value: member });
  }

  setTargetEpoch(epoch: number): void {
    this.#targetEpoch = epoch;
    this.#write({ kind: "target-epoch", ...this.#named(), value: epoch });
  }

  setTarget(memberId: string, value: Assignment): void {
    const before = seen(this.#targets, this.#base.targets, memberId);
    if (before !== null && isSame(before, value)) return;
    this.#targets.set(memberId, value);
    this.#write({ kind: "target", ...this.#named(), memberId, value });
  }

  setPosition(memberId: string, value: MemberPosition): void {
    const before = seen(this.#positions, this.#base.positions, memberId);
    if (before !== null && isSamePosition(before, value)) return;
    this.#positions.set(memberId, value);
    this.#write({ kind: "position", ...this.#named(), memberId, value });
  }

  removeMember(memberId: string): void {
    this.#lostMember = true;
    const named = { ...this.#named(), memberId, value: null };
    if (seen(this.#positions, this.#base.positions, memberId) !== null) {
      this.#write({ kind: "position", ...named });
    }
    if (seen(this.#targets, this.#base.targets, memberId) !== null) {
      this.#write({ kind: "target", ...named });
    }
    this.#write({ kind: "consumer-member", ...named });
    this.#positions.set(memberId, null);
    this.#targets.set(memberId, null);
    this.#members.set(memberId, null);
  }

  /** Everything that is stored of the group as a consumer group, its offsets excepted. */
  removeAll(): void {
    for (const { memberId } of this.members()) this.removeMember(memberId);
    this.#write({ kind: "target-epoch", ...this.#named(), value: null });
    this.#write({ kind: "consumer-epoch", ...this.#named(), value: null });
  }

  /** A record of another kind that belongs to the same command. */
  add(record: GroupRecord): void {
    this.#write(record);
  }

  #named(): { readonly group: string; readonly atMs: number } {
    return { group: this.group, atMs: this.nowMs };
  }

  #write(record: GroupRecord): void {
    this.records.push(record);
  }
}

function seen<T>(
  changed: ReadonlyMap<string, T | null>,
  base: ReadonlyMap<string, T>,
  key: string,
): T | null {
  const change = changed.get(key);
  return change === undefined ? (base.get(key) ?? null) : change;
}

function owns(position: MemberPosition, topicId: TopicId, partition: number): boolean {
  return (
    holds(position.assigned, topicId, partition) || holds(position.revoking, topicId, partition)
  );
}
