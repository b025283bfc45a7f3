// InitProducerId, versions 0-5, for idempotent producers.
//
// Behaviour: without a transactional id, a producer id that nobody else ever gets, with epoch 0; what the client says of
// an earlier id is ignored. Any broker answers.
//
// Errors: 14 while no id can be had (the clients ask again at this broker); 42 for an empty transactional id; 15 for any
// other, because there is no transaction coordinator yet: clients then look for one.
import type { Complete } from "../../schema/message.ts";
import { initProducerId } from "../api/22-init-producer-id.ts";
import type { InitProducerIdRequest, InitProducerIdResponse } from "../api/22-init-producer-id.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";
import { PRODUCER_ID_MS_MAX } from "../limits.ts";

export function initProducerIdHandler(context: HandlerContext): Handler {
  return responder(initProducerId, (request, call) => respond(context, request, call));
}

async function respond(
  context: HandlerContext,
  { transactionalId }: Complete<InitProducerIdRequest>,
  call: CallOf<InitProducerIdResponse>,
): Promise<InitProducerIdResponse> {
  const refuse = (code: ErrorCode): InitProducerIdResponse => {
    return { errorCode: call.refused(code), producerId: -1, producerEpoch: -1 };
  };
  if (transactionalId === "") return refuse(ErrorCode.INVALID_REQUEST);
  if (transactionalId !== null) return refuse(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  const allocated = await context.cluster.allocateProducerId(PRODUCER_ID_MS_MAX);
  if (!allocated.ok) return refuse(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  return { errorCode: ErrorCode.NONE, producerId: allocated.value, producerEpoch: 0 };
}
