// ListGroups, versions 0-5: the groups that this broker coordinates.
//
// Behaviour: filters by state (4+) and type (5+) compare without regard to case; an empty filter lets everything pass.
// A consumer group is one whose coordinator assigns (KIP-848).
//
// Errors: 14 while the groups of a partition that this broker leads are still being loaded.
import { listGroups } from "../api/16-list-groups.ts";
import { ErrorCode } from "../codec/errors.ts";
import { groupCode } from "../errors-table.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";

export function listGroupsHandler({ groups }: HandlerContext): Handler {
  return responder(listGroups, ({ statesFilter, typesFilter }, call) => {
    const states = lowered(statesFilter);
    const types = lowered(typesFilter);
    const listed = groups.list();
    if (!listed.ok) {
      return { throttleTimeMs: 0, errorCode: call.refused(groupCode(listed.fault)), groups: [] };
    }
    const passes = (filter: ReadonlySet<string>, value: string): boolean =>
      filter.size === 0 || filter.has(value.toLowerCase());
    const shown = listed.value.filter(
      ({ phase, type }) => passes(states, phase) && passes(types, type),
    );
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      groups: shown.map(({ group, protocolType, phase, type }) => {
        return { groupId: group, protocolType, groupState: phase, groupType: type };
      }),
    };
  });
}

function lowered(filter: readonly string[]): ReadonlySet<string> {
  return new Set(filter.map((value) => value.toLowerCase()));
}
