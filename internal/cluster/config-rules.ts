// The rules of config values for the controller's handlers, made from the tables in internal/config.
import { isSettingName } from "../config/settings-table.ts";
import type { TopicConfigLimits } from "../config/topic-configs.ts";
import {
  describeTopicConfigFault,
  isTopicConfigName,
  TOPIC_CONFIGS,
  validateTopicConfig,
} from "../config/topic-configs.ts";
import type { ConfigRules } from "./controller-context.ts";

export function topicConfigRules(limits: TopicConfigLimits): ConfigRules {
  return {
    refusal: (configs) => {
      for (const [name, value] of configs) {
        const checked = validateTopicConfig(name, value, limits);
        if (!checked.ok) return describeTopicConfigFault(checked.fault);
      }
      return null;
    },
    listDefault: (name) => {
      if (!isTopicConfigName(name) || TOPIC_CONFIGS[name].type !== "list") return null;
      return TOPIC_CONFIGS[name].fallback.split(",").filter((item) => item !== "");
    },
  };
}

/** No setting of a broker changes while it runs, so none is taken and none is silently ignored (P9). */
export const BROKER_CONFIG_RULES: ConfigRules = {
  refusal: (configs) => {
    for (const name of configs.keys()) {
      if (!isSettingName(name)) return `unknown broker config ${name}`;
      return `${name} is changed in the broker's own settings, and takes effect at its next start`;
    }
    return null;
  },
  listDefault: () => null,
};
