// One text for one value, whatever the order in which maps were filled: to compare the states of replicas, and to show
// where they differ.
import { toHex } from "../../../internal/bytes/hex.ts";

export function canonicalText(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "undefined";
  if (value instanceof Uint8Array) return `x${toHex(value)}`;
  if (Array.isArray(value)) return `[${value.map(canonicalText).join()}]`;
  if (value instanceof Set) return `{${[...value].map(String).sort().join()}}`;
  const isMap = value instanceof Map;
  const fields = isMap ? [...value].map(fieldOf) : Object.entries(value).map(fieldOf);
  return `{${fields.sort().join()}}`;
}

function fieldOf([name, value]: readonly [unknown, unknown]): string {
  return `${String(name)}:${canonicalText(value)}`;
}
