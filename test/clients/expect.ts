// Comparisons with words that say what is wrong.
import { isDeepStrictEqual } from "node:util";

export function same(what: string, seen: unknown, expected: unknown): void {
  if (isDeepStrictEqual(seen, expected)) return;
  throw new Error(`${what}: ${show(seen)} instead of ${show(expected)}`);
}

export function holds(what: string, is: boolean): void {
  if (!is) throw new Error(what);
}

/** The same values, each once, in whatever order. */
export function sameValues(seen: readonly string[], expected: readonly string[]): void {
  const missing = new Set(expected);
  let strange = 0;
  for (const value of seen) if (!missing.delete(value)) strange++;
  if (missing.size === 0 && strange === 0) return;
  throw new Error(
    `${seen.length} values of ${expected.length}: ${missing.size} are missing, ` +
      `${strange} are twice or were never sent`,
  );
}

/** `value-000000`, … */
export function numbered(count: number, prefix = "value"): string[] {
  return Array.from({ length: count }, (_, k) => `${prefix}-${String(k).padStart(6, "0")}`);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
