// CreatePartitions, versions 0-3: raises the number of a topic's partitions to `count`.
//
// Errors per topic: 3 7 17 37 39 42 (named twice) 44 56.
import type { BrokerId } from "../../model/ids.ts";
import type { Complete } from "../../schema/message.ts";
import { createPartitions } from "../api/37-create-partitions.ts";
import type {
  CreatePartitionsRequest,
  CreatePartitionsRequestTopics,
  CreatePartitionsResponse,
  CreatePartitionsResponseResults,
} from "../api/37-create-partitions.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { adminCode } from "../errors-table.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";
import { repeatedKeys } from "../repeated.ts";

const REPEATED = "The request names this topic more than once.";

export function createPartitionsHandler(context: HandlerContext): Handler {
  return responder(createPartitions, (request, call) => respond(context, request, call));
}

async function respond(
  { cluster }: HandlerContext,
  request: Complete<CreatePartitionsRequest>,
  call: CallOf<CreatePartitionsResponse>,
): Promise<CreatePartitionsResponse> {
  const repeated = repeatedKeys(request.topics.map(({ name }) => name));
  const answers = new Map<string, CreatePartitionsResponseResults>();
  for (const { name } of request.topics) {
    const isRepeated = repeated.has(name);
    const errorCode = isRepeated ? ErrorCode.INVALID_REQUEST : ErrorCode.REQUEST_TIMED_OUT;
    answers.set(name, { name, errorCode, errorMessage: isRepeated ? REPEATED : null });
  }
  const wanted = request.topics.filter(({ name }) => !repeated.has(name));
  if (wanted.length > 0) {
    const outcomes = await cluster.createPartitions(
      wanted.map(newPartitions),
      request.validateOnly,
      Math.max(0, request.timeoutMs),
    );
    for (const { name, outcome } of outcomes) {
      const errorCode = outcome.ok ? ErrorCode.NONE : adminCode(outcome.fault);
      const errorMessage = outcome.ok ? null : outcome.fault.detail;
      answers.set(name, { name, errorCode, errorMessage });
    }
  }
  const results = [...answers.values()];
  for (const { errorCode } of results) if (errorCode !== ErrorCode.NONE) call.refused(errorCode);
  return { throttleTimeMs: 0, results };
}

function newPartitions({ name, count, assignments }: CreatePartitionsRequestTopics) {
  return {
    name,
    count,
    assignments: (assignments ?? []).map(({ brokerIds }) => brokerIds as readonly BrokerId[]),
  };
}
