// Members of the classic protocol in a consumer group: JoinGroup takes the place of a heartbeat that says everything,
// SyncGroup tells the assignment, and Heartbeat tells when to join again. Their generation is their epoch.
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { ConsumerDraft } from "./consumer-draft.ts";
import type { ConsumerMember } from "./consumer-member.ts";
import { isSameSubscription } from "./consumer-member.ts";
import type { Deciding } from "./consumer-heartbeat.ts";
import { advance, dismiss, replaceMember } from "./consumer-heartbeat.ts";
import {
  assignmentBlob,
  blobVersion,
  byIds,
  classicMember,
  CONSUMER,
} from "./consumer-migration.ts";
import { commonProtocol } from "./consumer-migration.ts";
import type { ConsumerState } from "./consumer-state.ts";
import { renewTarget } from "./consumer-target.ts";
import type {
  GroupFault,
  JoinAnswer,
  JoinRequest,
  LeavingMember,
  MemberClaim,
  SyncAnswer,
  SyncRequest,
} from "./group-requests.ts";
import { difference, filtered } from "./assignment.ts";
import type { TopicCatalog } from "./topic-catalog.ts";

/** `memberId`: of the request, or given here. */
export function joinClassic(
  draft: ConsumerDraft,
  request: JoinRequest,
  memberId: string,
  around: Deciding,
): Result<JoinAnswer, GroupFault> {
  const { protocolType, sessionTimeoutMs, rebalanceTimeoutMs, clientId, clientHost } = request;
  const { instanceId } = request;
  const facts = {
    memberId,
    instanceId,
    clientId,
    clientHost,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
  };
  const protocols = request.protocols.map(({ name, metadata }) => {
    return { name, metadata: metadata.slice() };
  });
  const converted =
    protocolType === CONSUMER ? classicMember({ ...facts, protocols }, protocols) : null;
  if (converted === null) return failed("inconsistent-protocol");
  const { member, subscription } = converted;
  const place = placeOf(draft, request, memberId, around.membersMax);
  if (!place.ok) return place;
  const others = draft.members().filter((one) => one.memberId !== memberId);
  if (commonProtocol([...others, member]) === null) return failed("inconsistent-protocol");
  const isNew = place.value === null || !isSameSubscription(place.value, member);
  draft.setMember(member);
  renewTarget(draft, around, isNew, around.isStale);
  const owned = byIds(subscription.ownedPartitions, around.subscribed.catalog);
  const { epoch } = advance(draft, memberId, owned, true, around.faults);
  return ok({
    fault: null,
    memberId,
    generation: epoch,
    protocolType,
    protocol: protocols[0]?.name ?? null,
    // Nobody leads: the coordinator assigns.
    leader: "",
    skipAssignment: false,
    members: [],
  });
}

/** The member as it was; null: it is new. */
function placeOf(
  draft: ConsumerDraft,
  request: JoinRequest,
  memberId: string,
  membersMax: number,
): Result<ConsumerMember | null, GroupFault> {
  const { instanceId } = request;
  const holder = instanceId === null ? null : draft.ofInstance(instanceId);
  if (holder !== null && request.memberId === "") {
    return ok(replaceMember(draft, holder, memberId));
  }
  if (holder !== null && holder.memberId !== memberId) return failed("fenced-instance");
  if (instanceId !== null && holder === null && request.memberId !== "") {
    return failed("unknown-member");
  }
  const known = draft.member(memberId);
  return known === null && draft.size >= membersMax ? failed("group-full") : ok(known);
}

/** The member of a claim, if it speaks the classic protocol and its generation is its epoch. */
export function claimant(
  state: ConsumerState,
  { memberId, instanceId, generation }: MemberClaim,
): Result<ConsumerMember, GroupFault> {
  if (instanceId !== null) {
    const holder = state.ofInstance(instanceId);
    if (holder === null) return failed("unknown-member");
    if (holder !== memberId) return failed("fenced-instance");
  }
  const member = state.members.get(memberId);
  if (member === undefined || member.classic === null) return failed("unknown-member");
  const { epoch } = state.position(memberId);
  return epoch === generation ? ok(member) : failed("illegal-generation");
}

export function syncClassic(
  state: ConsumerState,
  request: SyncRequest,
  catalog: TopicCatalog,
): Result<SyncAnswer, GroupFault> {
  const found = claimant(state, request);
  if (!found.ok) return found;
  const [first] = found.value.classic?.protocols ?? [];
  const isOther =
    (request.protocolType !== null && request.protocolType !== CONSUMER) ||
    (request.protocol !== null && request.protocol !== first?.name);
  if (isOther || first === undefined) return failed("inconsistent-protocol");
  const { memberId } = found.value;
  const position = state.position(memberId);
  // Who has to give something up hears by its assignment what; the next rebalance comes after that.
  if (state.epoch > position.epoch && position.state !== "unrevoked") {
    return failed("rebalance-in-progress");
  }
  const assignment = assignmentBlob(position.assigned, blobVersion(first.metadata), catalog);
  return ok({ fault: null, protocolType: CONSUMER, protocol: first.name, assignment });
}

/** Whether the member has to join again: for a new epoch, to have given up, or for what is free now. */
export function mustRejoin(state: ConsumerState, memberId: string): boolean {
  const position = state.position(memberId);
  if (position.epoch < state.epoch || position.state === "unrevoked") return true;
  if (position.state === "stable") return false;
  const missing = difference(state.target(memberId), position.assigned);
  const isFree = filtered(
    missing,
    (topicId, partition) => state.owner(topicId, partition) === null,
  );
  return isFree.size > 0;
}

/** Administrators remove members of either protocol in this way too. */
export function leaveClassic(draft: ConsumerDraft, leaving: LeavingMember): GroupFault | null {
  const { memberId, instanceId } = leaving;
  const holder = instanceId === null ? draft.member(memberId) : draft.ofInstance(instanceId);
  if (holder === null) return "unknown-member";
  if (instanceId !== null && memberId !== "" && holder.memberId !== memberId) {
    return "fenced-instance";
  }
  dismiss(draft, holder.memberId);
  return null;
}
