// The settings of one broker: read from flags, environment and a JSON file, in that order of precedence, checked as a
// whole, and then fixed. Everything that is wrong is reported at once, and an unknown name is an error: a setting that
// is silently ignored is worse than none.
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { contradictions } from "./contradictions.ts";
import { nearestName } from "./nearest.ts";
import type { Setting } from "./setting.ts";
import { isSettingName, SETTING_NAMES, SETTINGS } from "./settings-table.ts";
import type { SettingName, SettingReader, SettingValue } from "./settings-table.ts";

export type { SettingName, SettingReader, SettingValue } from "./settings-table.ts";

/** `given`: by the program that embeds the broker. */
export type SettingOrigin = "given" | "flag" | "environment" | "file" | "default";

export type SettingFault =
  | {
      readonly kind: "unknown-setting";
      readonly origin: SettingOrigin;
      readonly written: string;
      readonly nearest: string | null;
    }
  | {
      readonly kind: "bad-value";
      readonly origin: SettingOrigin;
      readonly written: string;
      readonly reason: string;
    }
  | { readonly kind: "bad-file"; readonly reason: string }
  | { readonly kind: "bad-flag"; readonly written: string; readonly reason: string }
  | { readonly kind: "contradiction"; readonly reason: string };

export interface Settings extends SettingReader {
  origin(name: SettingName): SettingOrigin;
  /** The value as text, for logs and people; secrets are masked. */
  show(name: SettingName): string;
}

export interface SettingSources {
  /** What stands after the command: `--link.silence.ms 500ms`, `--link.silence.ms=500ms` or `--set link.silence.ms=500ms`. */
  readonly flags?: readonly string[];
  /** The process environment; only names that start with FLOTILLA_ are read. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** The text of a JSON file: one object, nested or with dotted names. */
  readonly fileText?: string;
}

export type SettingValues = { readonly [N in SettingName]?: SettingValue<N> };

/** Environment variables with our prefix that are no settings. */
const RESERVED_ENVIRONMENT: readonly string[] = ["FLOTILLA_CONFIG"];

/** `link.silence.ms` is FLOTILLA_LINK_SILENCE_MS. */
export function environmentName(name: SettingName): string {
  return `FLOTILLA_${name.replaceAll(".", "_").toUpperCase()}`;
}

/** Reads and checks all sources. On failure every fault found is listed. */
export function loadSettings(sources: SettingSources): Result<Settings, readonly SettingFault[]> {
  const faults: SettingFault[] = [];
  const written = [
    ...fromFile(sources.fileText, faults),
    ...fromEnvironment(sources.environment ?? {}),
    ...fromFlags(sources.flags ?? [], faults),
  ];
  const values = new Map<SettingName, unknown>();
  const origins = new Map<SettingName, SettingOrigin>();
  for (const { origin, name, label, raw } of written) {
    if (name === null || !isSettingName(name)) {
      const nearest = nearestLabel(label, origin);
      faults.push({ kind: "unknown-setting", origin, written: label, nearest });
      continue;
    }
    const parsed = SETTINGS[name].parse(raw);
    if (parsed.ok) {
      values.set(name, parsed.value);
      origins.set(name, origin);
    } else {
      faults.push({ kind: "bad-value", origin, written: label, reason: parsed.fault });
    }
  }
  return finish(values, origins, faults);
}

/** Settings for an embedded broker or a test: the given values over the defaults. */
export function settingsOf(given: SettingValues = {}): Result<Settings, readonly SettingFault[]> {
  const values = new Map<SettingName, unknown>();
  const origins = new Map<SettingName, SettingOrigin>();
  const faults: SettingFault[] = [];
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!isSettingName(name)) {
      const nearest = nearestName(name, SETTING_NAMES);
      faults.push({ kind: "unknown-setting", origin: "given", written: name, nearest });
      continue;
    }
    const setting = SETTINGS[name] as Setting<unknown>;
    const parsed = setting.parse(setting.show(value));
    if (parsed.ok) values.set(name, parsed.value);
    else faults.push({ kind: "bad-value", origin: "given", written: name, reason: parsed.fault });
    origins.set(name, "given");
  }
  return finish(values, origins, faults);
}

function finish(
  values: ReadonlyMap<SettingName, unknown>,
  origins: ReadonlyMap<SettingName, SettingOrigin>,
  faults: SettingFault[],
): Result<Settings, readonly SettingFault[]> {
  const settings = fixed(values, origins);
  if (faults.length === 0) {
    for (const reason of contradictions(settings)) faults.push({ kind: "contradiction", reason });
  }
  return faults.length === 0 ? ok(settings) : failed(faults);
}

function fixed(
  values: ReadonlyMap<SettingName, unknown>,
  origins: ReadonlyMap<SettingName, SettingOrigin>,
): Settings {
  const get = <N extends SettingName>(name: N): SettingValue<N> =>
    (values.has(name) ? values.get(name) : SETTINGS[name].fallback) as SettingValue<N>;
  return {
    get,
    origin: (name) => origins.get(name) ?? "default",
    show(name) {
      const setting = SETTINGS[name] as Setting<unknown>;
      const text = setting.show(get(name));
      return setting.secret && text !== "" ? "(secret)" : text;
    },
  };
}

interface Written {
  readonly origin: SettingOrigin;
  /** The name in the table's spelling; null where the source's spelling leads to none. */
  readonly name: string | null;
  /** As the source spells it. */
  readonly label: string;
  readonly raw: unknown;
}

function fromFile(text: string | undefined, faults: SettingFault[]): Written[] {
  if (text === undefined) return [];
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    faults.push({
      kind: "bad-file",
      reason: error instanceof Error ? error.message : "is not JSON",
    });
    return [];
  }
  if (!isObject(content)) {
    faults.push({ kind: "bad-file", reason: "is not a JSON object" });
    return [];
  }
  const written: Written[] = [];
  const visit = (part: Readonly<Record<string, unknown>>, prefix: string): void => {
    for (const [key, raw] of Object.entries(part)) {
      const label = prefix + key;
      if (isObject(raw) && !isSettingName(label)) visit(raw, `${label}.`);
      else written.push({ origin: "file", name: label, label, raw });
    }
  };
  visit(content, "");
  return written;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const BY_ENVIRONMENT_NAME: ReadonlyMap<string, SettingName> = new Map(
  SETTING_NAMES.map((name) => [environmentName(name), name]),
);

function fromEnvironment(environment: Readonly<Record<string, string | undefined>>): Written[] {
  const written: Written[] = [];
  for (const [label, raw] of Object.entries(environment)) {
    if (
      raw === undefined ||
      !label.startsWith("FLOTILLA_") ||
      RESERVED_ENVIRONMENT.includes(label)
    ) {
      continue;
    }
    const name = BY_ENVIRONMENT_NAME.get(label) ?? null;
    written.push({ origin: "environment", name, label, raw });
  }
  return written;
}

function fromFlags(flags: readonly string[], faults: SettingFault[]): Written[] {
  const written: Written[] = [];
  for (let at = 0; at < flags.length; at++) {
    const flag = flags[at] ?? "";
    if (!flag.startsWith("--")) {
      faults.push({ kind: "bad-flag", written: flag, reason: "is not a flag" });
      continue;
    }
    let [label, raw] = splitOnce(flag.slice(2));
    if (raw === null) raw = flags[++at] ?? null;
    if (label === "set" && raw !== null) [label, raw] = splitOnce(raw);
    if (raw === null) faults.push({ kind: "bad-flag", written: flag, reason: "has no value" });
    else written.push({ origin: "flag", name: label, label, raw });
  }
  return written;
}

function splitOnce(text: string): [string, string | null] {
  const at = text.indexOf("=");
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}

function nearestLabel(label: string, origin: SettingOrigin): string | null {
  if (origin !== "environment") return nearestName(label, SETTING_NAMES);
  return nearestName(label, [...BY_ENVIRONMENT_NAME.keys()]);
}

/** One sentence for a person. */
export function describeSettingFault(fault: SettingFault): string {
  switch (fault.kind) {
    case "unknown-setting": {
      const hint = fault.nearest === null ? "" : `; did you mean ${fault.nearest}?`;
      return `unknown setting ${fault.written} (${fault.origin})${hint}`;
    }
    case "bad-value":
      return `the value of ${fault.written} (${fault.origin}) ${fault.reason}`;
    case "bad-file":
      return `the settings file ${fault.reason}`;
    case "bad-flag":
      return `${fault.written} ${fault.reason}`;
    case "contradiction":
      return fault.reason;
  }
}
