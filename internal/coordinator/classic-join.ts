// JoinGroup of the classic protocol: who may join, and whether that needs a rebalance. In Kafka's order of checks.
import { refusedJoin } from "./classic-group.ts";
import type { ClassicGroup } from "./classic-group.ts";
import type { GroupProtocol, JoinAnswer, JoinRequest } from "./group-requests.ts";
import { memberFault } from "./classic-requests.ts";
import type { Member, MemberFacts } from "./member-table.ts";

type Done = (answer: JoinAnswer) => void;

export function join(group: ClassicGroup, request: JoinRequest, done: Done): void {
  const { memberId } = request;
  if (!hasRoom(group, memberId)) {
    group.leavePending(memberId);
    return done(refusedJoin("group-full", memberId));
  }
  if (!couldAgree(group, request)) return done(refusedJoin("inconsistent-protocol", memberId));
  if (memberId === "") joinFirst(group, request, done);
  else joinAgain(group, request, done);
}

/** Members who wait for the rebalance count, for those of the last generation may not come back. */
function hasRoom(group: ClassicGroup, memberId: string): boolean {
  const { members, around } = group;
  const { membersMax } = around.settings;
  const member = members.get(memberId);
  switch (group.phase) {
    case "PreparingRebalance":
      return (member !== null && member.join !== null) || members.awaitingJoin < membersMax;
    case "CompletingRebalance":
    case "Stable":
      return member !== null || members.size < membersMax;
    default:
      return true;
  }
}

function couldAgree(group: ClassicGroup, { protocolType, protocols }: JoinRequest): boolean {
  if (protocolType === "" || protocols.length === 0) return false;
  if (group.members.size === 0) return true;
  return group.protocolType === protocolType && group.members.couldAgree(protocols);
}

function joinFirst(group: ClassicGroup, request: JoinRequest, done: Done): void {
  const { instanceId, clientId, requiresMemberId, sessionTimeoutMs } = request;
  const memberId = group.around.newId(instanceId ?? clientId);
  const known = instanceId === null ? null : group.members.ofInstance(instanceId);
  if (known !== null) return replaceStatic(group, known, factsOf(request, memberId), request, done);
  if (instanceId === null && requiresMemberId) {
    group.expect(memberId, sessionTimeoutMs);
    return done(refusedJoin("member-id-required", memberId));
  }
  admit(group, request, memberId, done);
}

function admit(group: ClassicGroup, request: JoinRequest, memberId: string, done: Done): void {
  if (group.members.size === 0) group.protocolType = request.protocolType;
  group.admit(factsOf(request, memberId), done);
}

function joinAgain(group: ClassicGroup, request: JoinRequest, done: Done): void {
  const { memberId, protocols } = request;
  if (group.pending.has(memberId)) {
    const isStatic = request.instanceId !== null;
    return isStatic
      ? done(refusedJoin("unknown-member", memberId))
      : admit(group, request, memberId, done);
  }
  const fault = memberFault(group, request);
  if (fault !== null) return done(refusedJoin(fault, memberId));
  const member = group.members.get(memberId) as Member;
  const isSame = member.speaks(protocols);
  switch (group.phase) {
    case "CompletingRebalance":
      if (isSame) return repeat(group, member, done);
      return group.rejoin(member, factsOf(request, memberId), done);
    case "Stable":
      // The leader asks for a rebalance by joining: its view of the topics has changed.
      if (isSame && !group.isLeader(member)) return repeat(group, member, done);
      return group.rejoin(member, factsOf(request, memberId), done);
    default:
      return group.rejoin(member, factsOf(request, memberId), done);
  }
}

/** The member missed its answer, or has nothing new to say: it is told again. */
function repeat(group: ClassicGroup, member: Member, done: Done): void {
  group.keepAlive(member);
  const answer = group.joinAnswer(member);
  done(group.phase === "Stable" ? { ...answer, members: [] } : answer);
}

/**
 * A static member was restarted. In a stable group whose protocol stays the same it takes its assignment back without a
 * rebalance. A leader must not assign then: it is told so, or, when its client would not understand that, is shown the
 * old id as the leader.
 */
function replaceStatic(
  group: ClassicGroup,
  old: Member,
  facts: MemberFacts,
  request: JoinRequest,
  done: Done,
): void {
  const oldFacts = old.facts;
  const leaderBefore = group.leader;
  const member = group.replace(old, facts);
  const isSettled = group.phase === "Stable" && group.members.chooseProtocol() === group.protocol;
  if (!isSettled) return group.rejoin(member, facts, done);
  group.around.store(group.id, group.stored(), (fault) => {
    if (fault !== null) {
      group.restore(member, oldFacts);
      return done(refusedJoin(fault, request.memberId));
    }
    if (group.members.get(member.id) !== member) {
      return done(refusedJoin("fenced-instance", member.id));
    }
    const answer = group.joinAnswer(member);
    const isLeader = group.isLeader(member);
    if (request.knowsSkip) return done({ ...answer, skipAssignment: isLeader });
    done({ ...answer, leader: isLeader ? (leaderBefore ?? "") : answer.leader, members: [] });
  });
}

function factsOf(request: JoinRequest, memberId: string): MemberFacts {
  const { instanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs } = request;
  const facts = { memberId, instanceId, clientId, clientHost, sessionTimeoutMs };
  return { ...facts, rebalanceTimeoutMs, protocols: request.protocols.map(copyOf) };
}

function copyOf({ name, metadata }: GroupProtocol): GroupProtocol {
  return { name, metadata: metadata.slice() };
}
