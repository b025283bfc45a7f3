// DescribeProducers, version 0: the idempotent producers that a partition remembers.
//
// Behaviour: every broker with a replica answers, as Kafka's do, because tools look into one replica on purpose; a
// follower tells what it has followed. Times are those at which the broker heard of the producer.
//
// Errors per partition: 3 6 (no replica here) 42 (named again).
import type { Complete } from "../../schema/message.ts";
import { describeProducers } from "../api/61-describe-producers.ts";
import type {
  DescribeProducersRequest,
  DescribeProducersResponse,
  DescribeProducersResponseActiveProducers,
  DescribeProducersResponsePartitions,
  DescribeProducersResponseTopics,
} from "../api/61-describe-producers.ts";
import { Breather } from "../breather.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { addressCode } from "../errors-table.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";

const AGAIN = "The request names this partition more than once.";

export function describeProducersHandler(context: HandlerContext): Handler {
  return responder(describeProducers, (request, call) => respond(context, request, call));
}

async function respond(
  context: HandlerContext,
  request: Complete<DescribeProducersRequest>,
  call: CallOf<DescribeProducersResponse>,
): Promise<DescribeProducersResponse> {
  const breather = new Breather(context.clock);
  const topics: DescribeProducersResponseTopics[] = [];
  const seen = new Set<string>();
  for (const { name, partitionIndexes } of request.topics) {
    const partitions: DescribeProducersResponsePartitions[] = [];
    topics.push({ name, partitions });
    for (const partitionIndex of partitionIndexes) {
      const pause = breather.tick();
      if (pause !== null) await pause;
      const key = `${partitionIndex} ${name}`;
      // A partition may remember a hundred thousand producers: they are told once.
      const one = seen.has(key)
        ? failure(partitionIndex, ErrorCode.INVALID_REQUEST, AGAIN)
        : await lookUp(context, breather, name, partitionIndex);
      seen.add(key);
      if (one.errorCode !== ErrorCode.NONE) call.refused(one.errorCode);
      partitions.push(one);
    }
  }
  return { throttleTimeMs: 0, topics };
}

async function lookUp(
  { inspection }: HandlerContext,
  breather: Breather,
  name: string,
  partition: number,
): Promise<DescribeProducersResponsePartitions> {
  const found = inspection.producers({ name, topicId: null, partition });
  if (!found.ok) return failure(partition, addressCode(found.fault), null);
  const activeProducers: DescribeProducersResponseActiveProducers[] = [];
  for (const { producerId, epoch, lastSequence, seenMs } of found.value) {
    const pause = breather.tick();
    if (pause !== null) await pause;
    activeProducers.push({
      producerId,
      producerEpoch: epoch,
      lastSequence,
      lastTimestamp: seenMs,
      coordinatorEpoch: -1,
      currentTxnStartOffset: -1,
    });
  }
  const errorCode = ErrorCode.NONE;
  return { partitionIndex: partition, errorCode, errorMessage: null, activeProducers };
}

function failure(
  partitionIndex: number,
  errorCode: ErrorCode,
  errorMessage: string | null,
): DescribeProducersResponsePartitions {
  return { partitionIndex, errorCode, errorMessage, activeProducers: [] };
}
