// One life of one member: a body, a desk, a reader that works and a membership that keeps the seat.
import type { History } from "../history.ts";
import type { Random } from "../random.ts";
import type { BrokerAddress } from "../wire/connection.ts";
import type { RunClock } from "../workload/clock.ts";
import type { Leaders } from "../workload/leaders.ts";
import { Body } from "./body.ts";
import { ClassicMembership } from "./classic-membership.ts";
import { ConsumerMembership } from "./consumer-membership.ts";
import { Desk } from "./desk.ts";
import type { GroupHistory, GroupProtocol } from "./group-history.ts";
import type { Membership, Standing } from "./membership.ts";
import { Reader } from "./reader.ts";

export interface MemberPlan {
  readonly name: string;
  readonly group: string;
  readonly protocol: GroupProtocol;
  readonly instanceId: string | null;
}

export interface MemberSurroundings {
  readonly topic: string;
  readonly topicId: string;
  readonly partitions: number;
  readonly addresses: ReadonlyMap<number, BrokerAddress>;
  readonly leaders: Leaders;
  readonly history: History;
  readonly groups: GroupHistory;
  readonly nowMs: RunClock;
}

export class Member {
  readonly plan: MemberPlan;
  readonly #body: Body;
  readonly #desk = new Desk();
  readonly #reader: Reader;
  readonly #membership: Membership;
  readonly #end: Promise<void>;
  #isOver = false;
  /** Resolves when it has said goodbye. */
  #leaving: Promise<void> | null = null;

  constructor(plan: MemberPlan, surroundings: MemberSurroundings, random: Random) {
    this.plan = plan;
    const { history } = surroundings;
    const malformed = (what: string): void => void history.malformed.push(what);
    const parts = { ...plan, ...surroundings, random };
    this.#body = new Body({ ...parts, malformed });
    this.#reader = new Reader(parts, this.#body, this.#desk);
    const seat = {
      ...parts,
      body: this.#body,
      desk: this.#desk,
      reader: this.#reader,
      count: (what: string) => history.countCode(what),
    };
    this.#membership =
      plan.protocol === "classic" ? new ClassicMembership(seat) : new ConsumerMembership(seat);
    this.#end = this.#live();
  }

  async #live(): Promise<void> {
    const working = this.#reader.run();
    await this.#membership.run();
    await this.#leaving;
    this.#isOver = true;
    this.#body.die();
    await working;
  }

  /** Dead, or fenced by its group. */
  get isOver(): boolean {
    return this.#isOver || this.#body.isDead;
  }

  get isPaused(): boolean {
    return this.#body.isPaused;
  }

  get isWorking(): boolean {
    return !this.isOver && !this.isPaused && this.#leaving === null && this.#desk.works.size > 0;
  }

  get standing(): Standing | null {
    return this.isOver || this.isPaused ? null : this.#membership.standing;
  }

  get unanswered(): number {
    return this.#body.unanswered;
  }

  /** Everything up to these ends is processed and committed, as far as this member's partitions go. */
  hasCommitted(ends: ReadonlyMap<number, number>): boolean {
    for (const [partition, { committed }] of this.#desk.works) {
      if (committed < (ends.get(partition) ?? 0)) return false;
    }
    return true;
  }

  pause(): void {
    this.#body.pause();
  }

  /** Goes on as if nothing had been: the first thing it does is to commit what it last worked on. */
  wakeAsZombie(): void {
    const snapshot = this.#desk.snapshot();
    if (snapshot !== null) void this.#reader.insist(snapshot, "zombie");
    this.#body.wake();
  }

  /** Its process is gone: no goodbye. */
  async kill(): Promise<void> {
    this.#body.die();
    await this.#end;
  }

  async leave(): Promise<void> {
    this.#leaving = this.#membership.leave();
    await this.#leaving;
    await this.kill();
  }
}
