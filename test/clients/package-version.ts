// The version of a package that is installed for this project.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const MODULES = join(import.meta.dirname, "..", "..", "node_modules");

export function packageVersion(name: string, modules = MODULES): string {
  const text = readFileSync(join(modules, name, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
