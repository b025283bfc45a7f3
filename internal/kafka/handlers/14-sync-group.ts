// SyncGroup, versions 0-5, of the classic protocol.
//
// Behaviour: the answer waits until the leader's assignments are committed; in a stable group it is the member's
// assignment again.
//
// Errors: 14 15 16 22 23 24 25 27 82; -1 when a group's metadata is larger than a log entry may be.
import { syncGroup } from "../api/14-sync-group.ts";
import { groupCode } from "../errors-table.ts";
import { handler } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";

export function syncGroupHandler({ groups }: HandlerContext): Handler {
  return handler(syncGroup, (call, request) => {
    const { groupId, generationId, memberId, groupInstanceId } = request;
    const { protocolType, protocolName, assignments } = request;
    const claim = { generation: generationId, memberId, instanceId: groupInstanceId };
    const asked = { group: groupId, ...claim, protocolType, protocol: protocolName, assignments };
    groups.sync(asked, ({ fault, protocolType: type, protocol, assignment }) => {
      const errorCode = call.refused(groupCode(fault));
      const body = { throttleTimeMs: 0, errorCode, protocolType: type, protocolName: protocol };
      call.answer({ ...body, assignment });
    });
  });
}
