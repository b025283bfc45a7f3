// One member's next step towards its target: first it gives up what it shall not have, then its epoch rises, then it is
// handed what nobody else owns. The owner of a partition is the member in whose position it stands, also while it is to be
// given up; so a partition has one owner at any time.
//
//   stable ──target moved──▶ unrevoked ──it no longer owns them──▶ unreleased ──others gave up──▶ stable
import type { TopicId } from "../model/ids.ts";
import type { Assignment } from "./assignment.ts";
import {
  countOf,
  difference,
  filtered,
  intersection,
  isSame,
  NO_PARTITIONS,
  union,
} from "./assignment.ts";
import type { MemberPosition } from "./consumer-member.ts";

export interface Target {
  /** The group's epoch that the target was made for. */
  readonly epoch: number;
  /** The member's part. */
  readonly assignment: Assignment;
  /** Nobody but this member owns the partition. */
  isFree(topicId: TopicId, partition: number): boolean;
}

/**
 * `owned`: what the member says that it owns; null when it does not say. `isFinal`: it will not take what it was told
 * before and does not own yet. Otherwise only what it says after it was told to give something up counts as an answer to
 * that. The same position when there is no step.
 */
export function reconciled(
  position: MemberPosition,
  target: Target,
  owned: Assignment | null,
  isFinal: boolean,
): MemberPosition {
  const trusted = isFinal ? owned : null;
  switch (position.state) {
    case "stable":
      return position.epoch === target.epoch ? position : step(position, target, trusted);
    case "unrevoked":
      return ownsSome(owned, position.revoking) ? position : step(position, target, trusted);
    case "unreleased": {
      const next = step(position, target, trusted);
      // Nothing was told, so nothing is forgotten.
      const isMoved = next.epoch !== position.epoch || next.state !== position.state;
      return isMoved || !isSame(next.assigned, position.assigned) ? next : position;
    }
  }
}

function step(position: MemberPosition, target: Target, owned: Assignment | null): MemberPosition {
  // The epoch before is the last one that was told: an older request, from before it, would confirm too much.
  const previousEpoch = position.epoch;
  const kept = intersection(position.assigned, target.assignment);
  const revoking = difference(position.assigned, target.assignment);
  if (ownsSome(owned, revoking)) {
    return { epoch: position.epoch, previousEpoch, state: "unrevoked", assigned: kept, revoking };
  }
  const missing = difference(target.assignment, kept);
  const free = filtered(missing, (topicId, partition) => target.isFree(topicId, partition));
  return {
    epoch: target.epoch,
    previousEpoch,
    state: countOf(free) === countOf(missing) ? "stable" : "unreleased",
    assigned: free.size === 0 ? kept : union(kept, free),
    revoking: NO_PARTITIONS,
  };
}

/** Who does not say is taken to own all that it was given. */
function ownsSome(owned: Assignment | null, of: Assignment): boolean {
  return owned === null ? of.size > 0 : intersection(of, owned).size > 0;
}
