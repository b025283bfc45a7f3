// A consumer group as an administrator sees it.
import type { Assignment } from "./assignment.ts";
import type { ConsumerState } from "./consumer-state.ts";
import { assignorOf } from "./consumer-target.ts";
import type { ConsumerDescription, NamedPartitions } from "./group-requests.ts";
import type { TopicCatalog } from "./topic-catalog.ts";

export function describeConsumer(
  group: string,
  state: ConsumerState,
  catalog: TopicCatalog,
  assignors: Iterable<string>,
): ConsumerDescription {
  const named = (assignment: Assignment): readonly NamedPartitions[] =>
    [...assignment].flatMap(([topicId, partitions]) => {
      const topic = catalog.topic(topicId)?.name;
      // Topics that are gone have no name any more.
      return topic === undefined ? [] : [{ topicId, topic, partitions }];
    });
  const members = [...state.members.values()].map((member) => {
    const { memberId, instanceId, rackId, clientId, clientHost, topics, regex, classic } = member;
    const { epoch, assigned } = state.position(memberId);
    return {
      ...{ memberId, instanceId, rackId, clientId, clientHost, topics, regex, epoch },
      isClassic: classic !== null,
      assignment: named(assigned),
      target: named(state.target(memberId)),
    };
  });
  const { phase, epoch, targetEpoch } = state;
  const assignor = assignorOf(state.members.values(), assignors);
  return { group, phase, epoch, targetEpoch, assignor, members };
}
