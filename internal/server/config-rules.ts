// Which configs the controller lets clients set: the topic configs of P9, the settings of brokers that may change
// while they run, and the configs of consumer groups.
import type { ConfigRules } from "../cluster/controller-context.ts";
import { messageBytesLimit } from "../config/contradictions.ts";
import { groupConfigRefusal } from "../config/group-configs.ts";
import { settingNamed } from "../config/kafka-names.ts";
import { dynamicRefusal } from "../config/live-settings.ts";
import type { DynamicScope } from "../config/live-settings.ts";
import type { Settings } from "../config/settings.ts";
import {
  describeTopicConfigFault,
  isTopicConfigName,
  TOPIC_CONFIGS,
  validateTopicConfig,
} from "../config/topic-configs.ts";

export function topicConfigRules(settings: Settings): ConfigRules {
  const limits = { messageBytesMax: messageBytesLimit(settings) };
  return {
    refusal(configs) {
      for (const [name, value] of configs) {
        const checked = validateTopicConfig(name, value, limits);
        if (!checked.ok) return `${describeTopicConfigFault(checked.fault)}.`;
      }
      return null;
    },
    listDefault(name) {
      if (!isTopicConfigName(name) || TOPIC_CONFIGS[name].type !== "list") return null;
      const { fallback } = TOPIC_CONFIGS[name];
      return fallback === "" ? [] : fallback.split(",");
    },
  };
}

/** Settings that may change while brokers run: those that the settings table calls live. */
export const BROKER_CONFIG_RULES = brokerConfigRules("one-broker");
export const BROKER_DEFAULT_CONFIG_RULES = brokerConfigRules("all-brokers");

function brokerConfigRules(scope: DynamicScope): ConfigRules {
  return {
    recordedAs: (name) => settingNamed(name) ?? name,
    refusal(configs) {
      for (const [name, value] of configs) {
        const refusal = dynamicRefusal(name, value, scope);
        if (refusal !== null) return `${refusal}.`;
      }
      return null;
    },
    listDefault: () => null,
  };
}

export const GROUP_CONFIG_RULES: ConfigRules = {
  refusal(configs) {
    for (const [name, value] of configs) {
      const refusal = groupConfigRefusal(name, value);
      if (refusal !== null) return `${refusal}.`;
    }
    return null;
  },
  listDefault: () => null,
};
