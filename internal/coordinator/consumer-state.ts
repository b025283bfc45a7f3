// What is stored of one consumer group: its epoch, its members, its target assignment, and each member's position on the
// way there. Derived from them: who owns a partition, and the group's phase.
import type { TopicId } from "../model/ids.ts";
import type { Assignment } from "./assignment.ts";
import { NO_PARTITIONS } from "./assignment.ts";
import type { ConsumerMember, MemberPosition } from "./consumer-member.ts";
import { NEW_POSITION } from "./consumer-member.ts";
import type { ConsumerPhase } from "./group-requests.ts";

export interface ConsumerEpoch {
  /** Rises with every change of members, subscriptions or topics. */
  readonly epoch: number;
  /** Of the topics that are subscribed to, as they were then; 0: nobody looked yet. */
  readonly metadataHash: number;
  readonly sinceMs: number;
}

export class ConsumerState {
  /** Null only while the records of a group come in another order than they were written. */
  epochRow: ConsumerEpoch | null = null;
  targetEpoch = 0;
  readonly members = new Map<string, ConsumerMember>();
  readonly targets = new Map<string, Assignment>();
  readonly positions = new Map<string, MemberPosition>();
  readonly #instances = new Map<string, string>();
  readonly #owners = new Map<TopicId, Map<number, string>>();

  get isGone(): boolean {
    const { members, targets, positions } = this;
    const rows = members.size + targets.size + positions.size;
    return this.epochRow === null && this.targetEpoch === 0 && rows === 0;
  }

  get epoch(): number {
    return this.epochRow?.epoch ?? 0;
  }

  get phase(): ConsumerPhase {
    if (this.members.size === 0) return "Empty";
    if (this.epoch > this.targetEpoch) return "Assigning";
    for (const memberId of this.members.keys()) {
      const { state, epoch } = this.position(memberId);
      if (state !== "stable" || epoch !== this.targetEpoch) return "Reconciling";
    }
    return "Stable";
  }

  position(memberId: string): MemberPosition {
    return this.positions.get(memberId) ?? NEW_POSITION;
  }

  target(memberId: string): Assignment {
    return this.targets.get(memberId) ?? NO_PARTITIONS;
  }

  /** The member's id, or null. */
  ofInstance(instanceId: string): string | null {
    return this.#instances.get(instanceId) ?? null;
  }

  owner(topicId: TopicId, partition: number): string | null {
    return this.#owners.get(topicId)?.get(partition) ?? null;
  }

  setMember(memberId: string, member: ConsumerMember | null): void {
    const before = this.members.get(memberId)?.instanceId ?? null;
    if (before !== null && this.#instances.get(before) === memberId) this.#instances.delete(before);
    put(this.members, memberId, member);
    if (member !== null && member.instanceId !== null) {
      this.#instances.set(member.instanceId, memberId);
    }
  }

  setTarget(memberId: string, target: Assignment | null): void {
    put(this.targets, memberId, target);
  }

  setPosition(memberId: string, position: MemberPosition | null): void {
    const before = this.positions.get(memberId);
    if (before !== undefined) this.#disown(memberId, before);
    put(this.positions, memberId, position);
    if (position === null) return;
    this.#own(memberId, position.assigned);
    this.#own(memberId, position.revoking);
  }

  #own(memberId: string, assignment: Assignment): void {
    for (const [topicId, partitions] of assignment) {
      const owners = this.#owners.get(topicId) ?? new Map<number, string>();
      for (const partition of partitions) owners.set(partition, memberId);
      this.#owners.set(topicId, owners);
    }
  }

  #disown(memberId: string, { assigned, revoking }: MemberPosition): void {
    for (const assignment of [assigned, revoking]) {
      for (const [topicId, partitions] of assignment) {
        const owners = this.#owners.get(topicId);
        if (owners === undefined) continue;
        for (const partition of partitions) {
          if (owners.get(partition) === memberId) owners.delete(partition);
        }
        if (owners.size === 0) this.#owners.delete(topicId);
      }
    }
  }
}

function put<T>(map: Map<string, T>, key: string, value: T | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}
