// Configs as clients see them: of topics and groups with their overrides, and of a broker, whose settings also stand under
// the names that Kafka gives them. Numbers are plain, whatever unit a person wrote.
import type { GroupOverrides } from "../config/group-configs.ts";
import { GROUP_CONFIG_NAMES, GROUP_CONFIGS } from "../config/group-configs.ts";
import { KAFKA_NAMES } from "../config/kafka-names.ts";
import type { DynamicValue, LiveSettings } from "../config/live-settings.ts";
import type { Setting } from "../config/setting.ts";
import { SETTING_NAMES, SETTINGS } from "../config/settings-table.ts";
import type { SettingName } from "../config/settings-table.ts";
import {
  BROKER_DEFAULTS,
  minInsyncReplicas,
  TOPIC_CONFIG_NAMES,
  TOPIC_CONFIGS,
} from "../config/topic-configs.ts";
import type { TopicConfigName, TopicOverrides } from "../config/topic-configs.ts";
import type { ConfigSynonym, ConfigView } from "./cluster-service.ts";

/** What was set through the cluster for this broker, and for all. */
export interface BrokerValues {
  readonly settings: LiveSettings;
  readonly own: readonly DynamicValue[];
  readonly forAll: readonly DynamicValue[];
}

/** All configs of a topic, sorted by name. */
export function topicConfigViews(
  overrides: TopicOverrides,
  factor: number,
  broker: BrokerValues,
): ConfigView[] {
  return TOPIC_CONFIG_NAMES.toSorted().map((name) => {
    const given = overrides.get(name);
    const own: ConfigSynonym[] =
      given === undefined ? [] : [{ name, value: given, source: "topic" }];
    const synonyms = [...own, ...topicDefaults(name, factor, broker)];
    const { type, doc } = TOPIC_CONFIGS[name];
    // P3: below the majority of the topic's own factor a value is kept and has no effect.
    const value =
      name === "min.insync.replicas" ? String(minInsyncReplicas(overrides, factor)) : null;
    return view({ name, readOnly: false, isSensitive: false, type, doc }, synonyms, value);
  });
}

function topicDefaults(
  name: TopicConfigName,
  factor: number,
  broker: BrokerValues,
): readonly ConfigSynonym[] {
  const setting = (BROKER_DEFAULTS as Partial<Record<TopicConfigName, SettingName>>)[name];
  if (setting !== undefined) return settingValues(setting, broker);
  const value =
    name === "min.insync.replicas"
      ? String(minInsyncReplicas(new Map(), factor))
      : TOPIC_CONFIGS[name].fallback;
  return [{ name, value, source: "default" }];
}

/** All configs of a consumer group, sorted by name. */
export function groupConfigViews(overrides: GroupOverrides, broker: BrokerValues): ConfigView[] {
  return GROUP_CONFIG_NAMES.toSorted().map((name) => {
    const { setting, doc } = GROUP_CONFIGS[name];
    const given = overrides.find((config) => config.name === name);
    const own: ConfigSynonym[] =
      given === undefined ? [] : [{ name, value: given.value, source: "group" }];
    const synonyms = [...own, ...settingValues(setting, broker)];
    return view({ name, readOnly: false, isSensitive: false, type: "int", doc }, synonyms);
  });
}

/** What is set for all brokers, and nothing else. */
export function brokerDefaultViews(forAll: readonly DynamicValue[]): ConfigView[] {
  return forAll.flatMap(({ name, value }) => {
    if (!isKnown(name)) return [];
    const synonyms = [{ name, value: plain(name, value), source: "dynamic-default" as const }];
    return namesOf(name).map((shown) => view(settingFacts(shown, name), synonyms));
  });
}

/** Its own and Kafka's. */
function namesOf(name: SettingName): readonly string[] {
  const others = Object.entries(KAFKA_NAMES).filter(([, setting]) => setting === name);
  return [name, ...others.map(([kafka]) => kafka)];
}

/** All settings of this broker, sorted by name. */
export function brokerConfigViews(broker: BrokerValues): ConfigView[] {
  return SETTING_NAMES.flatMap((name) => namesOf(name).map((shown) => [shown, name] as const))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([shown, name]) => view(settingFacts(shown, name), settingValues(name, broker)));
}

type Facts = Pick<ConfigView, "name" | "readOnly" | "isSensitive" | "type" | "doc">;

function settingFacts(shown: string, name: SettingName): Facts {
  const { change, secret, doc } = SETTINGS[name];
  const readOnly = change === "restart" || change === "never";
  const about = shown === name ? doc : `Kafka's name of ${name}. ${doc}`;
  return { name: shown, readOnly, isSensitive: secret, type: typeOf(name), doc: about };
}

function typeOf(name: SettingName): ConfigView["type"] {
  const { form, secret } = SETTINGS[name] as Setting<unknown>;
  if (secret) return "password";
  if (form === "duration" || form === "bytes") return "long";
  if (form === "number") return "int";
  return form === "true | false" ? "boolean" : "string";
}

function settingValues(
  name: SettingName,
  { settings, own, forAll }: BrokerValues,
): readonly ConfigSynonym[] {
  const found: ConfigSynonym[] = [];
  const add = (value: string | undefined, source: ConfigSynonym["source"]): void => {
    if (value !== undefined) found.push({ name, value: plain(name, value), source });
  };
  add(own.find((row) => row.name === name)?.value, "dynamic-broker");
  add(forAll.find((row) => row.name === name)?.value, "dynamic-default");
  if (settings.base.origin(name) !== "default") add(settings.base.show(name), "static-broker");
  const setting = SETTINGS[name] as Setting<unknown>;
  add(setting.show(setting.fallback), "default");
  return found;
}

/** A quantity without its unit. */
function plain(name: SettingName, written: string): string {
  const parsed = (SETTINGS[name] as Setting<unknown>).parse(written);
  return parsed.ok && typeof parsed.value === "number" ? String(parsed.value) : written;
}

function isKnown(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

function view(
  facts: Facts,
  synonyms: readonly ConfigSynonym[],
  inForce: string | null = null,
): ConfigView {
  const [first] = synonyms;
  const shown = facts.isSensitive
    ? synonyms.map((synonym) => ({ ...synonym, value: null }))
    : synonyms;
  const value = facts.isSensitive ? null : (inForce ?? first?.value ?? null);
  return { ...facts, value, source: first?.source ?? "default", synonyms: shown };
}
