// DeleteTopics, versions 1-6: by name, in version 6 by name or id.
//
// Behaviour: the controller deletes the topics, wherever it is (C3).
//
// Errors per topic: 3 7 42 (named twice, or by name and id, or by neither) 56 100.
import type { TopicId } from "../../model/ids.ts";
import type { Complete } from "../../schema/message.ts";
import { deleteTopics } from "../api/20-delete-topics.ts";
import type {
  DeleteTopicsRequest,
  DeleteTopicsRequestTopics,
  DeleteTopicsResponse,
  DeleteTopicsResponseResponses,
} from "../api/20-delete-topics.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { adminCode } from "../errors-table.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";
import { repeatedKeys } from "../repeated.ts";

const IDS_FROM = 6;
const NO_ID = "" as TopicId;
const REPEATED = "The request names this topic more than once.";
const NOT_ONE = "A topic is named, or identified, and not both.";

export function deleteTopicsHandler(context: HandlerContext): Handler {
  return responder(deleteTopics, (request, call) => respond(context, request, call));
}

async function respond(
  { cluster }: HandlerContext,
  request: Complete<DeleteTopicsRequest>,
  call: CallOf<DeleteTopicsResponse>,
): Promise<DeleteTopicsResponse> {
  const asked: readonly DeleteTopicsRequestTopics[] =
    call.version >= IDS_FROM
      ? request.topics
      : request.topicNames.map((name) => ({ name, topicId: NO_ID }));
  const repeated = repeatedKeys(asked.map(keyOf));
  const responses: DeleteTopicsResponseResponses[] = [];
  const places: number[] = [];
  for (const topic of asked) {
    const { name, topicId } = topic;
    const refusal = repeated.has(keyOf(topic)) ? REPEATED : notOne(topic);
    if (refusal === null) places.push(responses.length);
    responses.push({ name, topicId, errorCode: ErrorCode.INVALID_REQUEST, errorMessage: refusal });
  }
  if (places.length > 0) {
    const wanted = places.map((place) => asked[place] as DeleteTopicsRequestTopics);
    const outcomes = await cluster.deleteTopics(
      wanted.map(({ name, topicId }) => ({ name, topicId: topicId === NO_ID ? null : topicId })),
      Math.max(0, request.timeoutMs),
    );
    outcomes.forEach(({ name, topicId, outcome }, index) => {
      const place = places[index];
      if (place === undefined) return;
      responses[place] = {
        name: name ?? (asked[place] as DeleteTopicsRequestTopics).name,
        topicId: topicId ?? NO_ID,
        errorCode: outcome.ok ? ErrorCode.NONE : adminCode(outcome.fault),
        errorMessage: outcome.ok ? null : outcome.fault.detail,
      };
    });
  }
  for (const { errorCode } of responses) if (errorCode !== ErrorCode.NONE) call.refused(errorCode);
  return { throttleTimeMs: 0, responses };
}

function notOne({ name, topicId }: DeleteTopicsRequestTopics): string | null {
  return (name === null) === (topicId === NO_ID) ? NOT_ONE : null;
}

function keyOf({ name, topicId }: DeleteTopicsRequestTopics): string {
  return topicId === NO_ID ? `name ${name}` : `id ${topicId}`;
}
