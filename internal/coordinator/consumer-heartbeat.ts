// ConsumerGroupHeartbeat as a decision: who may speak, what its words change, and what it is told. In Kafka's order of
// checks. What comes of it is in the draft; nothing else is touched.
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { TopicId } from "../model/ids.ts";
import type { Assignment } from "./assignment.ts";
import { assignmentOf, isSame, isSubset, listed } from "./assignment.ts";
import type { ConsumerDraft } from "./consumer-draft.ts";
import type { ConsumerMember, MemberPosition } from "./consumer-member.ts";
import {
  isSameMember,
  isSameSubscription,
  JOINING,
  LEAVING,
  NEW_POSITION,
  STATIC_LEFT,
} from "./consumer-member.ts";
import { reconciled } from "./consumer-reconcile.ts";
import type { Assigning } from "./consumer-target.ts";
import { renewTarget } from "./consumer-target.ts";
import type { GroupFaults } from "./group-faults.ts";
import type { ConsumerBeatRequest, GroupFault, TopicPartitions } from "./group-requests.ts";

export interface Deciding extends Assigning {
  readonly membersMax: number;
  readonly faults: GroupFaults;
  /** Topics have changed since somebody looked for this group. */
  readonly isStale: boolean;
}

export interface BeatOutcome {
  readonly memberEpoch: number;
  readonly assignment: readonly TopicPartitions[] | null;
}

type Outcome = Result<BeatOutcome, GroupFault>;

/** `request.memberId` is given here, also to members that have to be given one. */
export function beat(
  draft: ConsumerDraft,
  request: ConsumerBeatRequest,
  around: Deciding,
): Outcome {
  if (request.memberEpoch < JOINING) return leave(draft, request);
  const owned = request.owned === null ? null : assignmentOf(request.owned);
  const found = speaker(draft, request, owned, around);
  if (!found.ok) return found;
  const before = found.value;
  const member = updated(before, request);
  const isNew = before === null || !isSameSubscription(before, member);
  if (before === null || !isSameMember(before, member)) draft.setMember(member);
  renewTarget(draft, around, isNew, around.isStale);
  const { memberId } = member;
  const position = draft.position(memberId);
  const next = advance(draft, memberId, owned, request.memberEpoch === JOINING, around.faults);
  const isFull =
    request.rebalanceTimeoutMs !== -1 &&
    (request.topics !== null || request.regex !== null) &&
    owned !== null;
  const tells =
    request.memberEpoch === JOINING || isFull || !isSame(position.assigned, next.assigned);
  return ok({ memberEpoch: next.epoch, assignment: tells ? listed(next.assigned) : null });
}

/** The member's next step towards its target. */
export function advance(
  draft: ConsumerDraft,
  memberId: string,
  owned: Assignment | null,
  isFinal: boolean,
  faults: GroupFaults,
): MemberPosition {
  const isFree = (topicId: TopicId, partition: number): boolean => {
    const owner = draft.owner(topicId, partition);
    return owner === null || owner === memberId || faults.handsOutOwned === true;
  };
  const target = { epoch: draft.targetEpoch, assignment: draft.target(memberId), isFree };
  const next = reconciled(draft.position(memberId), target, owned, isFinal);
  draft.setPosition(memberId, next);
  return next;
}

/** The member as it is known; null when it is new. A static one that comes back has taken the old one's place. */
function speaker(
  draft: ConsumerDraft,
  request: ConsumerBeatRequest,
  owned: Assignment | null,
  around: Deciding,
): Result<ConsumerMember | null, GroupFault> {
  const { memberId, memberEpoch, instanceId } = request;
  const known = draft.member(memberId);
  if (memberEpoch === JOINING && known === null) {
    const old = instanceId === null ? null : draft.ofInstance(instanceId);
    if (old !== null) return takeOver(draft, old, memberId);
    return draft.size >= around.membersMax ? failed("group-full") : ok(null);
  }
  if (instanceId !== null) {
    const holder = draft.ofInstance(instanceId);
    if (holder === null) return failed("unknown-member");
    if (holder.memberId !== memberId) {
      return failed(memberEpoch === JOINING ? "unreleased-instance" : "fenced-instance");
    }
  }
  if (known === null) return failed("unknown-member");
  // Who was fenced begins anew under the same id. It says that it owns nothing, and asks with its old epoch no more.
  if (memberEpoch === JOINING && instanceId === null) return ok(known);
  const position = draft.position(memberId);
  const fault = epochFault(position, memberEpoch, owned);
  if (fault === null) return ok(known);
  // Back under its own id; unless it has left, this may be another one that uses the id as well.
  const isBack = memberEpoch === JOINING && instanceId !== null;
  return isBack ? takeOver(draft, known, memberId) : failed(fault);
}

/**
 * A member asks with the epoch before when the answer with its new one was lost. It cannot own more then than what it has
 * now; if it does, or with any other epoch, it has to begin anew.
 */
function epochFault(
  position: MemberPosition,
  epoch: number,
  owned: Assignment | null,
): GroupFault | null {
  if (epoch === position.epoch) return null;
  const isLate =
    epoch < position.epoch &&
    epoch === position.previousEpoch &&
    owned !== null &&
    isSubset(owned, position.assigned);
  return isLate ? null : "fenced-epoch";
}

/** A static member is back under an id that may be new, and keeps what it had. */
function takeOver(
  draft: ConsumerDraft,
  old: ConsumerMember,
  memberId: string,
): Result<ConsumerMember, GroupFault> {
  const position = draft.position(old.memberId);
  // Members of the classic protocol do not say that they leave for a while.
  if (position.epoch !== STATIC_LEFT && old.classic === null) return failed("unreleased-instance");
  return ok(replaceMember(draft, old, memberId));
}

export function replaceMember(
  draft: ConsumerDraft,
  old: ConsumerMember,
  memberId: string,
): ConsumerMember {
  const { assigned } = draft.position(old.memberId);
  const target = draft.target(old.memberId);
  const member = { ...old, memberId };
  draft.removeMember(old.memberId);
  draft.setMember(member);
  draft.setTarget(memberId, target);
  draft.setPosition(memberId, { ...NEW_POSITION, assigned });
  return member;
}

function updated(before: ConsumerMember | null, request: ConsumerBeatRequest): ConsumerMember {
  const { memberId, instanceId, rackId, clientId, clientHost, rebalanceTimeoutMs } = request;
  const topics = request.topics === null ? null : [...new Set(request.topics)].sort();
  return {
    memberId,
    instanceId: instanceId ?? before?.instanceId ?? null,
    rackId: rackId ?? before?.rackId ?? null,
    clientId,
    clientHost,
    rebalanceTimeoutMs:
      rebalanceTimeoutMs === -1 ? (before?.rebalanceTimeoutMs ?? -1) : rebalanceTimeoutMs,
    topics: topics ?? before?.topics ?? [],
    regex: request.regex === null ? (before?.regex ?? null) : request.regex || null,
    assignor: request.assignor ?? before?.assignor ?? null,
    classic: null,
  };
}

function leave(draft: ConsumerDraft, request: ConsumerBeatRequest): Outcome {
  const { memberId, memberEpoch, instanceId } = request;
  const member = draft.member(memberId);
  if (instanceId !== null) {
    const holder = draft.ofInstance(instanceId);
    if (holder === null) return failed("unknown-member");
    if (holder.memberId !== memberId) return failed("fenced-instance");
  }
  if (member === null) return failed("unknown-member");
  if (memberEpoch === LEAVING) dismiss(draft, memberId);
  else {
    // It owns nothing while it is away, but what it had is kept for it.
    const { assigned } = draft.position(memberId);
    draft.setPosition(memberId, { ...NEW_POSITION, epoch: STATIC_LEFT, assigned });
  }
  return ok({ memberEpoch, assignment: null });
}

/** The member is gone: what it had is free, and the others get a new target. */
export function dismiss(draft: ConsumerDraft, memberId: string): void {
  draft.removeMember(memberId);
  draft.bump();
}

/** What can be judged without the group, in every version. */
export function beatFault(
  request: ConsumerBeatRequest,
  assignors: ReadonlySet<string>,
): GroupFault | null {
  const { group, memberId, memberEpoch, instanceId, rackId, regex, assignor } = request;
  const hasEmpty = group === "" || instanceId === "" || rackId === "";
  const isNew = memberEpoch === JOINING && !request.choosesId;
  if (hasEmpty || (memberId === "" && !isNew) || memberEpoch < STATIC_LEFT)
    return "invalid-request";
  if (memberEpoch === STATIC_LEFT && instanceId === null) return "invalid-request";
  if (memberEpoch === JOINING) {
    const isComplete =
      request.rebalanceTimeoutMs > 0 &&
      request.owned?.length === 0 &&
      (request.topics !== null || (regex !== null && regex !== ""));
    if (!isComplete) return "invalid-request";
  }
  return assignor !== null && !assignors.has(assignor) ? "unsupported-assignor" : null;
}
