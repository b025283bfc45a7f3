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
