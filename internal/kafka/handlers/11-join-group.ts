// JoinGroup, versions 0-9, of the classic protocol.
//
// Behaviour: the answer waits until the rebalance is complete. From version 4 on a new member is given its id first
// (MEMBER_ID_REQUIRED) and joins with it. From 9 on a leader that is restarted learns that it need not assign.
//
// Errors: 14 15 16 22 23 24 25 26 42 (a client id of more than 10,000 characters) 79 81 82.
import type { Complete } from "../../schema/message.ts";
import { joinGroup } from "../api/11-join-group.ts";
import type { JoinGroupRequest, JoinGroupResponse } from "../api/11-join-group.ts";
import type { JoinAnswer, JoinRequest } from "../../service/group-service.ts";
import type { CallOf } from "../call.ts";
import { groupCode } from "../errors-table.ts";
import { handler } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";

const MEMBER_ID_FIRST_FROM = 4;
const SKIPS_ASSIGNMENT_FROM = 9;
const NULL_PROTOCOL_FROM = 7;

export function joinGroupHandler({ groups }: HandlerContext): Handler {
  return handler(joinGroup, (call, request) => {
    groups.join(joinRequest(call, request), (answer) => call.answer(responseOf(answer, call)));
  });
}

function joinRequest(
  call: CallOf<JoinGroupResponse>,
  request: Complete<JoinGroupRequest>,
): JoinRequest {
  const { groupId: group, memberId, groupInstanceId: instanceId, sessionTimeoutMs } = request;
  const { rebalanceTimeoutMs, protocolType, protocols } = request;
  return {
    group,
    memberId,
    instanceId,
    clientId: call.clientId,
    clientHost: `/${call.owner.peerHost}`,
    sessionTimeoutMs,
    // Version 0 does not say: a member has as long to join again as it has to be heard of.
    rebalanceTimeoutMs: rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
    protocolType,
    protocols,
    requiresMemberId: call.version >= MEMBER_ID_FIRST_FROM,
    knowsSkip: call.version >= SKIPS_ASSIGNMENT_FROM,
  };
}

function responseOf(answer: JoinAnswer, call: CallOf<JoinGroupResponse>): JoinGroupResponse {
  const { fault, generation, protocolType, protocol, leader, skipAssignment, memberId } = answer;
  return {
    throttleTimeMs: 0,
    errorCode: call.refused(groupCode(fault)),
    generationId: generation,
    protocolType,
    protocolName: protocol ?? (call.version >= NULL_PROTOCOL_FROM ? null : ""),
    leader,
    skipAssignment,
    memberId,
    members: answer.members.map(({ memberId: id, instanceId, metadata }) => {
      return { memberId: id, groupInstanceId: instanceId, metadata };
    }),
  };
}
