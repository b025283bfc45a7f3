// What an assignor works on: members and topics by their place in a fixed order, so that the outcome is the same in
// whatever order they came, and for each partition of a subscribed topic who owns it. It starts from what members own
// already, as far as that is still theirs to keep: the topic is there, has that partition, and they subscribe to it. Of two
// who claim the same partition the first keeps it.
import { assert } from "../../base/assert.ts";
import type { TopicId } from "../../model/ids.ts";
import type { AssignableMember, AssignableTopic, Assignment } from "../assignment.ts";

/** In place of an owner: nobody. */
export const FREE = -1;

/** A topic that somebody subscribes to. */
export interface OwnedTopic {
  readonly topicId: TopicId;
  /** The member of each partition, or FREE. */
  readonly owners: Int32Array;
}

export interface Ownership {
  readonly memberIds: readonly string[];
  /** Places of topics, ascending, by member. Members who subscribe to the same share one list. */
  readonly subscriptions: readonly (readonly number[])[];
  readonly topics: readonly OwnedTopic[];
}

export function ownershipOf(
  members: readonly AssignableMember[],
  topics: readonly AssignableTopic[],
): Ownership {
  const ordered = [...members].sort((a, b) => compareText(a.memberId, b.memberId));
  const wanted = sharedLists(ordered);
  const owned = subscribedTopics(new Set(wanted), topics);
  const places = new Map(owned.map(({ topicId }, place) => [topicId, place]));
  const translated = new Map<readonly TopicId[], readonly number[]>();
  for (const list of wanted) {
    if (!translated.has(list)) translated.set(list, placesOf(list, places));
  }
  const subscriptions = wanted.map((list) => translated.get(list) ?? []);
  for (const [member, { current }] of ordered.entries()) {
    keepCurrent(member, current, subscriptions[member] ?? [], owned);
  }
  return { memberIds: ordered.map(({ memberId }) => memberId), subscriptions, topics: owned };
}

/** Everybody's partitions, in the order of members. */
export function assignmentsOf({
  memberIds,
  topics,
}: Ownership): ReadonlyMap<string, Map<TopicId, number[]>> {
  const assignments = memberIds.map(() => new Map<TopicId, number[]>());
  for (const { topicId, owners } of topics) {
    for (const [partition, owner] of owners.entries()) {
      const assignment = assignments[owner];
      assert(assignment !== undefined, "every partition of a subscribed topic has an owner");
      const partitions = assignment.get(topicId);
      if (partitions === undefined) assignment.set(topicId, [partition]);
      else partitions.push(partition);
    }
  }
  return new Map(memberIds.map((id, member) => [id, assignments[member] ?? new Map()]));
}

/** By UTF-16 units, as `<` has it. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The members' subscriptions, with one list in the place of all that are equal. */
function sharedLists(members: readonly AssignableMember[]): (readonly TopicId[])[] {
  // Lists that look alike at a glance are compared with each other only.
  const alike = new Map<string, (readonly TopicId[])[]>();
  const shared = new Map<readonly TopicId[], readonly TopicId[]>();
  return members.map(({ topicIds }) => {
    const known = shared.get(topicIds);
    if (known !== undefined) return known;
    const key = `${topicIds.length} ${topicIds[0]} ${topicIds.at(-1)}`;
    const candidates = alike.get(key) ?? [];
    alike.set(key, candidates);
    let list = candidates.find((other) => other.every((id, at) => id === topicIds[at]));
    if (list === undefined) candidates.push((list = topicIds));
    shared.set(topicIds, list);
    return list;
  });
}

function subscribedTopics(
  lists: Iterable<readonly TopicId[]>,
  topics: readonly AssignableTopic[],
): OwnedTopic[] {
  const wanted = new Set<TopicId>();
  for (const list of lists) for (const topicId of list) wanted.add(topicId);
  return topics
    .filter(({ topicId, partitions }) => partitions > 0 && wanted.has(topicId))
    .sort((a, b) => compareText(a.topicId, b.topicId))
    .map(({ topicId, partitions }) => {
      return { topicId, owners: new Int32Array(partitions).fill(FREE) };
    });
}

function placesOf(list: readonly TopicId[], places: ReadonlyMap<TopicId, number>): number[] {
  const found: number[] = [];
  for (const topicId of list) {
    const place = places.get(topicId);
    if (place !== undefined) found.push(place);
  }
  return found.sort((a, b) => a - b);
}

function keepCurrent(
  member: number,
  current: Assignment,
  subscription: readonly number[],
  topics: readonly OwnedTopic[],
): void {
  if (current.size === 0) return;
  for (const place of subscription) {
    const topic = topics[place];
    const partitions = topic === undefined ? undefined : current.get(topic.topicId);
    if (topic === undefined || partitions === undefined) continue;
    for (const partition of partitions) {
      // A partition that the topic does not have reads as undefined.
      if (topic.owners[partition] === FREE) topic.owners[partition] = member;
    }
  }
}
