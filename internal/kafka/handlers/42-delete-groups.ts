// DeleteGroups, versions 0-2: groups without members, with everything that they committed.
//
// Errors per group: 14 15 16 24 68 69.
import { deleteGroups } from "../api/42-delete-groups.ts";
import type { DeleteGroupsResponseResults } from "../api/42-delete-groups.ts";
import { groupCode } from "../errors-table.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";
import { Lookups } from "../lookups.ts";

export function deleteGroupsHandler({ groups, clock }: HandlerContext): Handler {
  return responder(deleteGroups, async ({ groupsNames }, call) => {
    const lookups = new Lookups(clock);
    const results: DeleteGroupsResponseResults[] = [];
    for (const [at, groupId] of groupsNames.entries()) {
      await lookups.run(
        () =>
          new Promise((resolve) => {
            groups.deleteGroup(groupId, (fault) => {
              results[at] = { groupId, errorCode: call.refused(groupCode(fault)) };
              resolve();
            });
          }),
      );
    }
    await lookups.finish();
    return { throttleTimeMs: 0, results };
  });
}
