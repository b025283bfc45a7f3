// Kafka's numbers for configs: resources, where a value comes from, and what type it has.
import type { BrokerId } from "../model/ids.ts";
import type { ConfigTarget, ConfigView } from "../service/cluster-service.ts";

export const CONFIG_RESOURCE = {
  topic: 2,
  broker: 4,
  brokerLogger: 8,
  clientMetrics: 16,
  group: 32,
} as const;

export const CONFIG_SOURCE = {
  topic: 1,
  "dynamic-broker": 2,
  "dynamic-default": 3,
  "static-broker": 4,
  default: 5,
  group: 8,
} as const satisfies Record<ConfigView["source"], number>;

export const CONFIG_TYPE = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  password: 9,
} as const satisfies Record<ConfigView["type"], number>;

/** What there is to say about resources that have no configs here, or no such name. */
export const NO_RESOURCE =
  "There are configs of topics (2), of brokers (4: an id, or no name for all of them) and of consumer groups (32).";

/**
 * The resource that a request names: a topic, one broker, (with the empty name) all brokers, or a consumer group. Null:
 * none that exists.
 */
export function configTarget(resourceType: number, name: string): ConfigTarget | null {
  if (resourceType === CONFIG_RESOURCE.topic) return { resource: "topic", name };
  if (resourceType === CONFIG_RESOURCE.group) {
    return name === "" ? null : { resource: "group", name };
  }
  if (resourceType !== CONFIG_RESOURCE.broker) return null;
  if (name === "") return { resource: "broker", broker: null };
  return /^\d{1,9}$/.test(name) ? { resource: "broker", broker: Number(name) as BrokerId } : null;
}

/** What is shown of a value: nothing of a secret one. */
export function shownValue({ value, isSensitive }: ConfigView): string | null {
  return isSensitive ? null : value;
}
