// The controller: group 0's record-and-response machine (C8). It puts the handlers together with the state they read
// and the codec of their records; the runtime around it is StateLog.
import { unreachable } from "../base/assert.ts";
import type { Failed, Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { LogIndex } from "../model/ids.ts";
import type { Decision, Machine } from "../statelog/machine.ts";
import type { Asker } from "./answered-requests.ts";
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
import { ANSWER_BYTES_MAX, ASKED_MAX } from "./limits.ts";
import type {
  ControllerFault,
  ControllerKind,
  ControllerReply,
  ControllerRequest,
} from "./controller-requests.ts";
import { createPartitions, createTopics, deleteTopics } from "./controller-topics.ts";
import { CONTROLLER_RECORD_CODEC } from "./record-codec.ts";
import type { ControllerRecord } from "./records.ts";
import { decodeReply, encodeReply } from "./request-codec.ts";
import { lengthRefusal } from "./request-limits.ts";

/** Without an asker: of this broker's own controller, which does not ask again but looks again. */
export type SubmittedRequest = ControllerRequest & { readonly asker?: Asker };

export type ControllerMachine = Machine<
  ClusterState,
  SubmittedRequest,
  ControllerReply,
  ControllerFault,
  ControllerRecord
>;

type Outcome = Result<Decision<ControllerRecord, ControllerReply>, ControllerFault>;

export function controllerMachine(environment: ControllerEnvironment): ControllerMachine {
  return {
    empty: () => new ClusterState(),
    handle: (state, request, context) => submitted(state, request, { ...environment, ...context }),
    apply: (state, record, undo) => state.apply(record, undo),
    codec: CONTROLLER_RECORD_CODEC,
  };
}

/** Carries a request out once, however often it is asked (C9). */
function submitted(
  state: Readonly<ClusterState>,
  { asker, ...rest }: SubmittedRequest,
  context: ControllerContext,
): Outcome {
  const request = rest as ControllerRequest;
  const isNumbered = asker !== undefined && !UNNUMBERED.has(request.kind);
  if (!isNumbered || context.faults?.repeats === true) return handle(state, request, context);
  const refusal = askerRefusal(state, asker);
  if (refusal !== null) return refusal;
  const { broker, sequence, floor } = asker;
  const known = state.answered.get(broker);
  if (sequence < (known?.floor ?? 0)) return refuse("outcome-unknown", "It was given up before.");
  const answered = known?.replies.get(sequence);
  if (answered !== undefined) return answeredBefore(answered);
  const outcome = handle(state, request, context);
  if (!outcome.ok || outcome.value.records.length === 0) return outcome;
  const { records, reply } = outcome.value;
  // Who removes itself is told so, and will not ask again.
  if (request.kind === "remove-broker" && request.broker === broker) return outcome;
  const bytes = encodeReply(0, request.kind, ok(reply));
  const kept = bytes.length <= ANSWER_BYTES_MAX ? bytes : null;
  const answer = { kind: "request-answered", broker, sequence, floor, reply: kept } as const;
  return ok({ records: [...records, answer], reply });
}

/** What they name says whether they were carried out; and before them, their asker is not known. */
const UNNUMBERED: ReadonlySet<ControllerKind> = new Set<ControllerKind>([
  "found-cluster",
  "register-broker",
  "describe",
  "describe-quorum",
]);

function askerRefusal(state: Readonly<ClusterState>, asker: Asker): Failed<ControllerFault> | null {
  const registered = state.brokers.get(asker.broker);
  const isKnown = registered?.directory === asker.directory;
  if (isKnown && asker.incarnation < registered.incarnation) {
    return refuse("stale-incarnation", "A later start of the asking broker is registered.");
  }
  // It asks again, until it is.
  if (!isKnown || asker.incarnation > registered.incarnation) {
    return refuse("not-leader", "The asking broker is not registered yet.");
  }
  const { sequence, floor } = asker;
  if (sequence >= floor && sequence - floor < ASKED_MAX) return null;
  return refuse("invalid-request", "The request is numbered wrongly.");
}

function answeredBefore(bytes: Uint8Array | null): Outcome {
  const kept = bytes === null ? null : decodeReply(bytes);
  if (kept?.outcome.ok === true) return ok({ records: [], reply: kept.outcome.value });
  return refuse("outcome-unknown", "It was carried out before; its answer was not kept.");
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
