// DeleteRecords, versions 0-2: moves the beginning of partitions.
//
// Behaviour: -1 means everything that is committed. Answered when the command that moves the log start is committed, so the
// low watermark in the answer holds on every replica and for ever; a beginning that lies further on already stays. Space
// comes back later. Topics that are only compacted, and those in which brokers keep their state, refuse.
//
// Errors per partition: 1 3 6 7 42 (named again) 44 56.
import type { Complete } from "../../schema/message.ts";
import type { Offset } from "../../model/ids.ts";
import { deleteRecords } from "../api/21-delete-records.ts";
import type {
  DeleteRecordsRequest,
  DeleteRecordsResponse,
  DeleteRecordsResponsePartitions,
} from "../api/21-delete-records.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { deleteRecordsCode } from "../errors-table.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";
import { Lookups } from "../lookups.ts";

const HIGH_WATERMARK = -1;
const NO_OFFSET = -1;

export function deleteRecordsHandler(context: HandlerContext): Handler {
  return responder(deleteRecords, (request, call) => respond(context, request, call));
}

async function respond(
  { clock, log }: HandlerContext,
  request: Complete<DeleteRecordsRequest>,
  call: CallOf<DeleteRecordsResponse>,
): Promise<DeleteRecordsResponse> {
  const lookups = new Lookups(clock);
  const untilMs = clock.upMs() + Math.max(0, request.timeoutMs);
  const seen = new Set<string>();
  const topics: { name: string; partitions: DeleteRecordsResponsePartitions[] }[] = [];
  for (const { name, partitions } of request.topics) {
    const into: DeleteRecordsResponsePartitions[] = [];
    topics.push({ name, partitions: into });
    for (const { partitionIndex, offset } of partitions) {
      const refused = (errorCode: ErrorCode): DeleteRecordsResponsePartitions => {
        return { partitionIndex, lowWatermark: NO_OFFSET, errorCode: call.refused(errorCode) };
      };
      const at = into.length;
      into.push(refusal(partitionIndex));
      const key = `${partitionIndex} ${name}`;
      if (seen.has(key)) into[at] = refused(ErrorCode.INVALID_REQUEST);
      else {
        seen.add(key);
        await lookups.run(async () => {
          const address = { name, topicId: null, partition: partitionIndex };
          const upTo = offset === HIGH_WATERMARK ? null : (offset as Offset);
          const leftMs = Math.max(0, untilMs - clock.upMs());
          const deleted = await log.deleteRecords(address, upTo, leftMs);
          into[at] = deleted.ok
            ? { partitionIndex, lowWatermark: deleted.value, errorCode: ErrorCode.NONE }
            : refused(deleteRecordsCode(deleted.fault));
        });
      }
    }
  }
  await lookups.finish();
  return { throttleTimeMs: 0, topics };
}

/** The place of an answer that is to come. */
function refusal(partitionIndex: number): DeleteRecordsResponsePartitions {
  return { partitionIndex, lowWatermark: NO_OFFSET, errorCode: ErrorCode.UNKNOWN_SERVER_ERROR };
}
