// Values of options that are more than text.
import { parseAddress } from "../../internal/config/addresses.ts";
import type { Address } from "../../internal/config/addresses.ts";
import type { OptionReader } from "./command.ts";
import { usageFailure } from "./exit-code.ts";

export interface NumberRange<F> {
  readonly fallback: F;
  readonly min: number;
  readonly max?: number;
}

/** A whole number within its bounds. */
export function wholeNumber<F extends number | null>(
  options: OptionReader,
  name: string,
  { fallback, min, max = Number.MAX_SAFE_INTEGER }: NumberRange<F>,
): number | F {
  const written = options.text(name);
  if (written === null) return fallback;
  const value = /^-?\d+$/.test(written) ? Number(written) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw usageFailure(`--${name} ${written} is no whole number`);
  if (value < min) throw usageFailure(`--${name} ${written} is below ${min}`);
  if (value > max) throw usageFailure(`--${name} ${written} is above ${max}`);
  return value;
}

/** Addresses separated by commas. */
export function addresses(written: string, name: string): readonly Address[] {
  return written.split(",").map((one) => {
    const parsed = parseAddress(one.trim());
    if (!parsed.ok) throw usageFailure(`--${name} ${one} ${parsed.fault}`);
    return parsed.value;
  });
}

/** `NAME=VALUE`, split at the first equals sign. */
export function pair(written: string, name: string): readonly [string, string] {
  const at = written.indexOf("=");
  if (at < 1) throw usageFailure(`--${name} ${written} is not NAME=VALUE`);
  return [written.slice(0, at), written.slice(at + 1)];
}

/** One of a few words, each of which means something. */
export function choice<const T extends Readonly<Record<string, unknown>>>(
  options: OptionReader,
  name: string,
  choices: T,
  fallback: keyof T & string,
): T[keyof T & string] {
  const written = options.text(name) ?? fallback;
  if (Object.hasOwn(choices, written)) return choices[written as keyof T & string];
  throw usageFailure(`--${name} ${written} is none of ${Object.keys(choices).join(", ")}`);
}
