// Which partitions somebody has, or should have, and how a server-side assignor is asked for it. A partition is named by
// its topic's id, so that a topic deleted and made again is another one.
import type { TopicId } from "../model/ids.ts";

/** Partitions by topic. Partitions ascend, and no topic is there with none. */
export type Assignment = ReadonlyMap<TopicId, readonly number[]>;

export interface AssignableMember {
  readonly memberId: string;
  readonly rackId: string | null;
  readonly instanceId: string | null;
  /** What it subscribes to of the topics that there are, ascending. */
  readonly topicIds: readonly TopicId[];
  /** Its part of the last target; a sticky assignor leaves as much of it as it can where it is. */
  readonly current: Assignment;
}

export interface AssignableTopic {
  readonly topicId: TopicId;
  readonly partitions: number;
}

/**
 * Divides the partitions of the topics among their subscribers. Pure, and the same for the same input: members and topics
 * come in a fixed order. Every partition of a topic that somebody subscribes to has exactly one owner in the outcome,
 * who subscribes to it; every member of the input is in the outcome.
 */
export type Assignor = (
  members: readonly AssignableMember[],
  topics: readonly AssignableTopic[],
) => ReadonlyMap<string, Assignment>;

export const NO_PARTITIONS: Assignment = new Map();

interface TopicPartitions {
  readonly topicId: TopicId;
  readonly partitions: readonly number[];
}

/** From what a request or a record lists, in any order and with repetitions. */
export function assignmentOf(listed: Iterable<TopicPartitions>): Assignment {
  const sets = new Map<TopicId, Set<number>>();
  for (const { topicId, partitions } of listed) {
    const known = sets.get(topicId) ?? new Set();
    for (const partition of partitions) known.add(partition);
    if (known.size > 0) sets.set(topicId, known);
  }
  const assignment = new Map<TopicId, readonly number[]>();
  for (const [topicId, partitions] of sets) {
    assignment.set(
      topicId,
      [...partitions].sort((a, b) => a - b),
    );
  }
  return assignment;
}

export function listed(assignment: Assignment): TopicPartitions[] {
  return [...assignment].map(([topicId, partitions]) => ({ topicId, partitions }));
}

export function holds(assignment: Assignment, topicId: TopicId, partition: number): boolean {
  return assignment.get(topicId)?.includes(partition) === true;
}

export function countOf(assignment: Assignment): number {
  let count = 0;
  for (const partitions of assignment.values()) count += partitions.length;
  return count;
}

/** What of `assignment` passes. */
export function filtered(
  assignment: Assignment,
  passes: (topicId: TopicId, partition: number) => boolean,
): Assignment {
  const kept = new Map<TopicId, readonly number[]>();
  for (const [topicId, partitions] of assignment) {
    const some = partitions.filter((partition) => passes(topicId, partition));
    if (some.length > 0) kept.set(topicId, some);
  }
  return kept;
}

export function intersection(a: Assignment, b: Assignment): Assignment {
  const isInB = membership(b);
  return filtered(a, isInB);
}

export function difference(a: Assignment, b: Assignment): Assignment {
  const isInB = membership(b);
  return filtered(a, (topicId, partition) => !isInB(topicId, partition));
}

export function union(a: Assignment, b: Assignment): Assignment {
  return assignmentOf([...listed(a), ...listed(b)]);
}

export function isSubset(a: Assignment, b: Assignment): boolean {
  return difference(a, b).size === 0;
}

export function isSame(a: Assignment, b: Assignment): boolean {
  if (a.size !== b.size) return false;
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId);
    if (others?.length !== partitions.length) return false;
    if (!partitions.every((partition, at) => partition === others[at])) return false;
  }
  return true;
}

/** Long lists are asked often: once per partition. */
function membership(of: Assignment): (topicId: TopicId, partition: number) => boolean {
  const sets = new Map<TopicId, ReadonlySet<number>>();
  return (topicId, partition) => {
    let set = sets.get(topicId);
    if (set === undefined) {
      set = new Set(of.get(topicId));
      sets.set(topicId, set);
    }
    return set.has(partition);
  };
}
