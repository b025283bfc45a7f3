// OffsetForLeaderEpoch, versions 2-4: consumers ask it after a change of leaders, to find out whether what they read is
// still there.
//
// Behaviour: the largest epoch not above the one asked for, and where it ended; -1 and -1 when none is known.
//
// Errors per partition: 3 6 (also while a new leader does not know its high watermark, F7) 56 74 75.
import type { Complete } from "../../schema/message.ts";
import { offsetForLeaderEpoch } from "../api/23-offset-for-leader-epoch.ts";
import type {
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochRequestPartitions,
  OffsetForLeaderEpochResponse,
  OffsetForLeaderEpochResponsePartitions,
} from "../api/23-offset-for-leader-epoch.ts";
import { Breather } from "../breather.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { epochCode } from "../errors-table.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";

export function offsetForLeaderEpochHandler(context: HandlerContext): Handler {
  return responder(offsetForLeaderEpoch, (request, call) => respond(context, request, call));
}

async function respond(
  context: HandlerContext,
  request: Complete<OffsetForLeaderEpochRequest>,
  call: CallOf<OffsetForLeaderEpochResponse>,
): Promise<OffsetForLeaderEpochResponse> {
  const breather = new Breather(context.clock);
  const topics: { topic: string; partitions: OffsetForLeaderEpochResponsePartitions[] }[] = [];
  for (const { topic, partitions } of request.topics) {
    const into: OffsetForLeaderEpochResponsePartitions[] = [];
    topics.push({ topic, partitions: into });
    for (const asked of partitions) {
      const pause = breather.tick();
      if (pause !== null) await pause;
      into.push(lookUp(context, call, topic, asked));
    }
  }
  return { throttleTimeMs: 0, topics };
}

function lookUp(
  context: HandlerContext,
  call: CallOf<OffsetForLeaderEpochResponse>,
  name: string,
  { partition, currentLeaderEpoch, leaderEpoch }: OffsetForLeaderEpochRequestPartitions,
): OffsetForLeaderEpochResponsePartitions {
  const address = { name, topicId: null, partition };
  const end = context.log.epochEnd(address, currentLeaderEpoch, leaderEpoch);
  if (!end.ok) return { errorCode: call.refused(epochCode(end.fault)), partition };
  const { epoch, endOffset } = end.value;
  return { errorCode: ErrorCode.NONE, partition, leaderEpoch: epoch, endOffset };
}
