// The time limits of the members of consumer groups, as far as this broker coordinates them: each has to be heard of, and
// when asked to give something up or to join again, to do so. They are the leader's own; the next one starts them anew.
import type { MemberPosition } from "./consumer-member.ts";
import { WheelTimer } from "./timer-wheel.ts";
import type { TimerWheel } from "./timer-wheel.ts";

/** "session": it was not heard of. "rebalance": it did not do its part of a rebalance. */
export type Overdue = "session" | "rebalance";

interface MemberTimers {
  readonly session: WheelTimer;
  readonly rebalance: WheelTimer;
  /** What the rebalance timer waits for the end of. */
  waitsFor: MemberPosition | "join" | "sync" | null;
}

export class ConsumerTimers {
  readonly #wheel: TimerWheel;
  readonly #overdue: (group: string, memberId: string, why: Overdue) => void;
  readonly #groups = new Map<string, Map<string, MemberTimers>>();

  constructor(wheel: TimerWheel, overdue: (group: string, memberId: string, why: Overdue) => void) {
    this.#wheel = wheel;
    this.#overdue = overdue;
  }

  keepAlive(group: string, memberId: string, sessionMs: number): void {
    this.#wheel.start(this.#of(group, memberId).session, sessionMs);
  }

  /** Starts the time of one thing that is waited for; saying it again does not prolong it. */
  await(
    group: string,
    memberId: string,
    what: MemberPosition | "join" | "sync",
    withinMs: number,
  ): void {
    const timers = this.#of(group, memberId);
    if (timers.waitsFor === what && timers.rebalance.isRunning) return;
    timers.waitsFor = what;
    this.#wheel.start(timers.rebalance, withinMs);
  }

  done(group: string, memberId: string): void {
    const timers = this.#groups.get(group)?.get(memberId);
    if (timers === undefined) return;
    timers.waitsFor = null;
    this.#wheel.stop(timers.rebalance);
  }

  /** Looks again soon: what came of the last time was not written. */
  again(group: string, memberId: string, why: Overdue, inMs: number): void {
    this.#wheel.start(this.#of(group, memberId)[why], inMs);
  }

  forget(group: string, memberId: string): void {
    const members = this.#groups.get(group);
    const timers = members?.get(memberId);
    if (members === undefined || timers === undefined) return;
    this.#stop(timers);
    members.delete(memberId);
    if (members.size === 0) this.#groups.delete(group);
  }

  forgetGroup(group: string): void {
    for (const timers of this.#groups.get(group)?.values() ?? []) this.#stop(timers);
    this.#groups.delete(group);
  }

  forgetAll(): void {
    for (const group of [...this.#groups.keys()]) this.forgetGroup(group);
  }

  #stop({ session, rebalance }: MemberTimers): void {
    this.#wheel.stop(session);
    this.#wheel.stop(rebalance);
  }

  #of(group: string, memberId: string): MemberTimers {
    let members = this.#groups.get(group);
    if (members === undefined) {
      members = new Map();
      this.#groups.set(group, members);
    }
    let timers = members.get(memberId);
    if (timers === undefined) {
      timers = {
        session: new WheelTimer(() => this.#overdue(group, memberId, "session")),
        rebalance: new WheelTimer(() => this.#overdue(group, memberId, "rebalance")),
        waitsFor: null,
      };
      members.set(memberId, timers);
    }
    return timers;
  }
}
