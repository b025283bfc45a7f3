// Compiles fields into an encoder for one version. Fields that the version lacks are left out silently, fields
// that the value lacks take their default, and a null where the version has no null becomes the empty value,
// so one value can be written in every version. Tagged fields are written only when they differ from the default.
import type { ByteRange } from "../bytes/byte-range.ts";
import { Writer } from "../bytes/writer.ts";
import { initialStruct } from "./decode.ts";
import { includes, initialOf } from "./field.ts";
import type { Field } from "./field.ts";

export type EncodeStruct = (writer: Writer, struct: Record<string, unknown>) => void;
type Encode = (writer: Writer, value: unknown) => void;

interface FieldEncoder {
  readonly name: string;
  readonly encode: Encode;
  /** Written in place of a field that the value leaves out. */
  readonly initial: unknown;
}

interface TagEncoder extends FieldEncoder {
  readonly field: Field;
  readonly tag: number;
}

export function compileEncoder(
  fields: readonly Field[],
  version: number,
  isFlexible: boolean,
): EncodeStruct {
  const inLine: FieldEncoder[] = [];
  const tagged: TagEncoder[] = [];
  for (const field of fields) {
    if (!includes(field.versions, version)) continue;
    const encode = compileField(field, version, isFlexible);
    const initial = initialOf(field) ?? (field.nullable === null ? emptyOf(field) : null);
    const { name, tag } = field;
    if (tag === null) inLine.push({ name, encode, initial });
    else tagged.push({ name, encode, initial, field, tag });
  }
  tagged.sort((left, right) => left.tag - right.tag);
  return (writer, struct) => {
    for (const { name, encode, initial } of inLine) {
      const value = struct[name];
      encode(writer, value === undefined ? initial : value);
    }
    if (isFlexible) writeTags(writer, struct, tagged);
  };
}

function writeTags(
  writer: Writer,
  struct: Record<string, unknown>,
  tagged: readonly TagEncoder[],
): void {
  let count = 0;
  for (const { field, name } of tagged) if (!isInitial(field, struct[name])) count++;
  writer.uvarint(count);
  if (count === 0) return;
  for (const { field, name, tag, encode } of tagged) {
    const value = struct[name];
    if (isInitial(field, value)) continue;
    // A tagged field states its size first. Such fields are rare and small, so it is written aside and copied.
    const aside = new Writer(256);
    encode(aside, value);
    if (aside.fault !== null) writer.fail(aside.fault);
    const bytes = aside.takeJoined();
    writer.uvarint(tag);
    writer.uvarint(bytes.length);
    writer.copy(bytes, 0, bytes.length);
  }
}

function isInitial(field: Field, value: unknown): boolean {
  if (value === undefined) return true;
  const initial = initialOf(field);
  if (value === null || initial === null) return value === initial;
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0;
  if (field.type !== "struct") return value === initial;
  const struct = value as Record<string, unknown>;
  return field.fields.every((inner) => isInitial(inner, struct[inner.name]));
}

/** The value that stands for null where the version has no null. */
function emptyOf(field: Field): unknown {
  if (field.isArray) return [];
  switch (field.type) {
    case "struct":
      return initialStruct(field.fields);
    case "str":
    case "uuid":
      return "";
    case "bytes":
      return new Uint8Array(0);
    case "bool":
      return false;
    case "records":
      return null;
    default:
      return 0;
  }
}

function compileField(field: Field, version: number, isFlexible: boolean): Encode {
  const isNullable = includes(field.nullable, version);
  const encode = field.isArray
    ? compileArray(field, version, isFlexible)
    : compileValue(field, version, isFlexible);
  if (isNullable || field.type === "records") return compileNullable(field, encode, isFlexible);
  const empty = emptyOf(field);
  return (writer, value) => encode(writer, value ?? empty);
}

function compileNullable(field: Field, encode: Encode, isFlexible: boolean): Encode {
  if (field.type === "struct" && !field.isArray) {
    return (writer, value) => {
      writer.i8(value === null ? -1 : 1);
      if (value !== null) encode(writer, value);
    };
  }
  const isString = field.type === "str" && !field.isArray;
  return (writer, value) => {
    if (value !== null) encode(writer, value);
    else if (isFlexible) writer.uvarint(0);
    else if (isString) writer.i16(-1);
    else writer.i32(-1);
  };
}

function compileArray(field: Field, version: number, isFlexible: boolean): Encode {
  const encodeItem = compileValue(field, version, isFlexible);
  return (writer, value) => {
    const items = value as readonly unknown[];
    writeCount(writer, isFlexible, items.length);
    for (const item of items) encodeItem(writer, item);
  };
}

function compileValue(field: Field, version: number, isFlexible: boolean): Encode {
  switch (field.type) {
    case "bool":
      return (writer, value) => writer.bool(value as boolean);
    case "i8":
      return (writer, value) => writer.i8(value as number);
    case "i16":
      return (writer, value) => writer.i16(value as number);
    case "i32":
      return (writer, value) => writer.i32(value as number);
    case "i64":
      return (writer, value) => writer.i64(value as number);
    case "u16":
      return (writer, value) => writer.u16(value as number);
    case "u32":
      return (writer, value) => writer.u32(value as number);
    case "f64":
      return (writer, value) => writer.f64(value as number);
    case "uuid":
      return (writer, value) => writer.uuid(value as string);
    case "str":
      if (isFlexible) return (writer, value) => writer.compactString(value as string);
      return (writer, value) => writer.string(value as string);
    case "bytes":
      return (writer, value) => writeBytes(writer, value as Uint8Array, isFlexible);
    case "records":
      return (writer, value) => writeRecords(writer, value as ByteRange, isFlexible);
    case "struct": {
      const encode = compileEncoder(field.fields, version, isFlexible);
      return (writer, value) => encode(writer, value as Record<string, unknown>);
    }
  }
}

/** The count of an array that is not null. */
export function writeCount(writer: Writer, isFlexible: boolean, count: number): void {
  if (isFlexible) writer.uvarint(count + 1);
  else writer.i32(count);
}

function writeBytes(writer: Writer, bytes: Uint8Array, isFlexible: boolean): void {
  if (isFlexible) writer.uvarint(bytes.length + 1);
  else writer.i32(bytes.length);
  writer.copy(bytes, 0, bytes.length);
}

/** Lends the ranges to the output: record bytes are never copied on their way out. */
export function writeRecords(
  writer: Writer,
  records: ByteRange | readonly ByteRange[],
  isFlexible: boolean,
): void {
  const ranges = isSeveral(records) ? records : [records];
  let length = 0;
  for (const range of ranges) length += range.end - range.start;
  if (isFlexible) writer.uvarint(length + 1);
  else writer.i32(length);
  for (const { bytes, start, end } of ranges) writer.lend(bytes, start, end);
}

function isSeveral(records: ByteRange | readonly ByteRange[]): records is readonly ByteRange[] {
  return Array.isArray(records);
}
