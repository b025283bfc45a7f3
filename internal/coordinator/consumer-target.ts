// A group's epoch rises when its members, their subscriptions or the topics have changed; then the assignor that most
// members ask for divides the partitions anew, and that is the target of the new epoch.
import type { AssignableMember, AssignableTopic, Assignor } from "./assignment.ts";
import { NO_PARTITIONS } from "./assignment.ts";
import type { ConsumerDraft } from "./consumer-draft.ts";
import type { ConsumerMember } from "./consumer-member.ts";
import type { Subscribed, SubscribedTopics } from "./subscribed-topics.ts";

export interface Assigning {
  readonly subscribed: SubscribedTopics;
  /** The first is for members who ask for none. */
  readonly assignors: ReadonlyMap<string, Assignor>;
}

/** `isNew`: members or their subscriptions have changed. `isStale`: topics may have. */
export function renewTarget(
  draft: ConsumerDraft,
  around: Assigning,
  isNew: boolean,
  isStale: boolean,
): void {
  const isBehind = draft.epoch > draft.targetEpoch;
  if (!isNew && !isStale && !isBehind) return;
  const members = draft.members();
  const wanted = around.subscribed.ofAll(members);
  // A coordinator that is new has not held every expression against every topic yet: until it has, nobody loses anything.
  const isKnown = wanted.isComplete || members.every(({ memberId }) => hasNothing(draft, memberId));
  if (isNew || isStale) {
    const hash = isKnown ? around.subscribed.hashOf(wanted.topics) : draft.metadataHash;
    if (isNew || hash !== draft.metadataHash) draft.bump(hash);
  }
  if (isKnown && draft.epoch > draft.targetEpoch) retarget(draft, members, wanted, around);
}

function hasNothing(draft: ConsumerDraft, memberId: string): boolean {
  return draft.target(memberId).size === 0;
}

function retarget(
  draft: ConsumerDraft,
  members: readonly ConsumerMember[],
  wanted: Subscribed,
  { subscribed, assignors }: Assigning,
): void {
  const assignable = members.map((member): AssignableMember => {
    const { memberId, rackId, instanceId } = member;
    const { topicIds } = subscribed.of(member);
    return { memberId, rackId, instanceId, topicIds, current: draft.target(memberId) };
  });
  const topics = Array.from(wanted.topics.values(), ({ topicId, partitions }): AssignableTopic => ({
    topicId,
    partitions: partitions.length,
  }));
  const sorted = topics.sort((a, b) => (a.topicId < b.topicId ? -1 : 1));
  const assign = assignors.get(assignorOf(members, assignors.keys()));
  const targets = assign?.(assignable, sorted);
  for (const { memberId } of members) {
    draft.setTarget(memberId, targets?.get(memberId) ?? NO_PARTITIONS);
  }
  draft.setTargetEpoch(draft.epoch);
}

/** The one that most members ask for; in doubt the earlier one. */
export function assignorOf(
  members: Iterable<Pick<ConsumerMember, "assignor">>,
  names: Iterable<string>,
): string {
  const votes = new Map<string, number>();
  for (const { assignor } of members) {
    if (assignor !== null) votes.set(assignor, (votes.get(assignor) ?? 0) + 1);
  }
  let best: string | null = null;
  for (const name of names) {
    if (best === null || (votes.get(name) ?? 0) > (votes.get(best) ?? 0)) best = name;
  }
  return best ?? "";
}
