// Configs as clients see them: topic configs with their overrides, and broker settings under Kafka's names where Kafka has
// one, under our own otherwise.
import type { Settings } from "../config/settings.ts";
import { SETTING_NAMES, SETTINGS } from "../config/settings-table.ts";
import type { SettingName } from "../config/settings-table.ts";
import {
  minInsyncReplicas,
  TOPIC_CONFIG_NAMES,
  TOPIC_CONFIGS,
  topicConfig,
} from "../config/topic-configs.ts";
import type { TopicOverrides } from "../config/topic-configs.ts";
import type { BrokerId } from "../model/ids.ts";
import type { ConfigView } from "./cluster-service.ts";

/** All configs of a topic, sorted by name. */
export function topicConfigViews(overrides: TopicOverrides, factor: number): ConfigView[] {
  return TOPIC_CONFIG_NAMES.toSorted().map((name) => ({
    name,
    // P3: what counts without an override is the majority of the topic's own factor.
    value:
      name === "min.insync.replicas"
        ? String(minInsyncReplicas(overrides, factor))
        : topicConfig(overrides, name),
    readOnly: false,
    isSensitive: false,
    source: overrides.has(name) ? ("topic" as const) : ("default" as const),
    type: TOPIC_CONFIGS[name].type,
    doc: TOPIC_CONFIGS[name].doc,
  }));
}

interface DynamicValue {
  readonly name: string;
  readonly value: string;
}

/** All settings of a broker. `broker` null asks for the dynamic defaults of all brokers alone. */
export function brokerConfigViews(
  settings: Settings,
  own: readonly DynamicValue[],
  defaults: readonly DynamicValue[],
  broker: BrokerId | null,
): ConfigView[] {
  const dynamicDefaults = new Map(defaults.map(({ name, value }) => [name, value]));
  if (broker === null) {
    return [...dynamicDefaults].map(([name, value]) =>
      view(name, value, "dynamic-default", isSecret(name)),
    );
  }
  const dynamic = new Map(own.map(({ name, value }) => [name, value]));
  return SETTING_NAMES.toSorted().map((name) => {
    const given = dynamic.get(name);
    if (given !== undefined) return view(name, given, "dynamic-broker", isSecret(name));
    const fallback = dynamicDefaults.get(name);
    if (fallback !== undefined) return view(name, fallback, "dynamic-default", isSecret(name));
    const source = settings.origin(name) === "default" ? "default" : "static-broker";
    return view(name, settings.show(name), source, isSecret(name));
  });
}

function isSecret(name: string): boolean {
  return (SETTINGS as Record<string, { secret?: boolean }>)[name]?.secret === true;
}

function view(
  name: string,
  value: string,
  source: ConfigView["source"],
  isSensitive: boolean,
): ConfigView {
  const doc = SETTINGS[name as SettingName]?.doc ?? "";
  const shown = isSensitive ? null : value;
  return { name, value: shown, readOnly: true, isSensitive, source, type: "string", doc };
}
