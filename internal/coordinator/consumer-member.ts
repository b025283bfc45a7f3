// A member of a consumer group, as it is stored: who it is and what it wants, and, apart from that because it changes far
// more often, where it is on the way to what it shall have.
import type { Assignment } from "./assignment.ts";
import { isSame, NO_PARTITIONS } from "./assignment.ts";
import type { GroupProtocol } from "./group-requests.ts";

/** What is kept of a member that speaks the classic protocol. */
export interface ClassicSide {
  readonly sessionTimeoutMs: number;
  /** In the order of its preference. */
  readonly protocols: readonly GroupProtocol[];
}

export interface ConsumerMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  /** Names, ascending. */
  readonly topics: readonly string[];
  readonly regex: string | null;
  /** The server-side assignor that it asks for. */
  readonly assignor: string | null;
  /** Null: it speaks the newer protocol. */
  readonly classic: ClassicSide | null;
}

/** "unrevoked": it has to give something up first. "unreleased": others have not yet given up what it shall have. */
export type MemberState = "stable" | "unrevoked" | "unreleased";

export interface MemberPosition {
  /** The group's epoch that it has reached; `STATIC_LEFT` for a static member that will come back. */
  readonly epoch: number;
  /** The one before, with which it asks again when an answer was lost. */
  readonly previousEpoch: number;
  readonly state: MemberState;
  /** What it has and may keep. */
  readonly assigned: Assignment;
  /** What it may still have and must give up. It is its owner until it has said that it no longer is. */
  readonly revoking: Assignment;
}

export const JOINING = 0;
export const LEAVING = -1;
export const STATIC_LEFT = -2;

export const NEW_POSITION: MemberPosition = {
  epoch: JOINING,
  previousEpoch: JOINING,
  state: "stable",
  assigned: NO_PARTITIONS,
  revoking: NO_PARTITIONS,
};

export function isSamePosition(a: MemberPosition, b: MemberPosition): boolean {
  return (
    a.epoch === b.epoch &&
    a.previousEpoch === b.previousEpoch &&
    a.state === b.state &&
    isSame(a.assigned, b.assigned) &&
    isSame(a.revoking, b.revoking)
  );
}

export function isSameSubscription(a: ConsumerMember, b: ConsumerMember): boolean {
  return a.regex === b.regex && isSameList(a.topics, b.topics);
}

/** Whether both would be stored alike. The metadata of classic protocols is taken to have changed. */
export function isSameMember(a: ConsumerMember, b: ConsumerMember): boolean {
  return (
    isSameSubscription(a, b) &&
    a.instanceId === b.instanceId &&
    a.rackId === b.rackId &&
    a.clientId === b.clientId &&
    a.clientHost === b.clientHost &&
    a.rebalanceTimeoutMs === b.rebalanceTimeoutMs &&
    a.assignor === b.assignor &&
    a.classic === b.classic
  );
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, at) => text === b[at]);
}
