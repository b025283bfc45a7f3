// One text for one value, whatever the order in which maps were filled: to compare the states of replicas, and to show
// where they differ.
import { toHex } from "../../../internal/bytes/hex.ts";

export function canonicalText(value: unknown): string {
  return JSON.stringify(plain(value));
}

function plain(value: unknown): unknown {
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Uint8Array) return toHex(value);
  if (value instanceof Map) {
    return [...value].map(([key, one]) => [String(key), plain(one)] as const).sort(byName);
  }
  if (value instanceof Set) return [...value].map(String).sort();
  if (Array.isArray(value)) return value.map(plain);
  return Object.entries(value)
    .map(([name, one]) => [name, plain(one)] as const)
    .sort(byName);
}

function byName(left: readonly [string, unknown], right: readonly [string, unknown]): number {
  return left[0] < right[0] ? -1 : Number(left[0] > right[0]);
}
