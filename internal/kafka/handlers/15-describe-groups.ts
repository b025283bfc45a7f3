// DescribeGroups, versions 0-6, of the classic protocol.
//
// Behaviour: members' metadata and assignments are shown while the group is stable. A group that is not there is "Dead"
// without an error up to version 5.
//
// Errors per group: 14 15 16 24; 69 (6).
import type { GroupDescription } from "../../service/group-service.ts";
import { describeGroups } from "../api/15-describe-groups.ts";
import type {
  DescribeGroupsResponse,
  DescribeGroupsResponseGroups,
} from "../api/15-describe-groups.ts";
import { GROUP_OPERATIONS, NOT_ASKED } from "../authorized-operations.ts";
import { Breather } from "../breather.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { groupCode } from "../errors-table.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";

const NOT_FOUND_FROM = 6;
const NO_SUCH_GROUP = "There is no such group.";

export function describeGroupsHandler(context: HandlerContext): Handler {
  return responder(describeGroups, async (request, call) => {
    const breather = new Breather(context.clock);
    const authorizedOperations = request.includeAuthorizedOperations ? GROUP_OPERATIONS : NOT_ASKED;
    const groups: DescribeGroupsResponseGroups[] = [];
    // A group may have as many bytes as a log entry: it is described once, however often it is named.
    for (const group of new Set(request.groups)) {
      const pause = breather.tick();
      if (pause !== null) await pause;
      groups.push({ ...describe(context, group, call), authorizedOperations });
    }
    return { throttleTimeMs: 0, groups };
  });
}

function describe(
  { groups }: HandlerContext,
  groupId: string,
  call: CallOf<DescribeGroupsResponse>,
): DescribeGroupsResponseGroups {
  const found = groups.describe(groupId);
  if (found.ok) return descriptionOf(found.value);
  const isMissing = found.fault === "group-not-found";
  const isSilent = isMissing && call.version < NOT_FOUND_FROM;
  return {
    errorCode: isSilent ? ErrorCode.NONE : call.refused(groupCode(found.fault)),
    errorMessage: isMissing ? NO_SUCH_GROUP : null,
    groupId,
    groupState: isMissing ? "Dead" : "",
    protocolType: "",
    protocolData: "",
    members: [],
  };
}

function descriptionOf(description: GroupDescription): DescribeGroupsResponseGroups {
  const { group: groupId, phase: groupState, protocolType, protocol, members } = description;
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    groupId,
    groupState,
    protocolType,
    protocolData: protocol,
    members: members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: member.metadata,
      memberAssignment: member.assignment,
    })),
  };
}
