// The project's own tree, read once for all tidy tests, and the fixture trees that must fail.
import { join } from "node:path";
import { readTree } from "./source-tree.ts";
import type { SourceFile } from "./source-tree.ts";

export const ROOT = join(import.meta.dirname, "..", "..");
export const FIXTURES = join(import.meta.dirname, "fixtures");
export const FOLDERS = ["cmd", "internal", "pkg", "test", "jepsen-like", "tools"] as const;

let held: readonly SourceFile[] | null = null;

export function projectFiles(): readonly SourceFile[] {
  held ??= readTree(ROOT, FOLDERS);
  return held;
}

export function fixtureFiles(name: string): readonly SourceFile[] {
  return readTree(join(FIXTURES, name), FOLDERS);
}
