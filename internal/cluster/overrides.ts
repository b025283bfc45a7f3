// A set of config overrides: its canonical order, and the check that it may be recorded.
import { isInternalTopic } from "../model/internal-topics.ts";
import type { ConfigRules } from "./controller-context.ts";
import type { ControllerFault } from "./controller-requests.ts";
import { CONFIG_VALUE_CHARS_MAX, CONFIGS_MAX, LABEL_CHARS_MAX } from "./limits.ts";
import type { ConfigEntry } from "./records.ts";

/** In the order of their names; a null value asks for the default. A name given twice counts with its last value. */
export function overrides(
  configs: readonly { readonly name: string; readonly value: string | null }[],
): ConfigEntry[] {
  const last = new Map(configs.map(({ name, value }) => [name, value]));
  const present = [...last].flatMap(([name, value]) => (value === null ? [] : [{ name, value }]));
  return present.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Null: the whole set is legal. */
export function configsRefusal(
  configs: readonly ConfigEntry[],
  rules: ConfigRules,
): ControllerFault | null {
  const kind = "invalid-config";
  if (configs.length > CONFIGS_MAX) return { kind, detail: `At most ${CONFIGS_MAX} overrides.` };
  for (const { name, value } of configs) {
    if (name.length > LABEL_CHARS_MAX || value.length > CONFIG_VALUE_CHARS_MAX) {
      return { kind, detail: `${name.slice(0, LABEL_CHARS_MAX)}: the name or value is too long.` };
    }
  }
  const detail = rules.refusal(new Map(configs.map(({ name, value }) => [name, value])));
  return detail === null ? null : { kind, detail };
}

/** What holds for the configs of the topic `name`: the state of coordinators is never deleted for its age or size (S1). */
export function topicRules(name: string, rules: ConfigRules): ConfigRules {
  if (!isInternalTopic(name)) return rules;
  return {
    ...rules,
    refusal: (configs) =>
      configs.get("cleanup.policy") === "compact"
        ? rules.refusal(configs)
        : `cleanup.policy of '${name}' must be compact: coordinators would lose their state.`,
  };
}
