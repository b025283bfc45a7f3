// FindCoordinator, versions 0-6: one key up to version 3, several from 4 on.
//
// Behaviour: this broker has no coordinators yet, so groups and transactional ids get COORDINATOR_NOT_AVAILABLE, after
// which clients ask again. Key types that are neither are INVALID_REQUEST.
//
// Errors: 15 42; at the top up to version 3, per key from 4 on.
import type { Complete } from "../../schema/message.ts";
import { findCoordinator } from "../api/10-find-coordinator.ts";
import type {
  FindCoordinatorRequest,
  FindCoordinatorResponse,
} from "../api/10-find-coordinator.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { responder } from "../handler.ts";
import type { Handler } from "../handler.ts";

const GROUP = 0;
const TRANSACTION = 1;
const SEVERAL_KEYS_FROM = 4;
const NOWHERE = { nodeId: -1, host: "", port: -1 };

export function findCoordinatorHandler(): Handler {
  return responder(findCoordinator, respond);
}

function respond(
  request: Complete<FindCoordinatorRequest>,
  call: CallOf<FindCoordinatorResponse>,
): FindCoordinatorResponse {
  const { keyType } = request;
  const isKnown = keyType === GROUP || keyType === TRANSACTION;
  const code = isKnown ? ErrorCode.COORDINATOR_NOT_AVAILABLE : ErrorCode.INVALID_REQUEST;
  if (call.version < SEVERAL_KEYS_FROM) return { errorCode: call.refused(code), ...NOWHERE };
  const coordinators = request.coordinatorKeys.map((key) => {
    return { key, ...NOWHERE, errorCode: call.refused(code), errorMessage: null };
  });
  return { throttleTimeMs: 0, coordinators };
}
