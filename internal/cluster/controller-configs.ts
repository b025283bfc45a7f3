// Handlers of configs (topics and dynamic broker configs) and of the opaque tables. What a name or value means is not
// known here: the rules come with the context. A record carries the whole set of overrides that holds afterwards.
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { ClusterState } from "./cluster-state.ts";
import type { ConfigRules, ControllerContext, Handler } from "./controller-context.ts";
import { refuse } from "./controller-context.ts";
import type { ConfigChange, ConfigResource, ControllerFault } from "./controller-requests.ts";
import { configsRefusal, overrides, topicRules } from "./overrides.ts";
import {
  CONFIGURED_GROUPS_MAX,
  ENTRY_KEY_CHARS_MAX,
  ENTRY_ROWS_MAX,
  ENTRY_VALUE_BYTES_MAX,
  GROUP_NAME_CHARS_MAX,
} from "./limits.ts";
import type { ConfigEntry, ControllerRecord } from "./records.ts";

type Overrides = readonly ConfigEntry[];
type Named = readonly { readonly name: string }[];

export const alterConfigs: Handler<"alter-configs"> = (state, request, context) => {
  const resources = request.resources.map(({ of, configs }) => ({ of, named: configs, configs }));
  const { records, outcomes } = alter(state, context, resources, ({ configs }, _, rules) =>
    ok(overrides(configs.map((config) => recorded(config, rules)))),
  );
  const reply = { kind: "alter-configs", outcomes } as const;
  return ok({ records: request.validateOnly ? [] : records, reply });
};

export const alterConfigsIncrementally: Handler<"alter-configs-incrementally"> = (
  state,
  request,
  context,
) => {
  const resources = request.resources.map(({ of, changes }) => ({ of, named: changes, changes }));
  const { records, outcomes } = alter(state, context, resources, ({ changes }, present, rules) =>
    changed(present, changes, rules),
  );
  const reply = { kind: "alter-configs-incrementally", outcomes } as const;
  return ok({ records: request.validateOnly ? [] : records, reply });
};

/** The frame of both: finds the resource, computes the new set, checks it as a whole, and records it if it differs. */
function alter<R extends { readonly of: ConfigResource; readonly named: Named }>(
  state: Readonly<ClusterState>,
  context: ControllerContext,
  resources: readonly R[],
  next: (resource: R, present: Overrides, rules: ConfigRules) => Result<Overrides, ControllerFault>,
): { records: ControllerRecord[]; outcomes: Result<null, ControllerFault>[] } {
  const records: ControllerRecord[] = [];
  const seen = new Set<string>();
  const outcomes = resources.map((resource): Result<null, ControllerFault> => {
    const key = JSON.stringify(resource.of);
    if (seen.has(key)) return refuse("invalid-request", "A resource is named more than once.");
    seen.add(key);
    const found = lookUp(state, context, resource.of);
    if (!found.ok) return found;
    const { present, rules, record } = found.value;
    const names = new Set(resource.named.map(({ name }) => rules.recordedAs?.(name) ?? name));
    if (names.size !== resource.named.length) {
      return refuse("invalid-request", "A config is named more than once.");
    }
    const after = next(resource, present, rules);
    if (!after.ok) return after;
    const refusal = configsRefusal(after.value, rules);
    if (refusal !== null) return failed(refusal);
    if (!isSameSet(present, after.value)) records.push(record(after.value));
    return ok(null);
  });
  return { records, outcomes };
}

interface Found {
  readonly present: Overrides;
  readonly rules: ConfigRules;
  record(configs: Overrides): ControllerRecord;
}

function lookUp(
  state: Readonly<ClusterState>,
  context: ControllerContext,
  of: ConfigResource,
): Result<Found, ControllerFault> {
  if (of.resource === "topic") {
    const topic = state.topicNamed(of.name);
    if (topic === null) return refuse("unknown-topic", `There is no topic '${of.name}'.`);
    const { topicId, configs: present } = topic;
    const record = (configs: Overrides): ControllerRecord => {
      return { kind: "topic-configs-set", topicId, configs };
    };
    return ok({ present, rules: topicRules(topic.name, context.topicConfigs), record });
  }
  if (of.resource === "group") return lookUpGroup(state, context, of.name);
  const { broker } = of;
  if (broker !== null && !state.brokers.has(broker)) {
    return refuse("unknown-broker", `Broker ${broker} is not registered.`);
  }
  const present = state.brokerConfigSets.get(broker) ?? [];
  const record = (configs: Overrides): ControllerRecord => {
    return { kind: "broker-configs-set", broker, configs };
  };
  const forAll = context.brokerDefaultConfigs ?? context.brokerConfigs;
  return ok({ present, rules: broker === null ? forAll : context.brokerConfigs, record });
}

function lookUpGroup(
  state: Readonly<ClusterState>,
  context: ControllerContext,
  group: string,
): Result<Found, ControllerFault> {
  const rules = context.groupConfigs;
  if (rules === undefined) return refuse("invalid-request", "Groups have no configs here.");
  if (group === "" || group.length > GROUP_NAME_CHARS_MAX) {
    return refuse("invalid-request", "The name of the group is empty or too long.");
  }
  const present = state.groupConfigSets.get(group);
  if (present === undefined && state.groupConfigSets.size >= CONFIGURED_GROUPS_MAX) {
    return refuse("invalid-request", `At most ${CONFIGURED_GROUPS_MAX} groups have configs.`);
  }
  const record = (configs: Overrides): ControllerRecord => {
    return { kind: "group-configs-set", group, configs };
  };
  return ok({ present: present ?? [], rules, record });
}

function recorded<T extends { readonly name: string }>(config: T, rules: ConfigRules): T {
  return { ...config, name: rules.recordedAs?.(config.name) ?? config.name };
}

function isSameSet(a: Overrides, b: Overrides): boolean {
  const same = (config: ConfigEntry, at: number): boolean =>
    config.name === b[at]!.name && config.value === b[at]!.value;
  return a.length === b.length && a.every(same);
}

function changed(
  present: Overrides,
  changes: readonly ConfigChange[],
  rules: ConfigRules,
): Result<Overrides, ControllerFault> {
  const next = new Map(present.map(({ name, value }) => [name, value]));
  for (const change of changes) {
    const { name, operation, value } = recorded(change, rules);
    if (operation === "delete") {
      next.delete(name);
      continue;
    }
    if (value === null) return refuse("invalid-config", `${name}: a value is needed.`);
    if (operation === "set") {
      next.set(name, value);
      continue;
    }
    const fallback = rules.listDefault(name);
    if (fallback === null) return refuse("invalid-config", `${name}: it is not a list.`);
    const held = next.has(name) ? listOf(next.get(name)!) : fallback;
    const items = listOf(value);
    const kept = held.filter((item) => !items.includes(item));
    next.set(name, [...(operation === "append" ? [...kept, ...items] : kept)].join(","));
  }
  return ok(overrides([...next].map(([name, value]) => ({ name, value }))));
}

function listOf(value: string): readonly string[] {
  const items = value.split(",").map((item) => item.trim());
  return items.filter((item) => item !== "");
}

/** All rows are changed or none. */
export const setEntries: Handler<"set-entries"> = (state, request) => {
  const { kind, space, changes } = request;
  const rows = state.entries(space);
  let added = 0;
  for (const { key, value } of changes) {
    if (key.length > ENTRY_KEY_CHARS_MAX || (value?.length ?? 0) > ENTRY_VALUE_BYTES_MAX) {
      return refuse("invalid-request", "A row is too long.");
    }
    if (value !== null && !rows.has(key)) added++;
  }
  if (new Set(changes.map((change) => change.key)).size !== changes.length) {
    return refuse("invalid-request", "A row is named more than once.");
  }
  if (rows.size + added > ENTRY_ROWS_MAX) {
    return refuse("invalid-request", `A table has at most ${ENTRY_ROWS_MAX} rows.`);
  }
  const effective = changes.filter(({ key, value }) => value !== null || rows.has(key));
  const records = effective.map(({ key, value }): ControllerRecord => {
    return { kind: "entry-set", space, key, value };
  });
  return ok({ records, reply: { kind, changed: records.length } });
};
