// A bug that is planted by a change of the source text while the tests are loaded. Nothing of it is in production code, so
// whatever a person could get wrong can be planted.

export interface SourceBug {
  /** What it breaks: a rule of docs/rules.md, or a sentence. */
  readonly breaks: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** Test files and random runs. Each of them must turn red by itself. */
  readonly seenBy: readonly string[];
}

/** The name of the bug that this process carries. */
export const PLANTED = "PLANTED_BUG";

/** Null: the source no longer has the place, or has it twice. */
export function plant(source: string, { find, replace }: SourceBug): string | null {
  const at = source.indexOf(find);
  if (at < 0 || source.includes(find, at + 1)) return null;
  return source.slice(0, at) + replace + source.slice(at + find.length);
}
