// All members of all groups, and what befalls them: by a seeded plan they leave, are killed, fall asleep for longer than
// their sessions, and static ones are replaced by a second life while the first one still believes. In every group most
// members are always there, so that the group goes on.
import { Random } from "../random.ts";
import { pause } from "../workload/clock.ts";
import { SESSION_MS } from "./membership.ts";
import { Member } from "./member.ts";
import type { MemberPlan, MemberSurroundings } from "./member.ts";
import type { Standing } from "./membership.ts";

const AWAY_MAX = 2;
const STAGGER_MS = 120;

export interface GroupPlan {
  readonly group: string;
  readonly members: readonly MemberPlan[];
}

/** One seat of a group, through all lives of who sits there. */
interface Slot {
  readonly plan: MemberPlan;
  member: Member | null;
  /** Somebody is doing something to it. */
  isBusy: boolean;
  lives: number;
}

export interface CrewCounts {
  killed: number;
  left: number;
  /** Paused for longer than a session. */
  zombies: number;
  /** Static members that a second life took the seat of. */
  replaced: number;
  /** Lives that ended because the group fenced them. */
  fenced: number;
}

export class Crew {
  readonly counts: CrewCounts = { killed: 0, left: 0, zombies: 0, replaced: 0, fenced: 0 };
  readonly #slots: readonly Slot[];
  readonly #groups: readonly string[];
  readonly #surroundings: MemberSurroundings;
  readonly #seed: number;
  readonly #random: Random;
  readonly #say: (what: string) => void;
  readonly #deeds = new Set<Promise<void>>();
  #isEnding = false;

  constructor(
    groups: readonly GroupPlan[],
    surroundings: MemberSurroundings,
    seed: number,
    say: (what: string) => void,
  ) {
    this.#groups = groups.map(({ group }) => group);
    this.#slots = groups.flatMap(({ members }) =>
      members.map((plan) => ({ plan, member: null, isBusy: false, lives: 0 })),
    );
    this.#surroundings = surroundings;
    this.#seed = seed;
    this.#random = new Random(seed, "crew");
    this.#say = say;
  }

  get groups(): readonly string[] {
    return this.#groups;
  }

  async startAll(): Promise<void> {
    for (const slot of this.#slots) {
      this.#begin(slot);
      await pause(STAGGER_MS);
    }
  }

  #begin(slot: Slot): Member {
    const random = new Random(this.#seed, `${slot.plan.name} life ${++slot.lives}`);
    slot.member = new Member(slot.plan, this.#surroundings, random);
    return slot.member;
  }

  /** Does things to members until `end`. */
  async churn(): Promise<void> {
    while (!this.#isEnding) {
      await pause(this.#random.between(400, 1_600));
      this.#revive();
      if (!this.#isEnding) this.#deed();
    }
  }

  /** Who was fenced begins anew. */
  #revive(): void {
    for (const slot of this.#slots) {
      if (slot.isBusy || slot.member?.isOver !== true) continue;
      this.counts.fenced++;
      this.#begin(slot);
    }
  }

  #deed(): void {
    const slot = this.#random.pick(this.#slots);
    const { member, plan } = slot;
    const away = this.#slots.filter(
      (other) => other.plan.group === plan.group && (other.isBusy || other.member === null),
    );
    if (slot.isBusy || member?.isWorking !== true || away.length >= AWAY_MAX) return;
    const dice = this.#random.fraction();
    slot.isBusy = true;
    const deed = this.#do(slot, member, dice).finally(() => {
      slot.isBusy = false;
      this.#deeds.delete(deed);
    });
    this.#deeds.add(deed);
  }

  async #do(slot: Slot, member: Member, dice: number): Promise<void> {
    const backMs = this.#random.between(300, 4_000);
    const sleepMs = SESSION_MS + this.#random.between(500, 3_000);
    if (slot.plan.instanceId !== null && dice > 0.7) return this.#replace(slot, member, sleepMs);
    if (dice < 0.3) return this.#kill(slot, member, backMs);
    if (dice < 0.55) return this.#leave(slot, member, backMs);
    return this.#sleep(member, sleepMs);
  }

  async #kill(slot: Slot, member: Member, backMs: number): Promise<void> {
    this.#say(`kill member ${slot.plan.name}`);
    this.counts.killed++;
    await member.kill();
    await pause(backMs);
    this.#begin(slot);
  }

  async #leave(slot: Slot, member: Member, backMs: number): Promise<void> {
    this.#say(`member ${slot.plan.name} leaves`);
    this.counts.left++;
    await member.leave();
    await pause(backMs);
    this.#begin(slot);
  }

  async #sleep(member: Member, sleepMs: number): Promise<void> {
    this.#say(`member ${member.plan.name} sleeps for ${sleepMs} ms`);
    this.counts.zombies++;
    member.pause();
    await pause(sleepMs);
    this.#say(`member ${member.plan.name} wakes`);
    member.wakeAsZombie();
  }

  async #replace(slot: Slot, member: Member, sleepMs: number): Promise<void> {
    this.#say(`member ${slot.plan.name} sleeps for ${sleepMs} ms; another life takes its seat`);
    this.counts.zombies++;
    this.counts.replaced++;
    member.pause();
    this.#begin(slot);
    await pause(sleepMs);
    this.#say(`the former ${slot.plan.name} wakes`);
    member.wakeAsZombie();
    // Whoever still believes after this is ended here: two lives of one member would fence each other for ever.
    await pause(1_500);
    await member.kill();
  }

  /** No more harm; resolves when everybody sits in their seat again. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await Promise.all(this.#deeds);
    this.#revive();
  }

  /** Starts again who was fenced late, after `end`. */
  keepFull(): void {
    this.#revive();
  }

  /** How the members of a group stand; null for each that is not settled. */
  standings(group: string): readonly (Standing | null)[] {
    return this.#slots
      .filter(({ plan }) => plan.group === group)
      .map(({ member }) => member?.standing ?? null);
  }

  /** Requests of a group's members that have no answer yet. */
  unanswered(group: string): number {
    return this.#slots
      .filter(({ plan }) => plan.group === group)
      .reduce((sum, { member }) => sum + (member?.unanswered ?? 0), 0);
  }

  haveCommitted(ends: ReadonlyMap<number, number>): boolean {
    return this.#slots.every(({ member }) => member?.hasCommitted(ends) === true);
  }

  async close(): Promise<void> {
    this.#isEnding = true;
    await Promise.all(
      this.#slots.flatMap(({ member }) => (member === null ? [] : [member.kill()])),
    );
  }
}
