// The members of one classic group: who they are, what protocols they speak, and who of them waits for an answer.
import { assert } from "../base/assert.ts";
import type { GroupProtocol, JoinAnswer, SyncAnswer } from "./group-requests.ts";
import type { WheelTimer } from "./timer-wheel.ts";

export const NO_BYTES = new Uint8Array(0);

export interface MemberFacts {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** Copies, in the order of preference. */
  readonly protocols: readonly GroupProtocol[];
}

export class Member {
  facts: MemberFacts;
  assignment: Uint8Array = NO_BYTES;
  readonly session: WheelTimer;
  /** Its first JoinGroup is not answered yet. */
  isNew = false;
  /** Parked answers. Set and cleared by the table, which counts them. */
  join: ((answer: JoinAnswer) => void) | null = null;
  sync: ((answer: SyncAnswer) => void) | null = null;

  constructor(facts: MemberFacts, session: WheelTimer) {
    this.facts = facts;
    this.session = session;
  }

  get id(): string {
    return this.facts.memberId;
  }

  get instanceId(): string | null {
    return this.facts.instanceId;
  }

  metadata(protocol: string | null): Uint8Array {
    return this.facts.protocols.find(({ name }) => name === protocol)?.metadata ?? NO_BYTES;
  }

  /** Whether a rejoin says nothing new. */
  speaks(protocols: readonly GroupProtocol[]): boolean {
    const own = this.facts.protocols;
    return (
      own.length === protocols.length &&
      own.every(({ name, metadata }, at) => {
        const other = protocols[at] as GroupProtocol;
        return name === other.name && isSame(metadata, other.metadata);
      })
    );
  }
}

export class MemberTable {
  readonly #members = new Map<string, Member>();
  /** Member ids of static members, by instance. */
  readonly #instances = new Map<string, string>();
  /** How many members speak each protocol. */
  readonly #speakers = new Map<string, number>();
  #awaitingJoin = 0;

  get size(): number {
    return this.#members.size;
  }

  get awaitingJoin(): number {
    return this.#awaitingJoin;
  }

  get(memberId: string): Member | null {
    return this.#members.get(memberId) ?? null;
  }

  /** In the order in which they joined. */
  all(): IterableIterator<Member> {
    return this.#members.values();
  }

  ofInstance(instanceId: string): Member | null {
    return this.get(this.#instances.get(instanceId) ?? "");
  }

  add(member: Member): void {
    assert(!this.#members.has(member.id), "a member is added once");
    this.#members.set(member.id, member);
    if (member.instanceId !== null) this.#instances.set(member.instanceId, member.id);
    this.#count(member, 1);
  }

  remove(member: Member): void {
    this.unparkJoin(member);
    this.#count(member, -1);
    this.#members.delete(member.id);
    if (member.instanceId !== null) this.#instances.delete(member.instanceId);
  }

  update(member: Member, facts: MemberFacts): void {
    assert(facts.memberId === member.id, "an update keeps the member's id");
    this.#count(member, -1);
    member.facts = facts;
    this.#count(member, 1);
  }

  #count(member: Member, by: number): void {
    for (const name of new Set(member.facts.protocols.map((protocol) => protocol.name))) {
      const count = (this.#speakers.get(name) ?? 0) + by;
      if (count === 0) this.#speakers.delete(name);
      else this.#speakers.set(name, count);
    }
  }

  parkJoin(member: Member, done: (answer: JoinAnswer) => void): void {
    if (member.join === null) this.#awaitingJoin++;
    member.join = done;
  }

  unparkJoin(member: Member): ((answer: JoinAnswer) => void) | null {
    const { join } = member;
    if (join !== null) this.#awaitingJoin--;
    member.join = null;
    return join;
  }

  /** Whether some protocol would be spoken by all if one who speaks these joined. */
  couldAgree(protocols: readonly GroupProtocol[]): boolean {
    return protocols.some(({ name }) => this.#speakers.get(name) === this.size);
  }

  /** Of the protocols that all members speak, the one that most of them prefer; in doubt the first one voted for. */
  chooseProtocol(): string {
    const votes = new Map<string, number>();
    for (const { facts } of this.#members.values()) {
      const choice = facts.protocols.find(({ name }) => this.#speakers.get(name) === this.size);
      assert(choice !== undefined, "members are let in only if they agree on a protocol");
      votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1);
    }
    let best = "";
    for (const [name, count] of votes) if (count > (votes.get(best) ?? 0)) best = name;
    return best;
  }

  get rebalanceTimeoutMsMax(): number {
    let most = 0;
    for (const { facts } of this.#members.values()) most = Math.max(most, facts.rebalanceTimeoutMs);
    return most;
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
