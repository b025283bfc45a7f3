// The version of the package that this program came in.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

export const VERSION = readVersion();

/** The program runs from its sources, or compiled one folder deeper. */
function readVersion(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, "package.json"))) {
    const above = dirname(folder);
    if (above === folder) return "unknown";
    folder = above;
  }
  const text = readFileSync(join(folder, "package.json"), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}
