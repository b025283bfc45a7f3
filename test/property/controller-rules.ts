// The rules of topic configs as a broker with default settings has them.
import { assert } from "../../internal/base/assert.ts";
import type { ConfigRules } from "../../internal/cluster/controller-context.ts";
import { settingsOf } from "../../internal/config/settings.ts";
import { topicConfigRules } from "../../internal/server/config-rules.ts";

const settings = settingsOf();
assert(settings.ok, "the default settings are valid");

export const TOPIC_RULES: ConfigRules = topicConfigRules(settings.value);
