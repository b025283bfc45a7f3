// SyncGroup, Heartbeat, LeaveGroup and the right to commit offsets in a classic group, in Kafka's order of checks.
import { refusedSync } from "./classic-group.ts";
import type { ClassicGroup } from "./classic-group.ts";
import type {
  GroupFault,
  LeavingMember,
  MemberClaim,
  SyncAnswer,
  SyncRequest,
} from "./group-requests.ts";
import type { Member } from "./member-table.ts";

/** Whether a member is who it says. A static member whose id was replaced has been fenced. */
export function memberFault(
  group: ClassicGroup,
  { memberId, instanceId }: Omit<MemberClaim, "generation">,
): GroupFault | null {
  if (instanceId !== null) {
    const member = group.members.ofInstance(instanceId);
    if (member === null) return "unknown-member";
    return member.id === memberId ? null : "fenced-instance";
  }
  return group.members.get(memberId) === null ? "unknown-member" : null;
}

function claimFault(group: ClassicGroup, claim: MemberClaim): GroupFault | null {
  const fault = memberFault(group, claim);
  if (fault !== null) return fault;
  return claim.generation === group.generation ? null : "illegal-generation";
}

export function sync(
  group: ClassicGroup,
  request: SyncRequest,
  done: (answer: SyncAnswer) => void,
): void {
  const fault = claimFault(group, request) ?? protocolFault(group, request);
  if (fault !== null) return done(refusedSync(fault));
  const member = group.members.get(request.memberId) as Member;
  switch (group.phase) {
    case "PreparingRebalance":
      return done(refusedSync("rebalance-in-progress"));
    case "CompletingRebalance":
      group.awaitSync(member, done);
      if (group.isLeader(member)) group.assign(copiesOf(request));
      return;
    case "Stable":
      group.synced(member);
      return done(group.syncAnswer(member));
    default:
      return done(refusedSync("unknown-member"));
  }
}

function protocolFault(group: ClassicGroup, request: SyncRequest): GroupFault | null {
  const { protocolType, protocol } = request;
  const isOther =
    (protocolType !== null && protocolType !== group.protocolType) ||
    (protocol !== null && protocol !== group.protocol);
  return isOther ? "inconsistent-protocol" : null;
}

function copiesOf({ assignments }: SyncRequest): ReadonlyMap<string, Uint8Array> {
  return new Map(assignments.map(({ memberId, assignment }) => [memberId, assignment.slice()]));
}

/** Members hear of a rebalance by their heartbeats; they live on all the same. */
export function heartbeat(group: ClassicGroup, claim: MemberClaim): GroupFault | null {
  const fault = claimFault(group, claim);
  if (fault !== null) return fault;
  group.keepAlive(group.members.get(claim.memberId) as Member);
  return group.phase === "PreparingRebalance" ? "rebalance-in-progress" : null;
}

export function leave(
  group: ClassicGroup,
  members: readonly LeavingMember[],
): readonly (GroupFault | null)[] {
  return members.map((leaving) => leaveOne(group, leaving));
}

function leaveOne(group: ClassicGroup, leaving: LeavingMember): GroupFault | null {
  const { memberId, instanceId } = leaving;
  if (memberId === "" && instanceId !== null) {
    const member = group.members.ofInstance(instanceId);
    if (member === null) return "unknown-member";
    group.remove(member);
    return null;
  }
  if (instanceId === null && group.pending.has(memberId)) {
    group.leavePending(memberId);
    return null;
  }
  const fault = memberFault(group, leaving);
  if (fault === null) group.remove(group.members.get(memberId) as Member);
  return fault;
}

/** Members commit also while they are asked to join again; who is no member only while there is none. */
export function commitFault(group: ClassicGroup, claim: MemberClaim): GroupFault | null {
  const { memberId, instanceId, generation } = claim;
  if (generation < 0 && group.isEmpty) return null;
  if (generation < 0 && memberId === "" && instanceId === null) return "unknown-member";
  if (group.around.faults.oldGenerationCommits === true && generation < group.generation) {
    return null;
  }
  const fault = claimFault(group, claim);
  if (fault !== null) return fault;
  if (group.phase === "CompletingRebalance") return "rebalance-in-progress";
  group.keepAlive(group.members.get(memberId) as Member);
  return null;
}
