// The settings of a running broker: what it was started with, and over it what was set through the cluster, for this
// broker or for all. A set of values that contradict each other or the rest is not taken; the last one that held stays.
import { contradictions } from "./contradictions.ts";
import { nearestName } from "./nearest.ts";
import type { Setting } from "./setting.ts";
import { KAFKA_NAMES, settingNamed } from "./kafka-names.ts";
import type { Settings } from "./settings.ts";
import { SETTING_NAMES, SETTINGS } from "./settings-table.ts";
import type { SettingName, SettingReader, SettingValue } from "./settings-table.ts";

/** As the cluster records it: text, under the table's name. */
export interface DynamicValue {
  readonly name: string;
  readonly value: string;
}

/** Whom a value is set for. */
export type DynamicScope = "one-broker" | "all-brokers";

/** Null: the setting may have this value while brokers run. Else a sentence about it. */
export function dynamicRefusal(name: string, value: string, scope: DynamicScope): string | null {
  const setting = settingNamed(name);
  if (setting === null) {
    const nearest = nearestName(name, [...SETTING_NAMES, ...Object.keys(KAFKA_NAMES)]);
    const hint = nearest === null ? "" : `; did you mean ${nearest}?`;
    return `unknown setting ${name}${hint}`;
  }
  const { change } = SETTINGS[setting];
  if (change === "restart" || change === "never") {
    return `${name} is read when a broker starts: it is set in the broker's own configuration`;
  }
  if (change === "live-for-all" && scope === "one-broker") {
    return `${name} is set for all brokers, not for one`;
  }
  const parsed = SETTINGS[setting].parse(value);
  return parsed.ok ? null : `the value of ${name} ${parsed.fault}`;
}

export class LiveSettings implements Settings {
  /** What the broker was started with. */
  readonly base: Settings;
  #values: ReadonlyMap<SettingName, unknown> = new Map();
  readonly #listeners = new Set<() => void>();

  constructor(base: Settings) {
    this.base = base;
  }

  get<N extends SettingName>(name: N): SettingValue<N> {
    const { base } = this;
    return this.#values.has(name) ? (this.#values.get(name) as SettingValue<N>) : base.get(name);
  }

  /** Of what the broker was started with. */
  origin(name: SettingName): ReturnType<Settings["origin"]> {
    return this.base.origin(name);
  }

  show(name: SettingName): string {
    if (!this.#values.has(name)) return this.base.show(name);
    return (SETTINGS[name] as Setting<unknown>).show(this.#values.get(name));
  }

  /** Takes what is set for this broker and for all, which it goes before. Empty: taken; else why not, as sentences. */
  set(own: readonly DynamicValue[], forAll: readonly DynamicValue[]): readonly string[] {
    const values = valuesOf(own, forAll);
    const refusals = this.#refusals(values);
    if (refusals.length > 0) return refusals;
    this.#values = values;
    for (const changed of this.#listeners) changed();
    return refusals;
  }

  /** What `set` would answer. */
  preview(own: readonly DynamicValue[], forAll: readonly DynamicValue[]): readonly string[] {
    return this.#refusals(valuesOf(own, forAll));
  }

  #refusals(values: ReadonlyMap<SettingName, unknown>): readonly string[] {
    const get: SettingReader["get"] = (name) =>
      (values.has(name) ? values.get(name) : this.base.get(name)) as never;
    return contradictions({ get });
  }

  /** Called after each change; returns what takes the listener off again. */
  onChange(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => void this.#listeners.delete(changed);
  }
}

/** What a newer version recorded and this one does not understand is left out: its own default holds here. */
function valuesOf(
  own: readonly DynamicValue[],
  forAll: readonly DynamicValue[],
): Map<SettingName, unknown> {
  const values = new Map<SettingName, unknown>();
  const take = (rows: readonly DynamicValue[], scope: DynamicScope): void => {
    for (const { name, value } of rows) {
      const setting = settingNamed(name);
      if (setting === null || dynamicRefusal(name, value, scope) !== null) continue;
      const parsed = SETTINGS[setting].parse(value);
      if (parsed.ok) values.set(setting, parsed.value);
    }
  };
  take(forAll, "all-brokers");
  take(own, "one-broker");
  return values;
}
