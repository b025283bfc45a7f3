// Which configs the controller lets clients set: the topic configs of rules.md P9. Settings of brokers come from files,
// environment and flags; none can be changed through the cluster yet, and saying so is better than ignoring it.
import type { ConfigRules } from "../cluster/controller-context.ts";
import { messageBytesLimit } from "../config/contradictions.ts";
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

/** Internal topics are compacted: their records are a table. Users' topics may not be yet (P5). */
export function internalTopicConfigRules(settings: Settings): ConfigRules {
  const rules = topicConfigRules(settings);
  return {
    ...rules,
    refusal(configs) {
      const others = new Map(configs);
      if (others.get("cleanup.policy") === "compact") others.delete("cleanup.policy");
      return rules.refusal(others);
    },
  };
}

export const BROKER_CONFIG_RULES: ConfigRules = {
  refusal(configs) {
    for (const name of configs.keys()) {
      return `${name}: broker settings are changed in the broker's own configuration.`;
    }
    return null;
  },
  listDefault: () => null,
};
