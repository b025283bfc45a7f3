// One row of the settings table, and the kinds of values that a row can have. A parser takes what a person wrote in a
// file, in the environment or on the command line, so it accepts units and answers with a reason that can be shown.
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";

/**
 * When a new value may take effect. `live`: at once, set for one broker or for all through the cluster. `live-for-all`:
 * likewise, but only for all brokers, because whichever of them leads decides by it. `never`: not once the data directory
 * holds data.
 */
export type Change = "live" | "live-for-all" | "restart" | "never";

export interface Setting<T> {
  /** How the value is written, e.g. `duration`, `bytes`, `host:port`. */
  readonly form: string;
  readonly fallback: T;
  readonly change: Change;
  readonly doc: string;
  /** The value is never shown or logged. */
  readonly secret: boolean;
  parse(raw: unknown): Result<T, string>;
  /** The value as it would be written; parses back to the same value. */
  show(value: T): string;
}

const DURATION_UNITS: readonly (readonly [string, number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
];

const BYTE_UNITS: readonly (readonly [string, number])[] = [
  ["TiB", 2 ** 40],
  ["GiB", 2 ** 30],
  ["MiB", 2 ** 20],
  ["KiB", 2 ** 10],
  ["B", 1],
];

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** Milliseconds: `500`, `500ms`, `2s`, `5m`, `1h` or `7d`. */
export function durationMs(
  fallback: number,
  change: Change,
  doc: string,
  bounds: Bounds = {},
): Setting<number> {
  return quantity("duration", DURATION_UNITS, fallback, change, doc, bounds);
}

/** Bytes: `65536`, `64KiB`, `16MiB`, `1GiB` or `2TiB`. */
export function bytes(
  fallback: number,
  change: Change,
  doc: string,
  bounds: Bounds = {},
): Setting<number> {
  return quantity("bytes", BYTE_UNITS, fallback, change, doc, bounds);
}

/** A plain whole number. */
export function count(
  fallback: number,
  change: Change,
  doc: string,
  bounds: Bounds = {},
): Setting<number> {
  return quantity("number", [], fallback, change, doc, bounds);
}

function quantity(
  form: string,
  units: readonly (readonly [string, number])[],
  fallback: number,
  change: Change,
  doc: string,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: Bounds,
): Setting<number> {
  const shown = (value: number): string => {
    const unit = value > 0 ? units.find(([, size]) => value % size === 0) : undefined;
    return unit === undefined ? String(value) : `${value / unit[1]}${unit[0]}`;
  };
  return {
    form,
    fallback,
    change,
    doc,
    secret: false,
    show: shown,
    parse(raw) {
      const value = readQuantity(raw, units);
      if (value === null) return failed(`is not a ${form === "bytes" ? "number of bytes" : form}`);
      if (value < min) return failed(`is below the least value, ${shown(min)}`);
      if (value > max) return failed(`is above the greatest value, ${shown(max)}`);
      return ok(value);
    },
  };
}

function readQuantity(raw: unknown, units: readonly (readonly [string, number])[]): number | null {
  if (typeof raw === "number") return Number.isSafeInteger(raw) ? raw : null;
  const match = typeof raw === "string" ? /^(-?\d+) ?([A-Za-z]*)$/.exec(raw.trim()) : null;
  if (match === null) return null;
  const [, digits = "", name = ""] = match;
  const size = name === "" ? 1 : units.find(([unit]) => unit === name)?.[1];
  const value = size === undefined ? Number.NaN : Number(digits) * size;
  return Number.isSafeInteger(value) ? value : null;
}

export function flag(fallback: boolean, change: Change, doc: string): Setting<boolean> {
  return {
    form: "true | false",
    fallback,
    change,
    doc,
    secret: false,
    show: String,
    parse(raw) {
      if (raw === true || raw === "true") return ok(true);
      if (raw === false || raw === "false") return ok(false);
      return failed("is neither true nor false");
    },
  };
}

export function choice<const T extends string>(
  choices: readonly T[],
  fallback: NoInfer<T>,
  change: Change,
  doc: string,
): Setting<T> {
  return {
    form: choices.join(" | "),
    fallback,
    change,
    doc,
    secret: false,
    show: String,
    parse(raw) {
      const found = choices.find((one) => one === raw);
      return found === undefined ? failed(`is none of ${choices.join(", ")}`) : ok(found);
    },
  };
}

/** Text of at most `lengthMax` characters without control characters. */
export function text(
  fallback: string,
  change: Change,
  doc: string,
  { lengthMax = 4096, secret = false }: { lengthMax?: number; secret?: boolean } = {},
): Setting<string> {
  return {
    form: "text",
    fallback,
    change,
    doc,
    secret,
    show: String,
    parse(raw) {
      if (typeof raw !== "string") return failed("is not text");
      if (raw.length > lengthMax) return failed(`is longer than ${lengthMax} characters`);
      // eslint-disable-next-line no-control-regex -- these are the characters that are refused
      if (/[\u0000-\u001f]/.test(raw)) return failed("holds a control character");
      return ok(raw);
    },
  };
}

/** The items of a JSON list of text, or of text separated by commas; null for anything else. */
export function splitList(raw: unknown): readonly string[] | null {
  if (Array.isArray(raw)) return raw.every((item) => typeof item === "string") ? raw : null;
  if (typeof raw !== "string") return null;
  return raw.trim() === "" ? [] : raw.split(",").map((item) => item.trim());
}
