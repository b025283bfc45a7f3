// The assignor "range": of each topic its subscribers get one range of partitions each, the first of them one partition
// more where they do not come out even. Topics with as many partitions and the same subscribers are divided alike, so who
// reads partition 3 of one reads partition 3 of the other, which joins rely on. Nothing depends on what members own:
// members with an instance id come first, in the order of those, so their ranges survive restarts under new member ids.
import type { TopicId } from "../../model/ids.ts";
import type { AssignableMember, AssignableTopic, Assignor } from "../assignment.ts";
import { compareText } from "./ownership.ts";

export const range: Assignor = (members, topics) => {
  const ordered = [...members].sort(compareMembers);
  const assignments = new Map(ordered.map(({ memberId }) => [memberId, new Map()]));
  const subscribers = new Map<TopicId, string[]>(topics.map(({ topicId }) => [topicId, []]));
  for (const { memberId, topicIds } of ordered) {
    for (const topicId of topicIds) subscribers.get(topicId)?.push(memberId);
  }
  for (const { topicId, partitions } of [...topics].sort(compareTopics)) {
    const memberIds = subscribers.get(topicId) ?? [];
    const least = Math.floor(partitions / memberIds.length);
    const over = partitions - least * memberIds.length;
    let next = 0;
    for (const [place, memberId] of memberIds.entries()) {
      const length = least + (place < over ? 1 : 0);
      if (length === 0) break;
      const from = next;
      next += length;
      assignments.get(memberId)?.set(
        topicId,
        Array.from({ length }, (_, at) => from + at),
      );
    }
  }
  return assignments;
};

function compareMembers(a: AssignableMember, b: AssignableMember): number {
  if ((a.instanceId === null) !== (b.instanceId === null)) return a.instanceId === null ? 1 : -1;
  const byInstance = compareText(a.instanceId ?? "", b.instanceId ?? "");
  return byInstance === 0 ? compareText(a.memberId, b.memberId) : byInstance;
}

function compareTopics(a: AssignableTopic, b: AssignableTopic): number {
  return compareText(a.topicId, b.topicId);
}
