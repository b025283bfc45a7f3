// Settings of a simulated broker: legal ones, over which sizes below what the table allows are laid, so that a run of a
// few seconds reaches rotation, a full arena and catch-up from files.
import { assert } from "../../../internal/base/assert.ts";
import { settingsOf } from "../../../internal/config/settings.ts";
import type { Settings, SettingValues } from "../../../internal/config/settings.ts";

const KIB = 1024;

/** What a knob may shrink, in bytes. */
export interface SmallSizes {
  /** A power of two. */
  readonly arenaBytes: number;
  readonly fileBytes: number;
  readonly batchBytesMax: number;
  readonly journalBytesMax: number;
}

export const SMALL_SIZES: SmallSizes = {
  arenaBytes: 512 * KIB,
  fileBytes: 512 * KIB,
  batchBytesMax: 128 * KIB,
  journalBytesMax: 256 * KIB * KIB,
};

/** Everything else comes from the table, with `given` over it. */
export function smallSettings(given: SettingValues, sizes: SmallSizes): Settings {
  const settings = settingsOf({
    "max.message.bytes": 64 * KIB,
    "journal.reserve.bytes": 1024 * KIB,
    "follower.fetch": true,
    ...given,
  });
  assert(settings.ok, "the settings of a simulated broker are legal");
  const small = new Map<string, unknown>([
    ["journal.arena.bytes", sizes.arenaBytes],
    ["journal.file.bytes", sizes.fileBytes],
    ["journal.batch.bytes.max", sizes.batchBytesMax],
    ["journal.bytes.max", sizes.journalBytesMax],
  ]);
  const { value } = settings;
  const get = ((name: never) => small.get(name) ?? value.get(name)) as Settings["get"];
  return { ...value, get };
}
