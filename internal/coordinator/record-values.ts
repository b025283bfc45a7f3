// Keys and values of Kafka's coordinator records: each begins with an i16 that says its kind or version.
import { assert } from "../base/assert.ts";
import type { Result } from "../base/result.ts";
import { failed } from "../base/result.ts";
import { Reader } from "../bytes/reader.ts";
import { Writer } from "../bytes/writer.ts";
import type { Complete, Message } from "../schema/message.ts";
import type { UndecodableEntry } from "../statelog/machine.ts";

/** A commit of many offsets makes two small texts for each: a writer for each of them was a fifth of its time. */
const scratch = new Writer();

export function versioned<T>(
  message: Message<T>,
  version: number,
  value: T,
  begins: number = version,
): Uint8Array {
  scratch.i16(begins);
  message.write(scratch, version, value);
  assert(scratch.fault === null, "texts of a group fit their length fields");
  return scratch.takeJoined();
}

/** Null: malformed, or of a version that this broker does not know. */
export function readValue<T>(
  message: Message<T>,
  bytes: Uint8Array,
  versionMax: number,
): Complete<T> | null {
  const reader = new Reader(bytes);
  const version = reader.i16();
  if (version < 0 || version > versionMax) return null;
  const value = message.read(reader, version);
  return reader.fault === null ? value : null;
}

export function undecodable(detail: string): Result<never, UndecodableEntry> {
  return failed({ kind: "undecodable", detail });
}
