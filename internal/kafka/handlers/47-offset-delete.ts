// OffsetDelete, version 0: committed offsets of topics that the group does not read.
//
// Errors: at the top 14 15 16 24 68 (members whose topics are not known) 69; per partition 3 86.
import { offsetDelete } from "../api/47-offset-delete.ts";
import { ErrorCode } from "../codec/errors.ts";
import { groupCode } from "../errors-table.ts";
import { handler } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";

export function offsetDeleteHandler({ groups }: HandlerContext): Handler {
  return handler(offsetDelete, (call, request) => {
    const asked = request.topics.map(({ name, partitions }) => {
      return { name, topicId: null, partitions: partitions.map((one) => one.partitionIndex) };
    });
    groups.deleteOffsets(request.groupId, asked, (outcome) => {
      if (!outcome.ok) {
        const errorCode = call.refused(groupCode(outcome.fault));
        return call.answer({ errorCode, throttleTimeMs: 0, topics: [] });
      }
      let at = 0;
      const topics = request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => {
          const fault = outcome.value[at++]?.fault ?? null;
          return { partitionIndex, errorCode: call.refused(groupCode(fault)) };
        }),
      }));
      call.answer({ errorCode: ErrorCode.NONE, throttleTimeMs: 0, topics });
    });
  });
}
