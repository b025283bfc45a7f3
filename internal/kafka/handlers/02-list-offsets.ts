// ListOffsets, versions 1-11.
//
// Behaviour: a timestamp from 0 on asks for the first record not older than it; -1 is the high watermark (for
// read_committed the last stable offset), -2 and -4 (8+) the log start, -3 (7+) the record with the largest timestamp,
// -5 (9+) and -6 (11+) belong to tiered storage, which is not there: offset -1 without an error. "Nothing found" is
// offset -1 and timestamp -1 without an error.
//
// Errors per partition: 3 6 7 (the disk did not answer in time) 35 (a special timestamp that the version lacks) 42 (a partition
// named twice) 56 74 75 78 (up to version 4: 5).
import type { Complete } from "../../schema/message.ts";
import {
  EARLIEST,
  EARLIEST_LOCAL,
  LATEST,
  LATEST_TIERED,
  MAX_TIMESTAMP,
} from "../../service/log-service.ts";
import { listOffsets } from "../api/02-list-offsets.ts";
import type {
  ListOffsetsRequest,
  ListOffsetsRequestPartitions,
  ListOffsetsResponse,
  ListOffsetsResponsePartitions,
} from "../api/02-list-offsets.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { listOffsetsCode } from "../errors-table.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";
import { Lookups } from "../lookups.ts";

const READ_COMMITTED = 1;
const EARLIEST_PENDING_UPLOAD = -6;
const VERSION_OF: ReadonlyMap<number, number> = new Map([
  [LATEST, 1],
  [EARLIEST, 1],
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
  [EARLIEST_PENDING_UPLOAD, 11],
]);

export function listOffsetsHandler(context: HandlerContext): Handler {
  return responder(listOffsets, (request, call) => respond(context, request, call));
}

async function respond(
  context: HandlerContext,
  request: Complete<ListOffsetsRequest>,
  call: CallOf<ListOffsetsResponse>,
): Promise<ListOffsetsResponse> {
  const twice = namedTwice(request);
  const lookups = new Lookups(context.clock);
  const readCommitted = request.isolationLevel === READ_COMMITTED;
  const topics: { name: string; partitions: ListOffsetsResponsePartitions[] }[] = [];
  for (const { name, partitions } of request.topics) {
    const into: ListOffsetsResponsePartitions[] = [];
    topics.push({ name, partitions: into });
    for (let at = 0; at < partitions.length; at++) {
      const asked = partitions[at] as ListOffsetsRequestPartitions;
      const refusal = twice.has(keyOf(name, asked.partitionIndex))
        ? ErrorCode.INVALID_REQUEST
        : timestampCode(asked.timestamp, call.version);
      if (refusal !== ErrorCode.NONE) {
        into[at] = { partitionIndex: asked.partitionIndex, errorCode: call.refused(refusal) };
        continue;
      }
      // Nobody hears the answer.
      if (call.isOver) break;
      await lookups.run(async () => {
        into[at] = await lookUp(context, call, name, asked, readCommitted);
      });
    }
  }
  await lookups.finish();
  return { throttleTimeMs: 0, topics };
}

function timestampCode(timestamp: number, version: number): ErrorCode {
  if (timestamp >= 0) return ErrorCode.NONE;
  const from = VERSION_OF.get(timestamp) ?? Number.POSITIVE_INFINITY;
  return version >= from ? ErrorCode.NONE : ErrorCode.UNSUPPORTED_VERSION;
}

async function lookUp(
  context: HandlerContext,
  call: CallOf<ListOffsetsResponse>,
  name: string,
  asked: ListOffsetsRequestPartitions,
  readCommitted: boolean,
): Promise<ListOffsetsResponsePartitions> {
  const { partitionIndex: partition, currentLeaderEpoch, timestamp } = asked;
  const address = { name, topicId: null, partition };
  const wanted = timestamp === EARLIEST_PENDING_UPLOAD ? LATEST_TIERED : timestamp;
  const found = await context.log.offset(address, currentLeaderEpoch, wanted, readCommitted, call);
  if (!found.ok) {
    const errorCode = call.refused(listOffsetsCode(found.fault, call.version));
    return { partitionIndex: partition, errorCode };
  }
  const { offset, timestampMs, leaderEpoch } = found.value;
  const errorCode = ErrorCode.NONE;
  return { partitionIndex: partition, errorCode, timestamp: timestampMs, offset, leaderEpoch };
}

function keyOf(name: string, partition: number): string {
  return `${partition} ${name}`;
}

function namedTwice(request: Complete<ListOffsetsRequest>): ReadonlySet<string> {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex } of partitions) {
      const key = keyOf(name, partitionIndex);
      if (seen.has(key)) twice.add(key);
      seen.add(key);
    }
  }
  return twice;
}
