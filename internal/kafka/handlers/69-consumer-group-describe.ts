// ConsumerGroupDescribe, versions 0-1: groups of the newer protocol (KIP-848), as far as they are committed.
//
// Behaviour: a classic group is none of these. Members of the classic protocol in such a group are told apart from 1 on.
//
// Errors per group: 14 15 16 24 69.
import type { ConsumerDescription, GroupFault } from "../../service/group-service.ts";
import { consumerGroupDescribe } from "../api/69-consumer-group-describe.ts";
import type {
  ConsumerGroupDescribeResponse,
  ConsumerGroupDescribeResponseGroups,
} from "../api/69-consumer-group-describe.ts";
import { GROUP_OPERATIONS, NOT_ASKED } from "../authorized-operations.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { groupCode } from "../errors-table.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";
import { Lookups } from "../lookups.ts";

const NO_SUCH_GROUP = "There is no such consumer group.";
const CLASSIC_MEMBER = 0;
const CONSUMER_MEMBER = 1;

export function consumerGroupDescribeHandler({ groups, clock }: HandlerContext): Handler {
  return responder(consumerGroupDescribe, async (request, call) => {
    const authorizedOperations = request.includeAuthorizedOperations ? GROUP_OPERATIONS : NOT_ASKED;
    const lookups = new Lookups(clock);
    const described: ConsumerGroupDescribeResponseGroups[] = [];
    // Once each, however often the request names it.
    for (const [at, groupId] of [...new Set(request.groupIds)].entries()) {
      await lookups.run(
        () =>
          new Promise((resolve) => {
            groups.describeConsumer(groupId, (outcome) => {
              const group = outcome.ok
                ? descriptionOf(outcome.value)
                : refused(groupId, outcome.fault, call);
              described[at] = { ...group, authorizedOperations };
              resolve();
            });
          }),
      );
    }
    await lookups.finish();
    return { throttleTimeMs: 0, groups: described };
  });
}

function refused(
  groupId: string,
  fault: GroupFault,
  call: CallOf<ConsumerGroupDescribeResponse>,
): ConsumerGroupDescribeResponseGroups {
  return {
    errorCode: call.refused(groupCode(fault)),
    errorMessage: fault === "group-not-found" ? NO_SUCH_GROUP : null,
    groupId,
    groupState: fault === "group-not-found" ? "Dead" : "",
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: "",
    members: [],
  };
}

function descriptionOf(description: ConsumerDescription): ConsumerGroupDescribeResponseGroups {
  const { group: groupId, phase, epoch, targetEpoch, assignor, members } = description;
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    groupId,
    groupState: phase,
    groupEpoch: epoch,
    assignmentEpoch: targetEpoch,
    assignorName: assignor,
    members: members.map((member) => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      rackId: member.rackId,
      memberEpoch: member.epoch,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: member.topics,
      subscribedTopicRegex: member.regex,
      assignment: { topicPartitions: member.assignment.map(namedOf) },
      targetAssignment: { topicPartitions: member.target.map(namedOf) },
      memberType: member.isClassic ? CLASSIC_MEMBER : CONSUMER_MEMBER,
    })),
  };
}

function namedOf({
  topicId,
  topic: topicName,
  partitions,
}: ConsumerDescription["members"][number]["assignment"][number]) {
  return { topicId, topicName, partitions };
}
