// Compiles fields into a decoder for one version. What a field costs is decided here, once: a decoder only
// reads. Every decoded struct has all fields of its schema in the same order, so all structs of one kind share a
// hidden class; fields that the version lacks or the sender left out hold their default.
import type { ByteRange } from "../bytes/byte-range.ts";
import type { Reader } from "../bytes/reader.ts";
import { includes, initialOf } from "./field.ts";
import type { Field } from "./field.ts";

export type DecodeStruct = (reader: Reader) => Record<string, unknown>;
type Decode = (reader: Reader) => unknown;

interface TaggedField {
  readonly name: string;
  readonly decode: Decode;
}

export function compileDecoder(
  fields: readonly Field[],
  version: number,
  isFlexible: boolean,
): DecodeStruct {
  // A thawed copy: the engine clones an ordinary object by its hidden class, a frozen one field by field.
  const template = { ...initialStruct(fields) };
  const names: string[] = [];
  const decoders: Decode[] = [];
  const tagged = new Map<number, TaggedField>();
  for (const field of fields) {
    if (!includes(field.versions, version)) continue;
    const decode = compileField(field, version, isFlexible);
    if (field.tag !== null) {
      tagged.set(field.tag, { name: field.name, decode });
      continue;
    }
    names.push(field.name);
    decoders.push(decode);
  }
  const count = names.length;
  return (reader) => {
    const struct = { ...template };
    for (let index = 0; index < count; index++) struct[names[index]!] = decoders[index]!(reader);
    if (isFlexible) readTags(reader, struct, tagged);
    return struct;
  };
}

function readTags(
  reader: Reader,
  struct: Record<string, unknown>,
  tagged: ReadonlyMap<number, TaggedField>,
): void {
  const count = reader.uvarint();
  let last = -1;
  for (let read = 0; read < count && reader.fault === null; read++) {
    const tag = reader.uvarint();
    const size = reader.uvarint();
    if (tag <= last) {
      reader.fail("bad-tags");
      return;
    }
    last = tag;
    const field = tagged.get(tag);
    if (field === undefined || size > reader.remaining) {
      reader.skip(size);
      continue;
    }
    const outerEnd = reader.end;
    const end = reader.at + size;
    reader.end = end;
    struct[field.name] = field.decode(reader);
    reader.end = outerEnd;
    if (reader.at !== end) reader.fail("bad-tags");
    else if (reader.fault !== null) reader.at = outerEnd;
  }
}

/** Passes over a tag section none of whose tags is known. */
export function skipTags(reader: Reader): void {
  readTags(reader, {}, NO_TAGS);
}

const NO_TAGS: ReadonlyMap<number, TaggedField> = new Map();

/** An array's count; 0 after the fault of a null or of more items than can follow. */
export function readCount(reader: Reader, isFlexible: boolean, itemBytesMin: number): number {
  const sent = isFlexible ? reader.compactLength() : reader.i32();
  if (sent === -1) return reader.fail("bad-null");
  return reader.admitItems(sent, itemBytesMin);
}

/** A struct of defaults, frozen because it may be shared by many decoded messages. */
export function initialStruct(fields: readonly Field[]): Record<string, unknown> {
  const struct: Record<string, unknown> = {};
  for (const field of fields) {
    const initial = initialOf(field);
    struct[field.name] = initial === undefined ? initialStruct(field.fields) : initial;
  }
  return Object.freeze(struct);
}

function compileField(field: Field, version: number, isFlexible: boolean): Decode {
  const isNullable = includes(field.nullable, version);
  if (!field.isArray) return compileValue(field, version, isFlexible, isNullable);
  const decodeItem = compileValue(field, version, isFlexible, false);
  const itemBytesMin = Math.max(1, valueBytesMin(field, version, isFlexible, false));
  return (reader) => {
    const sent = isFlexible ? reader.compactLength() : reader.i32();
    if (sent === -1 && reader.fault === null) {
      if (isNullable) return null;
      reader.fail("bad-null");
      return [];
    }
    const count = reader.admitItems(sent, itemBytesMin);
    const items: unknown[] = [];
    for (let read = 0; read < count && reader.fault === null; read++)
      items.push(decodeItem(reader));
    return items;
  };
}

function compileValue(
  field: Field,
  version: number,
  isFlexible: boolean,
  isNullable: boolean,
): Decode {
  switch (field.type) {
    case "bool":
      return (reader) => reader.bool();
    case "i8":
      return (reader) => reader.i8();
    case "i16":
      return (reader) => reader.i16();
    case "i32":
      return (reader) => reader.i32();
    case "i64":
      return (reader) => reader.i64();
    case "u16":
      return (reader) => reader.u16();
    case "u32":
      return (reader) => reader.u32();
    case "f64":
      return (reader) => reader.f64();
    case "uuid":
      return (reader) => reader.uuid();
    case "str":
      return compileString(isFlexible, isNullable);
    case "bytes":
      return (reader) => readBytes(reader, isFlexible, isNullable);
    case "records":
      return (reader) => readRecords(reader, isFlexible);
    case "struct":
      return compileStruct(compileDecoder(field.fields, version, isFlexible), isNullable);
  }
}

function compileString(isFlexible: boolean, isNullable: boolean): Decode {
  if (isFlexible) {
    if (isNullable) return (reader) => reader.compactStringOrNull();
    return (reader) => reader.compactString();
  }
  if (isNullable) return (reader) => reader.stringOrNull();
  return (reader) => reader.string();
}

/** A nullable struct is announced by a byte of its own: -1 for null, 1 for present. */
function compileStruct(decode: DecodeStruct, isNullable: boolean): Decode {
  if (!isNullable) return decode;
  return (reader) => (reader.i8() < 0 ? null : decode(reader));
}

function readBytes(reader: Reader, isFlexible: boolean, isNullable: boolean): Uint8Array | null {
  const length = isFlexible ? reader.compactLength() : reader.i32();
  if (length === -1 && reader.fault === null) {
    if (isNullable) return null;
    reader.fail("bad-null");
  }
  return reader.view(length);
}

/** Records are never opened here: the caller gets the range they lie in. */
export function readRecords(reader: Reader, isFlexible: boolean): ByteRange | null {
  const length = isFlexible ? reader.compactLength() : reader.i32();
  if (length === -1 && reader.fault === null) return null;
  const start = reader.at;
  reader.skip(length);
  if (reader.fault !== null) return null;
  return { bytes: reader.bytes, start, end: start + length };
}

/** The fewest bytes a struct can take: what bounds the count of an array of them. */
function structBytesMin(fields: readonly Field[], version: number, isFlexible: boolean): number {
  let bytes = isFlexible ? 1 : 0;
  for (const field of fields) {
    if (field.tag !== null || !includes(field.versions, version)) continue;
    const isNullable = includes(field.nullable, version);
    if (field.isArray) bytes += isFlexible ? 1 : 4;
    else bytes += valueBytesMin(field, version, isFlexible, isNullable);
  }
  return bytes;
}

function valueBytesMin(
  field: Field,
  version: number,
  isFlexible: boolean,
  isNullable: boolean,
): number {
  switch (field.type) {
    case "bool":
    case "i8":
      return 1;
    case "i16":
    case "u16":
      return 2;
    case "i32":
    case "u32":
      return 4;
    case "i64":
    case "f64":
      return 8;
    case "uuid":
      return 16;
    case "str":
      return isFlexible ? 1 : 2;
    case "bytes":
    case "records":
      return isFlexible ? 1 : 4;
    case "struct":
      return isNullable ? 1 : structBytesMin(field.fields, version, isFlexible);
  }
}
