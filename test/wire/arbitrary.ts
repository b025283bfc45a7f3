// Arbitrary messages of a schema and version for property tests, and a form of messages that can be compared.
import fc from "fast-check";
import type { Arbitrary } from "fast-check";
import { toHex } from "../../internal/bytes/hex.ts";
import { Reader } from "../../internal/bytes/reader.ts";
import { initialStruct } from "../../internal/schema/decode.ts";
import { includes } from "../../internal/schema/field.ts";
import type { Field } from "../../internal/schema/field.ts";

export type Struct = Record<string, unknown>;

const uuid = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => new Reader(bytes).uuid());
const name = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[a-z0-9._-]{0,12}$/) },
  fc.string({ unit: "grapheme", maxLength: 8 }),
);
const blob = fc.uint8Array({ maxLength: 24 });

/** Every field that the version has holds any legal value, every other field its default. */
export function arbitraryMessage(fields: readonly Field[], version: number): Arbitrary<Struct> {
  const initial = initialStruct(fields);
  const entries = fields.map((field) => {
    const value = includes(field.versions, version)
      ? arbitraryField(field, version)
      : fc.constant(initial[field.name]);
    return [field.name, value] as const;
  });
  return fc.record(Object.fromEntries(entries)) as Arbitrary<Struct>;
}

function arbitraryField(field: Field, version: number): Arbitrary<unknown> {
  const item = arbitraryValue(field, version);
  const value = field.isArray ? fc.array(item, { maxLength: 3 }) : item;
  const isNullable = includes(field.nullable, version) || field.type === "records";
  return isNullable ? fc.option(value, { freq: 4 }) : value;
}

function arbitraryValue(field: Field, version: number): Arbitrary<unknown> {
  switch (field.type) {
    case "bool":
      return fc.boolean();
    case "i8":
      return fc.integer({ min: -0x80, max: 0x7f });
    case "i16":
      return fc.integer({ min: -0x8000, max: 0x7fff });
    case "i32":
      return fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
    case "i64":
      return fc.maxSafeInteger();
    case "u16":
      return fc.nat(0xffff);
    case "u32":
      return fc.nat(0xffff_ffff);
    case "f64":
      return fc.double({ noNaN: true });
    case "uuid":
      return uuid;
    case "str":
      return name;
    case "bytes":
      return blob;
    case "records":
      return blob.map((bytes) => ({ bytes, start: 0, end: bytes.length }));
    case "struct":
      return arbitraryMessage(field.fields, version);
  }
}

/** The message with byte strings as digits and minus zero as zero, so that equal messages compare equal. */
export function comparable(value: unknown): unknown {
  if (value === null || value === undefined) return value;
  if (typeof value === "number") return value === 0 ? 0 : value;
  if (typeof value !== "object") return value;
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(comparable);
  const struct = value as Struct;
  if (struct["bytes"] instanceof Uint8Array) {
    return toHex(struct["bytes"].subarray(struct["start"] as number, struct["end"] as number));
  }
  return Object.fromEntries(Object.entries(struct).map(([key, inner]) => [key, comparable(inner)]));
}
