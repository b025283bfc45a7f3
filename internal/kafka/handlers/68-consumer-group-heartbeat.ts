// ConsumerGroupHeartbeat, versions 0-1: members of groups whose coordinator assigns (KIP-848).
//
// Behaviour: answered when what came of it is committed. The assignment is told when the member said everything, and when
// it has changed.
//
// Errors: 14 15 16 25 42 69 81 82 110 111 112 128.
import type { Complete } from "../../schema/message.ts";
import type { ConsumerBeatAnswer, ConsumerBeatRequest } from "../../service/group-service.ts";
import { consumerGroupHeartbeat } from "../api/68-consumer-group-heartbeat.ts";
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from "../api/68-consumer-group-heartbeat.ts";
import type { CallOf } from "../call.ts";
import { beatText, groupCode } from "../errors-table.ts";
import { handler } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";

const OWN_IDS_FROM = 1;

export function consumerGroupHeartbeatHandler({ groups }: HandlerContext): Handler {
  return handler(consumerGroupHeartbeat, (call, request) => {
    groups.consumerBeat(beatRequest(call, request), (answer) =>
      call.answer(responseOf(answer, call)),
    );
  });
}

function beatRequest(
  call: CallOf<ConsumerGroupHeartbeatResponse>,
  request: Complete<ConsumerGroupHeartbeatRequest>,
): ConsumerBeatRequest {
  const { memberId, memberEpoch, instanceId, rackId, rebalanceTimeoutMs } = request;
  return {
    group: request.groupId,
    ...{ memberId, memberEpoch, instanceId, rackId, rebalanceTimeoutMs },
    clientId: call.clientId,
    clientHost: `/${call.owner.peerHost}`,
    topics: request.subscribedTopicNames,
    regex: request.subscribedTopicRegex,
    assignor: request.serverAssignor,
    owned: request.topicPartitions,
    choosesId: call.version >= OWN_IDS_FROM,
  };
}

function responseOf(
  { fault, memberId, memberEpoch, intervalMs, assignment }: ConsumerBeatAnswer,
  call: CallOf<ConsumerGroupHeartbeatResponse>,
): ConsumerGroupHeartbeatResponse {
  return {
    throttleTimeMs: 0,
    errorCode: call.refused(groupCode(fault)),
    errorMessage: fault === null ? null : beatText(fault),
    memberId,
    memberEpoch,
    heartbeatIntervalMs: intervalMs,
    assignment: assignment === null ? null : { topicPartitions: assignment },
  };
}
