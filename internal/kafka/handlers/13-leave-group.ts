// LeaveGroup, versions 0-5, of the classic protocol: one member up to version 2, several from 3 on.
//
// Behaviour: an empty member id with an instance removes that static member, as administrators do.
//
// Errors: at the top 14 15 16 24; per member 25 82. Up to version 2 the one member's error stands at the top.
import type { Complete } from "../../schema/message.ts";
import type { LeaveAnswer } from "../../service/group-service.ts";
import { leaveGroup } from "../api/13-leave-group.ts";
import type { LeaveGroupRequest, LeaveGroupResponse } from "../api/13-leave-group.ts";
import type { CallOf } from "../call.ts";
import { groupCode } from "../errors-table.ts";
import { handler } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";

const SEVERAL_MEMBERS_FROM = 3;

export function leaveGroupHandler({ groups }: HandlerContext): Handler {
  return handler(leaveGroup, (call, request) => {
    const { groupId: group, memberId } = request;
    const members =
      call.version < SEVERAL_MEMBERS_FROM
        ? [{ memberId, instanceId: null }]
        : request.members.map((one) => {
            return { memberId: one.memberId, instanceId: one.groupInstanceId };
          });
    groups.leave({ group, members }, (answer) => call.answer(responseOf(answer, request, call)));
  });
}

function responseOf(
  answer: LeaveAnswer,
  request: Complete<LeaveGroupRequest>,
  call: CallOf<LeaveGroupResponse>,
): LeaveGroupResponse {
  if (call.version < SEVERAL_MEMBERS_FROM) {
    const fault = answer.fault ?? answer.members[0] ?? null;
    return { throttleTimeMs: 0, errorCode: call.refused(groupCode(fault)) };
  }
  const members = answer.members.map((fault, at) => {
    const { memberId = "", groupInstanceId = null } = request.members[at] ?? {};
    return { memberId, groupInstanceId, errorCode: call.refused(groupCode(fault)) };
  });
  return { throttleTimeMs: 0, errorCode: call.refused(groupCode(answer.fault)), members };
}
