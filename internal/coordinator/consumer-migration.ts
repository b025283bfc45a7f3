// The way of a group from the classic to the newer protocol and back, while its members work on. A classic group of
// consumers becomes a consumer group when somebody joins by the newer protocol; it becomes classic again when only members
// of the classic protocol are left. Their blobs say what they subscribe to and own.
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { Complete } from "../schema/message.ts";
import type { ConsumerSubscription, ConsumerTopicPartitions } from "../schema/consumer-protocol.ts";
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
} from "../schema/consumer-protocol.ts";
import type { Assignment } from "./assignment.ts";
import { assignmentOf, filtered } from "./assignment.ts";
import type { ClassicGroup } from "./classic-group.ts";
import type { ConsumerDraft } from "./consumer-draft.ts";
import type { ConsumerMember } from "./consumer-member.ts";
import { NEW_POSITION } from "./consumer-member.ts";
import type { StoredGroup } from "./group-records.ts";
import type { GroupFault, GroupProtocol } from "./group-requests.ts";
import type { Member, MemberFacts } from "./member-table.ts";
import type { TopicCatalog } from "./topic-catalog.ts";

export const CONSUMER = "consumer";

export type MigrationPolicy = "disabled" | "upgrade" | "downgrade" | "bidirectional";

export function mayUpgrade(policy: MigrationPolicy): boolean {
  return policy === "upgrade" || policy === "bidirectional";
}

export function mayDowngrade(policy: MigrationPolicy): boolean {
  return policy === "downgrade" || policy === "bidirectional";
}

export type Subscription = Complete<ConsumerSubscription>;

/** Assignments of topics that are not there are nobody's. */
export function byIds(
  partitions: readonly ConsumerTopicPartitions[],
  catalog: TopicCatalog,
): Assignment {
  const known = partitions.flatMap(({ topic, partitions: some }) => {
    const found = catalog.topicNamed(topic);
    return found === null ? [] : [{ topicId: found.topicId, partitions: some }];
  });
  return assignmentOf(known);
}

/** What a classic member is told to read, in the version in which it subscribed. */
export function assignmentBlob(
  assignment: Assignment,
  version: number,
  catalog: TopicCatalog,
): Uint8Array {
  const assignedPartitions: ConsumerTopicPartitions[] = [];
  for (const [topicId, partitions] of assignment) {
    const topic = catalog.topic(topicId)?.name;
    if (topic !== undefined) assignedPartitions.push({ topic, partitions });
  }
  return encodeAssignment({ assignedPartitions, userData: null }, version);
}

export function blobVersion(metadata: Uint8Array): number {
  const version = ((metadata[0] ?? 0) << 8) | (metadata[1] ?? 0);
  return Math.min(version, 3);
}

/** A member of the classic protocol as a member of a consumer group; null if its blob is none of a consumer's. */
export function classicMember(
  facts: MemberFacts,
  protocols: readonly GroupProtocol[],
): { readonly member: ConsumerMember; readonly subscription: Subscription } | null {
  const [first] = protocols;
  if (first === undefined) return null;
  const read = decodeSubscription(first.metadata);
  if (!read.ok) return null;
  const { memberId, instanceId, clientId, clientHost } = facts;
  const { rebalanceTimeoutMs, sessionTimeoutMs } = facts;
  const member = {
    ...{ memberId, instanceId, clientId, clientHost, rebalanceTimeoutMs },
    rackId: read.value.rackId,
    topics: [...new Set(read.value.topics)].sort(),
    regex: null,
    assignor: null,
    classic: { sessionTimeoutMs, protocols },
  };
  return { member, subscription: read.value };
}

/** Makes the draft of a classic group's successor. A group without members leaves nothing but its offsets. */
export function upgrade(
  draft: ConsumerDraft,
  group: ClassicGroup,
  isStored: boolean,
  catalog: TopicCatalog,
): Result<null, GroupFault> {
  const { nowMs: atMs } = draft;
  if (isStored) draft.add({ kind: "group-gone", group: group.id, atMs });
  // Members of a first rebalance have been promised nothing yet: they join again.
  if (group.members.size === 0 || group.generation === 0) return ok(null);
  const { generation } = group;
  for (const old of group.members.all()) {
    const converted = classicMember(old.facts, chosenFirst(old, group.protocol));
    if (converted === null) return failed("group-not-found");
    const { memberId } = old.facts;
    const claimed = claimOf(old, converted.subscription, catalog);
    const owned = filtered(claimed, (topicId, partition) => {
      return draft.owner(topicId, partition) === null;
    });
    draft.setMember(converted.member);
    draft.setTarget(memberId, owned);
    const epochs = { epoch: generation, previousEpoch: generation };
    draft.setPosition(memberId, { ...NEW_POSITION, ...epochs, assigned: owned });
  }
  draft.setTargetEpoch(generation);
  draft.setEpoch(generation, 0);
  return ok(null);
}

/** Between two assignments a member owns what it says itself. */
function claimOf(member: Member, subscription: Subscription, catalog: TopicCatalog): Assignment {
  const assigned = member.assignment.length === 0 ? null : decodeAssignment(member.assignment);
  if (assigned?.ok === true) return byIds(assigned.value.assignedPartitions, catalog);
  return byIds(subscription.ownedPartitions, catalog);
}

function chosenFirst(member: Member, protocol: string | null): readonly GroupProtocol[] {
  const { protocols } = member.facts;
  const chosen = protocols.filter(({ name }) => name === protocol);
  return [...chosen, ...protocols.filter(({ name }) => name !== protocol)];
}

/** Whether only members of the classic protocol are left, and all of them speak some one of its protocols. */
export function canDowngrade(draft: ConsumerDraft): boolean {
  const members = draft.members();
  return members.length > 0 && members.every(isClassic) && commonProtocol(members) !== null;
}

/** Makes the draft the end of the consumer group and the beginning of a classic one. It needs a rebalance at once. */
export function downgrade(draft: ConsumerDraft, catalog: TopicCatalog): void {
  const members = draft.members();
  const protocol = commonProtocol(members);
  // With a generation that members have, they hear of the rebalance by their heartbeats.
  let generation = 0;
  for (const { memberId } of members) {
    generation = Math.max(generation, draft.position(memberId).epoch);
  }
  const stored: StoredGroup = {
    protocolType: CONSUMER,
    generation,
    protocol,
    leader: members[0]?.memberId ?? null,
    sinceMs: draft.nowMs,
    members: members.map((member) => {
      const { memberId, instanceId, clientId, clientHost, rebalanceTimeoutMs, classic } = member;
      const subscription =
        classic?.protocols.find(({ name }) => name === protocol)?.metadata ?? new Uint8Array(0);
      const { assigned } = draft.position(memberId);
      return {
        ...{ memberId, instanceId, clientId, clientHost, rebalanceTimeoutMs },
        sessionTimeoutMs: classic?.sessionTimeoutMs ?? rebalanceTimeoutMs,
        subscription,
        assignment: assignmentBlob(assigned, blobVersion(subscription), catalog),
      };
    }),
  };
  draft.removeAll();
  draft.add({ kind: "group-set", group: draft.group, atMs: draft.nowMs, stored });
}

function isClassic({ classic }: ConsumerMember): boolean {
  return classic !== null;
}

/** In the order of the first one's preference. */
export function commonProtocol(members: readonly ConsumerMember[]): string | null {
  const speakers = members.filter(isClassic);
  for (const { name } of speakers[0]?.classic?.protocols ?? []) {
    const speaks = ({ classic }: ConsumerMember) =>
      classic?.protocols.some((protocol) => protocol.name === name) === true;
    if (speakers.every(speaks)) return name;
  }
  return null;
}
