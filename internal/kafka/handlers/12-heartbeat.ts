// Heartbeat, versions 0-4, of the classic protocol.
//
// Behaviour: keeps the member's session; REBALANCE_IN_PROGRESS tells it to join again, and keeps it as well.
//
// Errors: 14 15 16 22 24 25 27 82.
import { heartbeat } from "../api/12-heartbeat.ts";
import { groupCode } from "../errors-table.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";

export function heartbeatHandler({ groups }: HandlerContext): Handler {
  return responder(heartbeat, ({ groupId, generationId, memberId, groupInstanceId }, call) => {
    const fault = groups.heartbeat({
      group: groupId,
      generation: generationId,
      memberId,
      instanceId: groupInstanceId,
    });
    return { throttleTimeMs: 0, errorCode: call.refused(groupCode(fault)) };
  });
}
