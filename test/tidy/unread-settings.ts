// Settings that the table promises and no code reads. A setting that is silently ignored is worse than none.
import { isTest, walk } from "./source-tree.ts";
import type { SourceFile } from "./source-tree.ts";

/** The names that stand as text in no file outside internal/config and the tests. */
export function unreadSettings(files: readonly SourceFile[], names: readonly string[]): string[] {
  const unread = new Set(names);
  for (const file of files) {
    const product =
      /^(cmd|internal|pkg)\//.test(file.path) && !file.path.startsWith("internal/config/");
    if (!product || isTest(file.path)) continue;
    walk(file.program, (node) => {
      if (node.type === "Literal") unread.delete(String(node["value"]));
    });
  }
  return [...unread];
}
