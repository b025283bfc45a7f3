// The settings of a broker as the command line, the environment and a file give them, or a usage failure that lists
// everything that is wrong.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describeSettingFault, loadSettings } from "../../../internal/config/settings.ts";
import type { Settings } from "../../../internal/config/settings.ts";
import { usageFailure } from "../exit-code.ts";

export interface LoadedSettings {
  readonly settings: Settings;
  /** The file that was read, absolute. */
  readonly file: string | null;
}

export function readSettings(
  config: string | null,
  flags: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): LoadedSettings {
  const named = config ?? environment["FLOTILLA_CONFIG"] ?? "";
  const file = named === "" ? null : resolve(named);
  const loaded = loadSettings({
    flags,
    environment,
    ...(file === null ? {} : { fileText: readText(file) }),
  });
  if (loaded.ok) return { settings: loaded.value, file };
  const faults = loaded.fault.map((fault) => describeSettingFault(fault));
  const where = file === null ? "" : `the settings file is ${file}; `;
  throw usageFailure(faults.join("\n"), `${where}flotilla help settings lists the settings`);
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw usageFailure(`cannot read the settings file: ${(error as Error).message}`);
  }
}
