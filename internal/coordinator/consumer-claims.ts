// Who may commit and fetch offsets of a consumer group: its members, with the epoch that they have, and anybody who claims
// to be none while there are none.
import type { ConsumerState } from "./consumer-state.ts";
import type { GroupFault } from "./group-requests.ts";

export interface EpochClaim {
  readonly memberId: string;
  /** Of a classic member: its generation. */
  readonly epoch: number;
}

export function consumerCommitFault(state: ConsumerState, claim: EpochClaim): GroupFault | null {
  if (claim.epoch < 0 && state.members.size === 0) return null;
  return claimFault(state, claim);
}

/** Who does not say who it is may read. */
export function consumerFetchFault(state: ConsumerState, claim: EpochClaim): GroupFault | null {
  return claim.memberId === "" && claim.epoch < 0 ? null : claimFault(state, claim);
}

function claimFault(state: ConsumerState, { memberId, epoch }: EpochClaim): GroupFault | null {
  const member = state.members.get(memberId);
  if (member === undefined) return "unknown-member";
  if (epoch === state.position(memberId).epoch) return null;
  return member.classic === null ? "stale-epoch" : "illegal-generation";
}
