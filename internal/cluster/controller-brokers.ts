// Handlers of the cluster itself and its brokers: founding, registration, fencing, producer-id blocks, feature levels.
import type { Result } from "../base/result.ts";
import { ok } from "../base/result.ts";
import type { BrokerId, Incarnation } from "../model/ids.ts";
import { BROKER_ID_MAX } from "../config/addresses.ts";
import type { Broker, ClusterState } from "./cluster-state.ts";
import type { Handler } from "./controller-context.ts";
import { refuse } from "./controller-context.ts";
import type { ControllerFault, ControllerRequest } from "./controller-requests.ts";
import { FEATURES, FOUNDING_FEATURES } from "./features.ts";
import { ENDPOINTS_MAX, LABEL_CHARS_MAX, PRODUCER_ID_BLOCK } from "./limits.ts";
import { isId } from "./random-id.ts";
import type { BrokerRegistration, ControllerRecord } from "./records.ts";

/** The cluster id is the first record of group 0 (C1). Asked again, it answers the id there is. */
export const foundCluster: Handler<"found-cluster"> = (state, request) => {
  const kind = "found-cluster";
  if (state.clusterId !== null) {
    return ok({ records: [], reply: { kind, clusterId: state.clusterId } });
  }
  const { clusterId } = request;
  if (!isId(clusterId)) return refuse("invalid-request", "The cluster id is malformed.");
  const records: ControllerRecord[] = [{ kind: "cluster-founded", clusterId }];
  for (const [feature, level] of FOUNDING_FEATURES) {
    records.push({ kind: "feature-level-set", feature, level });
  }
  return ok({ records, reply: { kind, clusterId } });
};

export const registerBroker: Handler<"register-broker"> = (state, request) => {
  const refusal = registrationRefusal(state, request);
  if (refusal !== null) return refusal;
  const { kind, clusterId: _, ...registration } = request;
  const before = state.brokers.get(request.broker);
  if (before !== undefined && isSameRegistration(before, registration)) {
    return ok({ records: [], reply: { kind, fenced: before.fenced } });
  }
  const record: ControllerRecord = { kind: "broker-registered", ...registration };
  return ok({ records: [record], reply: { kind, fenced: true } });
};

function registrationRefusal(
  state: Readonly<ClusterState>,
  request: ControllerRequest<"register-broker">,
): ReturnType<typeof refuse> | null {
  const { broker, directory, incarnation, clusterId, endpoints } = request;
  if (clusterId !== state.clusterId) {
    return refuse("wrong-cluster", "The broker belongs to another cluster.");
  }
  if (!Number.isSafeInteger(broker) || broker < 1 || broker > BROKER_ID_MAX) {
    return refuse("invalid-request", `A broker id is from 1 to ${BROKER_ID_MAX}.`);
  }
  const names = new Set(endpoints.map((endpoint) => endpoint.listener));
  if (names.size !== endpoints.length || endpoints.length > ENDPOINTS_MAX) {
    return refuse("invalid-request", `Listeners have different names; at most ${ENDPOINTS_MAX}.`);
  }
  if (!isId(directory) || labels(request).some((label) => label.length > LABEL_CHARS_MAX)) {
    return refuse("invalid-request", "The directory id is malformed or a name is too long.");
  }
  const before = state.brokers.get(broker);
  if (before === undefined) return null;
  if (before.directory !== directory) {
    if (before.fenced) return null; // Its disk was replaced: a new directory takes the id over (F5).
    return refuse("duplicate-broker", `Broker ${broker} is alive with another data directory.`);
  }
  if (incarnation >= before.incarnation) return null;
  return refuse("stale-incarnation", "A later start of this data directory is registered.");
}

function labels(of: BrokerRegistration): readonly string[] {
  const endpoints = of.endpoints.flatMap(({ listener, host }) => [listener, host]);
  return [of.rack ?? "", of.host ?? "", ...endpoints];
}

function isSameRegistration(before: Broker, registration: BrokerRegistration): boolean {
  const { fenced: _fenced, draining: _draining, ...known } = before;
  return JSON.stringify(ordered(known)) === JSON.stringify(ordered(registration));
}

function ordered(of: BrokerRegistration): readonly unknown[] {
  const endpoints = of.endpoints.map(({ protocol, listener, tls, host, port }) => {
    return [protocol, listener, tls, host, port];
  });
  return [of.broker, of.directory, of.incarnation, of.rack, of.host, endpoints];
}

export const fenceBroker: Handler<"fence-broker"> = (state, request) => {
  const found = registered(state, request);
  if (!found.ok) return found;
  const { broker, incarnation } = request;
  const records: ControllerRecord[] = found.value.fenced
    ? []
    : [{ kind: "broker-fenced", broker, incarnation }];
  return ok({ records, reply: { kind: "fence-broker", fenced: true } });
};

export const unfenceBroker: Handler<"unfence-broker"> = (state, request) => {
  const found = registered(state, request);
  if (!found.ok) return found;
  const { broker, incarnation } = request;
  if (found.value.draining) {
    return refuse("stale-incarnation", "The broker is stopping: its next start is unfenced.");
  }
  const records: ControllerRecord[] = found.value.fenced
    ? [{ kind: "broker-unfenced", broker, incarnation }]
    : [];
  return ok({ records, reply: { kind: "unfence-broker", fenced: false } });
};

export const drainBroker: Handler<"drain-broker"> = (state, request) => {
  const found = registered(state, request);
  if (!found.ok) return found;
  const { kind, broker, incarnation } = request;
  const records: ControllerRecord[] = found.value.draining
    ? []
    : [{ kind: "broker-draining", broker, incarnation }];
  return ok({ records, reply: { kind, draining: true } });
};

/** The broker, if it is registered with just this incarnation. */
function registered(
  state: Readonly<ClusterState>,
  named: { readonly broker: BrokerId; readonly incarnation: Incarnation },
): Result<Broker, ControllerFault> {
  const broker = state.brokers.get(named.broker);
  if (broker === undefined) {
    return refuse("unknown-broker", `Broker ${named.broker} is not registered.`);
  }
  if (broker.incarnation === named.incarnation) return ok(broker);
  return refuse("stale-incarnation", "The broker is registered with another incarnation.");
}

export const removeBroker: Handler<"remove-broker"> = (state, { broker }) => {
  const known = state.brokers.get(broker);
  if (known === undefined) return refuse("unknown-broker", `Broker ${broker} is not registered.`);
  if (!known.fenced) return refuse("broker-in-use", `Broker ${broker} is alive: stop it first.`);
  const held = state.load(broker).replicas;
  if (held > 0) return refuse("broker-in-use", `Broker ${broker} still holds ${held} replicas.`);
  const reply = { kind: "remove-broker", broker } as const;
  return ok({ records: [{ kind: "broker-removed", broker }], reply });
};

export const allocateProducerIds: Handler<"allocate-producer-ids"> = (state, request) => {
  const found = registered(state, request);
  if (!found.ok) return found;
  const first = state.nextProducerId;
  const end = first + PRODUCER_ID_BLOCK;
  const { kind, broker } = request;
  const record: ControllerRecord = { kind: "producer-ids-allocated", broker, first, end };
  return ok({ records: [record], reply: { kind, first, end } });
};

export const setFeatureLevels: Handler<"set-feature-levels"> = (state, request) => {
  const records: ControllerRecord[] = [];
  const outcomes = request.features.map(({ feature, level, downgrade }) => {
    const kind = "invalid-feature-level";
    const levelMax = FEATURES.get(feature);
    if (levelMax === undefined) return refuse(kind, `There is no feature '${feature}'.`);
    if (!Number.isSafeInteger(level) || level < 0 || level > levelMax) {
      return refuse(kind, `Levels of '${feature}' are from 0 (off) to ${levelMax}.`);
    }
    const present = state.features.get(feature) ?? 0;
    if (level < present && !downgrade) return refuse(kind, "A downgrade must be asked for.");
    if (level !== present) records.push({ kind: "feature-level-set", feature, level });
    return ok(null);
  });
  const reply = { kind: "set-feature-levels", outcomes } as const;
  return ok({ records: request.validateOnly ? [] : records, reply });
};
