// What a member's protocol is to the rest of it: something that keeps a seat in the group, gives and takes partitions on
// the desk, and at any moment can say how it stands.
import type { Random } from "../random.ts";
import type { RunClock } from "../workload/clock.ts";
import type { Body } from "./body.ts";
import type { Desk } from "./desk.ts";
import type { GroupHistory } from "./group-history.ts";
import type { Reader } from "./reader.ts";

export interface Standing {
  readonly generation: number;
  readonly partitions: readonly number[];
  /** When the newest heartbeat that was accepted had been sent. */
  readonly aliveMs: number;
}

export interface Membership {
  /** Until the body dies, or the group has fenced this life for good. */
  run(): Promise<void>;
  /** Says goodbye. */
  leave(): Promise<void>;
  /** Null while the member is not settled in a generation. */
  readonly standing: Standing | null;
}

export interface MembershipOptions {
  readonly name: string;
  readonly group: string;
  readonly instanceId: string | null;
  readonly topic: string;
  /** In hexadecimal; members of the new protocol speak of topics by id. */
  readonly topicId: string;
  readonly partitions: number;
  readonly groups: GroupHistory;
  readonly random: Random;
  readonly nowMs: RunClock;
  readonly body: Body;
  readonly desk: Desk;
  readonly reader: Reader;
  /** How often this and that code was met. */
  readonly count: (what: string) => void;
}

/** How long a silent member keeps its seat. Short, so that zombies are frequent. */
export const SESSION_MS = 3_000;
/** How long members have to join again. Longer than a session, so that a pause ends the session first. */
export const REBALANCE_MS = 5_000;
export const HEARTBEAT_MS = 400;
/** An echo is sent after so many rebalances. */
export const ECHO_CHANCE = 0.3;
