// The controller: group 0's record-and-response machine (C8). It puts the handlers together with the state they read
// and the codec of their records; the runtime around it is StateLog.
import { unreachable } from "../base/assert.ts";
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { LogIndex } from "../model/ids.ts";
import type { Decision, Machine } from "../statelog/machine.ts";
import { ClusterState } from "./cluster-state.ts";
import {
  allocateProducerIds,
  drainBroker,
  fenceBroker,
  foundCluster,
  registerBroker,
  removeBroker,
  setFeatureLevels,
  unfenceBroker,
} from "./controller-brokers.ts";
import { alterConfigs, alterConfigsIncrementally, setEntries } from "./controller-configs.ts";
import type { ControllerContext, ControllerEnvironment } from "./controller-context.ts";
import { refuse } from "./controller-context.ts";
import { placeReplicasAnew, replaceDirectory, settlePlacements } from "./controller-placements.ts";
import type { ControllerFault, ControllerReply, ControllerRequest } from "./controller-requests.ts";
import { createPartitions, createTopics, deleteTopics } from "./controller-topics.ts";
import { CONTROLLER_RECORD_CODEC } from "./record-codec.ts";
import type { ControllerRecord } from "./records.ts";
import { lengthRefusal } from "./request-limits.ts";

export type ControllerMachine = Machine<
  ClusterState,
  ControllerRequest,
  ControllerReply,
  ControllerFault,
  ControllerRecord
>;

type Outcome = Result<Decision<ControllerRecord, ControllerReply>, ControllerFault>;

export function controllerMachine(environment: ControllerEnvironment): ControllerMachine {
  return {
    empty: () => new ClusterState(),
    handle: (state, request, context) => handle(state, request, { ...environment, ...context }),
    apply: (state, record, undo) => state.apply(record, undo),
    codec: CONTROLLER_RECORD_CODEC,
  };
}

function handle(
  state: Readonly<ClusterState>,
  request: ControllerRequest,
  context: ControllerContext,
): Outcome {
  if (state.clusterId === null && request.kind !== "found-cluster" && request.kind !== "describe") {
    return refuse("not-founded", "The cluster has no id yet.");
  }
  const tooLong = lengthRefusal(request);
  if (tooLong !== null) return failed(tooLong);
  switch (request.kind) {
    case "found-cluster":
      return foundCluster(state, request, context);
    case "register-broker":
      return registerBroker(state, request, context);
    case "fence-broker":
      return fenceBroker(state, request, context);
    case "unfence-broker":
      return unfenceBroker(state, request, context);
    case "drain-broker":
      return drainBroker(state, request, context);
    case "remove-broker":
      return removeBroker(state, request, context);
    case "create-topics":
      return createTopics(state, request, context);
    case "delete-topics":
      return deleteTopics(state, request, context);
    case "create-partitions":
      return createPartitions(state, request, context);
    case "place-replicas":
      return placeReplicasAnew(state, request, context);
    case "settle-placements":
      return settlePlacements(state, request, context);
    case "replace-directory":
      return replaceDirectory(state, request, context);
    case "alter-configs":
      return alterConfigs(state, request, context);
    case "alter-configs-incrementally":
      return alterConfigsIncrementally(state, request, context);
    case "allocate-producer-ids":
      return allocateProducerIds(state, request, context);
    case "set-feature-levels":
      return setFeatureLevels(state, request, context);
    case "set-entries":
      return setEntries(state, request, context);
    case "describe-quorum":
      return describeQuorum(context);
    case "describe":
      return describe(state);
    default:
      return unreachable(request);
  }
}

function describeQuorum(context: ControllerContext): Outcome {
  const quorum = context.quorum?.();
  if (quorum === undefined) return refuse("invalid-request", "This controller has no quorum.");
  return ok({ records: [], reply: { kind: "describe-quorum", ...quorum } });
}

/** Its version is that of the entry it waited for; whoever answers fills it in (see controller-desk.ts). */
function describe(state: Readonly<ClusterState>): Outcome {
  const reply = { kind: "describe", version: 0 as LogIndex, clusterId: state.clusterId } as const;
  return ok({ records: [], reply });
}
