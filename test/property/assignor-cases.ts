// For the tests of assignors: how cases are written and made at random, and what is counted of an outcome.
import fc from "fast-check";
import type { TopicId } from "../../internal/model/ids.ts";
import { NO_PARTITIONS } from "../../internal/coordinator/assignment.ts";
import type {
  AssignableMember,
  AssignableTopic,
  Assignment,
} from "../../internal/coordinator/assignment.ts";

export type Outcome = ReadonlyMap<string, Assignment>;

export interface Case {
  readonly members: readonly AssignableMember[];
  readonly topics: readonly AssignableTopic[];
}

export function topicIdOf(name: string | number): TopicId {
  return `topic-${name}` as TopicId;
}

export function topicOf(name: string | number, partitions: number): AssignableTopic {
  return { topicId: topicIdOf(name), partitions };
}

export function memberOf(
  memberId: string,
  topics: readonly (string | number)[],
  current: Assignment = NO_PARTITIONS,
): AssignableMember {
  const topicIds = topics.map(topicIdOf).sort();
  return { memberId, rackId: null, instanceId: null, topicIds, current };
}

/** "a: x 0 1, y 2": each member's partitions in a line. */
export function show(outcome: Outcome): string[] {
  return [...outcome].map(([memberId, assignment]) => {
    const parts = [...assignment].map(([id, list]) => `${id.slice(6)} ${list.join(" ")}`);
    return `${memberId}: ${parts.join(", ")}`;
  });
}

/** The same members with what they were assigned. */
export function holding(members: readonly AssignableMember[], outcome: Outcome) {
  return members.map((member) => {
    return { ...member, current: outcome.get(member.memberId) ?? NO_PARTITIONS };
  });
}

export function loads(outcome: Outcome): Map<string, number> {
  return new Map([...outcome].map(([id, assignment]) => [id, sizeOf(assignment)]));
}

export function sizeOf(assignment: Assignment): number {
  let size = 0;
  for (const partitions of assignment.values()) size += partitions.length;
  return size;
}

export function ownersOf(entries: Iterable<readonly [string, Assignment]>): Map<string, string> {
  const owners = new Map<string, string>();
  for (const [memberId, assignment] of entries) {
    for (const [topicId, partitions] of assignment) {
      for (const partition of partitions) {
        const key = `${topicId} ${partition}`;
        if (owners.has(key)) throw new Error(`${key} has two owners`);
        owners.set(key, memberId);
      }
    }
  }
  return owners;
}

/** Partitions that somebody has to give to somebody else. */
export function moves({ members }: Case, outcome: Outcome): number {
  const after = ownersOf(outcome);
  let count = 0;
  for (const [key, owner] of ownersOf(members.map((m) => [m.memberId, m.current] as const))) {
    const other = after.get(key);
    if (other !== undefined && other !== owner) count++;
  }
  return count;
}

/** Every partition of a subscribed topic once, to a subscriber; everybody is there; lists ascend, none is empty. */
export function faults({ members, topics }: Case, outcome: Outcome): string[] {
  const found: string[] = [];
  const owners = ownersOf(outcome);
  const subscriptions = new Map(members.map((each) => [each.memberId, new Set(each.topicIds)]));
  for (const memberId of subscriptions.keys()) {
    if (!outcome.has(memberId)) found.push(`${memberId} is missing`);
  }
  let expected = 0;
  for (const { topicId, partitions } of topics) {
    if (!members.some(({ topicIds }) => topicIds.includes(topicId))) continue;
    expected += partitions;
    for (let partition = 0; partition < partitions; partition++) {
      if (!owners.has(`${topicId} ${partition}`)) found.push(`${topicId} ${partition} is free`);
    }
  }
  if (owners.size !== expected) found.push("partitions were made up");
  for (const [memberId, assignment] of outcome) {
    for (const [topicId, partitions] of assignment) {
      if (!subscriptions.get(memberId)?.has(topicId)) found.push(`${memberId} reads no ${topicId}`);
      if (partitions.length === 0) found.push(`${memberId} has an empty ${topicId}`);
      if (partitions.some((each, at) => at > 0 && each <= (partitions[at - 1] ?? 0))) {
        found.push(`${memberId} has ${topicId} out of order`);
      }
    }
  }
  return found;
}

/** Members named by letters from `first` on, who own nothing yet. */
export function freshCase(options: { readonly same: boolean }): fc.Arbitrary<Case> {
  return fc
    .tuple(
      fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 6 }),
      fc.integer({ min: 1, max: 9 }),
    )
    .chain(([sizes, count]) => {
      const names = sizes.map((_, at) => at);
      const some = fc.subarray(names);
      const lists = options.same
        ? some.map((list) => Array.from({ length: count }, () => list))
        : fc.array(some, { minLength: count, maxLength: count });
      return lists.map((chosen) => {
        const members = chosen.map((list, at) => memberOf(`member-${at}`, list));
        return { members, topics: sizes.map((size, at) => topicOf(at, size)) };
      });
    });
}

/** A case in which members own partitions at random: what is theirs, what is not, and what is not even there. */
export function ownedCase(options: { readonly same: boolean }): fc.Arbitrary<Case> {
  return freshCase(options).chain(({ members, topics }) => {
    const claim = fc.tuple(fc.nat(members.length), fc.nat(topics.length), fc.nat(13));
    return fc.array(claim, { maxLength: 40 }).map((claims) => {
      const taken = new Set<string>();
      const currents = members.map(() => new Map<TopicId, number[]>());
      for (const [member, topic, partition] of claims) {
        if (taken.has(`${topic} ${partition}`)) continue;
        taken.add(`${topic} ${partition}`);
        const current = currents[member];
        const list = current?.get(topicIdOf(topic));
        if (list === undefined) current?.set(topicIdOf(topic), [partition]);
        else list.push(partition);
      }
      const owning = members.map((each, at) => ({ ...each, current: currents[at] ?? new Map() }));
      return { members: owning, topics };
    });
  });
}
