// FindCoordinator, versions 0-6: one key up to version 3, several from 4 on.
//
// Behaviour: a group's coordinator leads the partition of __consumer_offsets that the group's name hashes to; the first
// question makes that topic. Transactional ids have no coordinator yet, so they get COORDINATOR_NOT_AVAILABLE, after
// which clients ask again. Key types that are neither are INVALID_REQUEST.
//
// Errors: 15 24 42; at the top up to version 3, per key from 4 on.
import type { Complete } from "../../schema/message.ts";
import { findCoordinator } from "../api/10-find-coordinator.ts";
import type {
  FindCoordinatorRequest,
  FindCoordinatorResponse,
  FindCoordinatorResponseCoordinators,
} from "../api/10-find-coordinator.ts";
import { Breather } from "../breather.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { groupCode } from "../errors-table.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";
import { COORDINATOR_MS_MAX } from "../limits.ts";

const GROUP = 0;
const TRANSACTION = 1;
const SEVERAL_KEYS_FROM = 4;
const NOWHERE = { nodeId: -1, host: "", port: -1 };

export function findCoordinatorHandler(context: HandlerContext): Handler {
  return responder(findCoordinator, (request, call) => respond(context, request, call));
}

async function respond(
  context: HandlerContext,
  { keyType, key, coordinatorKeys }: Complete<FindCoordinatorRequest>,
  call: CallOf<FindCoordinatorResponse>,
): Promise<FindCoordinatorResponse> {
  // All keys wait for the same topic, so they share the time.
  const untilMs = context.clock.upMs() + COORDINATOR_MS_MAX;
  if (call.version < SEVERAL_KEYS_FROM) {
    const { key: _key, ...found } = await find(context, key, keyType, untilMs);
    return { throttleTimeMs: 0, ...found, errorCode: call.refused(found.errorCode) };
  }
  const breather = new Breather(context.clock);
  const coordinators: FindCoordinatorResponseCoordinators[] = [];
  for (const one of coordinatorKeys) {
    const pause = breather.tick();
    if (pause !== null) await pause;
    const found = await find(context, one, keyType, untilMs);
    call.refused(found.errorCode);
    coordinators.push(found);
  }
  return { throttleTimeMs: 0, coordinators };
}

async function find(
  { groups, cluster, options, clock }: HandlerContext,
  key: string,
  keyType: number,
  untilMs: number,
): Promise<FindCoordinatorResponseCoordinators> {
  const refuse = (errorCode: ErrorCode) => ({ key, ...NOWHERE, errorCode, errorMessage: null });
  if (keyType === TRANSACTION) return refuse(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  if (keyType !== GROUP) return refuse(ErrorCode.INVALID_REQUEST);
  const found = await groups.coordinatorOf(key, Math.max(0, untilMs - clock.upMs()));
  if (!found.ok) return refuse(groupCode(found.fault));
  const at = cluster.brokers(options.listener, false).find(({ broker }) => broker === found.value);
  if (at === undefined) return refuse(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  const { broker: nodeId, host, port } = at;
  return { key, nodeId, host, port, errorCode: ErrorCode.NONE, errorMessage: null };
}
