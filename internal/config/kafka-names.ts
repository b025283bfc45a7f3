// Names that Kafka gives to settings which are called otherwise here. Tools of Kafka set and look for these, so both names
// are understood, and both are shown; what is recorded has the name of the settings table.
import { isSettingName } from "./settings-table.ts";
import type { SettingName } from "./settings-table.ts";

export const KAFKA_NAMES = {
  "broker.rack": "rack",
  "log.dir": "data.directory",
  "max.connections": "connections.max",
  "max.incremental.fetch.session.cache.slots": "fetch.sessions.max",
  "message.max.bytes": "max.message.bytes",
  "node.id": "broker.id",
  "num.partitions": "default.partitions",
} as const satisfies Record<string, SettingName>;

/** The setting that is meant; null for none. */
export function settingNamed(name: string): SettingName | null {
  if (isSettingName(name)) return name;
  return Object.hasOwn(KAFKA_NAMES, name) ? KAFKA_NAMES[name as keyof typeof KAFKA_NAMES] : null;
}
