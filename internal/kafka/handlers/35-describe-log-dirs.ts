// DescribeLogDirs, versions 1-4: what this broker stores, partition by partition.
//
// Behaviour: a broker has one directory. Null topics ask for everything in it; replicas that are not here are left out,
// and so is what the request names again. Bytes are those of record batches and of Raft's own entries. Space (4+) is that
// of the file system. A replica that is being moved into another directory does not exist here.
//
// Errors: 56 for the directory when its disk does not answer.
import type { Complete } from "../../schema/message.ts";
import type { StoredReplica } from "../../service/inspection-service.ts";
import { describeLogDirs } from "../api/35-describe-log-dirs.ts";
import type {
  DescribeLogDirsRequest,
  DescribeLogDirsResponse,
  DescribeLogDirsResponsePartitions,
} from "../api/35-describe-log-dirs.ts";
import { Breather } from "../breather.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";

export function describeLogDirsHandler(context: HandlerContext): Handler {
  return responder(describeLogDirs, (request, call) => respond(context, request, call));
}

async function respond(
  { inspection, clock }: HandlerContext,
  request: Complete<DescribeLogDirsRequest>,
  call: CallOf<DescribeLogDirsResponse>,
): Promise<DescribeLogDirsResponse> {
  const { path, space } = await inspection.directory();
  const breather = new Breather(clock);
  const topics = new Map<string, DescribeLogDirsResponsePartitions[]>();
  const replicas =
    request.topics === null
      ? inspection.storedReplicas(null)
      : wanted(request.topics, (topic, partition) => inspection.storedReplica(topic, partition));
  for (const replica of replicas) {
    const pause = breather.tick();
    if (pause !== null) await pause;
    if (replica === null) continue;
    const { topic, partition: partitionIndex, bytes: partitionSize, offsetLag } = replica;
    const into = topics.get(topic) ?? [];
    topics.set(topic, into);
    into.push({ partitionIndex, partitionSize, offsetLag, isFutureKey: false });
  }
  const isSound = space !== null;
  const result = {
    errorCode: isSound ? ErrorCode.NONE : call.refused(ErrorCode.KAFKA_STORAGE_ERROR),
    logDir: path,
    topics: [...topics].map(([name, partitions]) => ({ name, partitions })),
    totalBytes: space?.totalBytes ?? -1,
    usableBytes: space?.usableBytes ?? -1,
    isCordoned: false,
  };
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, results: [result] };
}

function* wanted(
  topics: NonNullable<Complete<DescribeLogDirsRequest>["topics"]>,
  find: (topic: string, partition: number) => StoredReplica | null,
): Iterable<StoredReplica | null> {
  const seen = new Set<string>();
  for (const { topic, partitions } of topics) {
    for (const partition of partitions) {
      const key = `${partition} ${topic}`;
      yield seen.has(key) ? null : find(topic, partition);
      seen.add(key);
    }
  }
}
