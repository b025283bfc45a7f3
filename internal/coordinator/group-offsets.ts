// Offsets of groups by the names of their topics, as coordinators are asked for them.
import type { GroupId } from "../model/ids.ts";
import type { CommittedOffset, MemberClaim } from "./group-requests.ts";

export interface NamedPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface NamedOffset extends NamedPartition {
  /** See CommittedOffset. */
  readonly log: GroupId;
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

/** Who reads offsets. Who is no member says neither. */
export interface FetchClaim {
  readonly memberId: string;
  readonly memberEpoch: number;
}

export const NO_MEMBER: FetchClaim = { memberId: "", memberEpoch: -1 };
