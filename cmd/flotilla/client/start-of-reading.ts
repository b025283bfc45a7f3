// Where in a log to begin, as it is written on a command line: an end, an offset, or a time.
import { EARLIEST, LATEST } from "../../../pkg/client/kafka/admin.ts";
import { usageFailure } from "../exit-code.ts";

/** An offset; or a timestamp in milliseconds since 1970, of which EARLIEST and LATEST are special ones. */
export type Start = { readonly offset: number } | { readonly timestampMs: number };

/** `option` and `command` name the place in which it was written. */
export function parseStart(written: string, command: string, option = "from"): Start {
  if (written === "earliest") return { timestampMs: EARLIEST };
  if (written === "latest") return { timestampMs: LATEST };
  if (/^\d+$/.test(written)) {
    const offset = Number(written);
    if (Number.isSafeInteger(offset)) return { offset };
  }
  if (written.startsWith("@")) {
    const text = written.slice(1);
    const timestampMs = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
    if (Number.isSafeInteger(timestampMs) && timestampMs >= 0) return { timestampMs };
  }
  throw usageFailure(
    `--${option} ${written} is neither earliest, latest, an offset, nor @ and a time`,
    `flotilla help ${command}`,
  );
}
