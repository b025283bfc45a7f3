// Changes of a broker's settings, judged by the broker before it asks the controller: only a broker knows what it was
// started with, and a value that contradicts that must not be recorded.
import type { MetadataImage } from "../cluster/image.ts";
import { settingNamed } from "../config/kafka-names.ts";
import type { DynamicValue, LiveSettings } from "../config/live-settings.ts";
import type { BrokerId } from "../model/ids.ts";
import type { AdminFault, ConfigChange, ConfigTarget } from "./cluster-service.ts";

export interface AlteredResource {
  readonly of: ConfigTarget;
  readonly changes: readonly ConfigChange[];
}

/** Null: this broker has no objection, or has no say in it. */
export function brokerRefusal(
  { of, changes }: AlteredResource,
  mode: "replace" | "incremental",
  self: BrokerId,
  image: MetadataImage,
  settings: LiveSettings,
): AdminFault | null {
  if (of.resource !== "broker") return null;
  const { broker } = of;
  if (broker !== null && broker !== self) return otherBroker(broker);
  const present = mode === "replace" ? [] : image.brokerConfigs(broker);
  const next = changed(present, changes);
  const [reason] =
    broker === null
      ? settings.preview(image.brokerConfigs(self), next)
      : settings.preview(next, image.brokerConfigs(null));
  return reason === undefined ? null : { kind: "invalid-config", detail: `${reason}.` };
}

export function otherBroker(broker: BrokerId): AdminFault {
  const detail = `Ask broker ${broker} itself: no other broker knows its settings.`;
  return { kind: "invalid-request", detail };
}

/** What will stand; what the controller refuses does not matter here. */
function changed(
  present: readonly DynamicValue[],
  changes: readonly ConfigChange[],
): readonly DynamicValue[] {
  const values = new Map(present.map(({ name, value }) => [name, value]));
  for (const { name, operation, value } of changes) {
    const setting = settingNamed(name) ?? name;
    if (operation === "delete" || value === null) values.delete(setting);
    else values.set(setting, value);
  }
  return [...values].map(([name, value]) => ({ name, value }));
}
