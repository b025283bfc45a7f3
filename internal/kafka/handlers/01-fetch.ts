// Fetch, versions 4-18, with incremental fetch sessions from version 7 on (fetch-sessions.ts).
//
// Behaviour: one fetch of a connection is under way at a time; it waits at the log service until there is enough to
// answer. Records are sent as slices of the log, which are given back when the system has taken the last of them.
// Followers may answer versions that know preferred replicas, 11 and later (P8).
//
// Errors: top level 70 71 106; per partition 1 3 6 29 56 (up to version 5: 6) 74 75 76 78 100 (13). While a new leader
// does not know its high watermark the fetch is held, then answered with OFFSET_NOT_AVAILABLE (F7). Version 16 and later
// are told the leader with 6 and 74.
//
// Deliberate differences: Kafka's own followers (replica ids from 0) are refused with TOPIC_AUTHORIZATION_FAILED; there is
// never a preferred replica; records are never null; zstd is refused below version 10 by looking at the batches, so a
// consumer is stopped at the first of them and not by the topic's config.
import type { FetchedPartition } from "../../service/log-service.ts";
import type { Fetched } from "../../service/log-service.ts";
import type { Complete } from "../../schema/message.ts";
import { fetch } from "../api/01-fetch.ts";
import type { FetchRequest, FetchResponse, FetchResponsePartitions } from "../api/01-fetch.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { FetchAnswer } from "../fetch-answer.ts";
import type { FetchPlan } from "../fetch-sessions.ts";
import { handler } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";

type FetchCall = CallOf<FetchResponse>;

const TOPIC_IDS_FROM = 13;
const FOLLOWERS_FROM = 11;
const READ_COMMITTED = 1;
const NO_SESSION = 0;

export function fetchHandler(context: HandlerContext): Handler {
  const isSerial = true;
  return handler(fetch, (call, request) => serve(context, call, request), isSerial);
}

function serve(context: HandlerContext, call: FetchCall, request: Complete<FetchRequest>): void {
  if (request.replicaId >= 0 || request.replicaState.replicaId >= 0) {
    call.answer(refusedFollower(call, request));
    return;
  }
  const { sessions, options, log } = context;
  const plan = sessions.begin(request, call.version >= TOPIC_IDS_FROM);
  if ("refusal" in plan) {
    const errorCode = call.refused(plan.refusal);
    call.answer({ throttleTimeMs: 0, errorCode, sessionId: NO_SESSION, responses: [] });
    return;
  }
  const bytesMax = Math.min(Math.max(0, request.maxBytes), options.fetchBytesMax);
  const cancel = log.fetch(
    {
      partitions: plan.partitions,
      waitMsMax: Math.max(0, request.maxWaitMs),
      bytesMin: Math.min(Math.max(0, request.minBytes), bytesMax),
      bytesMax,
      readCommitted: request.isolationLevel === READ_COMMITTED,
      allowsFollower: call.version >= FOLLOWERS_FROM,
    },
    (fetched) => {
      try {
        answer(context, call, request, plan, fetched);
      } catch (error) {
        call.fatal(error);
      }
    },
  );
  if (call.state !== "running") return;
  call.onDrop = () => {
    cancel();
    sessions.abandon(plan);
  };
}

function answer(
  context: HandlerContext,
  call: FetchCall,
  request: Complete<FetchRequest>,
  plan: FetchPlan,
  fetched: Fetched,
): void {
  if (call.isOver) {
    fetched.release();
    return;
  }
  const { sessionId, told } = context.sessions.finish(plan, fetched.partitions);
  const isCommitted = request.isolationLevel === READ_COMMITTED;
  const building = new FetchAnswer(call, isCommitted);
  let bytes = 0;
  const count = told?.length ?? plan.partitions.length;
  for (let k = 0; k < count; k++) {
    const at = told === null ? k : (told[k] as number);
    const result = fetched.partitions[at] as FetchedPartition;
    bytes += result.bytes;
    building.add(plan.partitions[at] as (typeof plan.partitions)[number], result);
  }
  const body = building.body(sessionId, context.cluster, context.options.listener);
  if (bytes > 0) {
    call.answer(body, () => fetched.release());
    return;
  }
  call.answer(body);
  fetched.release();
}

function refusedFollower(call: FetchCall, request: Complete<FetchRequest>): FetchResponse {
  const responses = request.topics.map(({ topic, topicId, partitions }) => ({
    topic,
    topicId,
    partitions: partitions.map(({ partition }): FetchResponsePartitions => ({
      partitionIndex: partition,
      errorCode: call.refused(ErrorCode.TOPIC_AUTHORIZATION_FAILED),
      highWatermark: -1,
      records: null,
    })),
  }));
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, sessionId: NO_SESSION, responses };
}
