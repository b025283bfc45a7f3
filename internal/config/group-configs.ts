// The configs of a consumer group of the newer protocol (KIP-848): Kafka's names and bounds. Whoever coordinates the group
// reads them; without one a setting of the broker holds. Groups of the classic protocol bring their own timeouts.
import { nearestName } from "./nearest.ts";
import type { SettingName } from "./settings-table.ts";

export interface GroupConfig {
  /** The setting of the broker that holds where the group says nothing. */
  readonly setting: SettingName;
  readonly min: number;
  readonly max: number;
  readonly doc: string;
}

export const GROUP_CONFIGS = {
  "consumer.heartbeat.interval.ms": {
    setting: "group.consumer.heartbeat.interval.ms",
    min: 5_000,
    max: 15_000,
    doc: "How often members of the group send heartbeats.",
  },
  "consumer.session.timeout.ms": {
    setting: "group.consumer.session.timeout.ms",
    min: 45_000,
    max: 60_000,
    doc: "How long a member may be silent before it leaves the group.",
  },
} as const satisfies Record<string, GroupConfig>;

export type GroupConfigName = keyof typeof GROUP_CONFIGS;

export const GROUP_CONFIG_NAMES = Object.keys(GROUP_CONFIGS) as readonly GroupConfigName[];

/** What a group sets itself, by name. */
export type GroupOverrides = readonly { readonly name: string; readonly value: string }[];

/** Null: the value is accepted. Else a sentence about it. */
export function groupConfigRefusal(name: string, value: string): string | null {
  if (!Object.hasOwn(GROUP_CONFIGS, name)) {
    const nearest = nearestName(name, GROUP_CONFIG_NAMES);
    const hint = nearest === null ? "" : `; did you mean ${nearest}?`;
    return `unknown group config ${name}${hint}`;
  }
  const { min, max } = GROUP_CONFIGS[name as GroupConfigName];
  const number = /^\d{1,9}$/.test(value) ? Number(value) : -1;
  return number >= min && number <= max ? null : `${name} must be between ${min} and ${max}`;
}
