// The parsed form of a schema text: a tree of fields, each with the versions it exists in. The parser
// makes it, the compilers for encoding and decoding and the renderer of TypeScript types read it.

export type ScalarType =
  | "bool"
  | "i8"
  | "i16"
  | "i32"
  | "i64"
  | "u16"
  | "u32"
  | "f64"
  | "uuid"
  | "str"
  | "bytes"
  | "records";

export interface VersionRange {
  readonly from: number;
  /** Inclusive. */
  readonly last: number;
}

export type Initial = number | string | boolean | null | readonly never[];

export interface Field {
  readonly name: string;
  readonly isArray: boolean;
  /** The type of the value, or of each item of an array. */
  readonly type: ScalarType | "struct";
  /** The fields of a struct, in wire order; empty for scalars. */
  readonly fields: readonly Field[];
  readonly versions: VersionRange;
  /** The versions in which the value may be null; null when it never may. */
  readonly nullable: VersionRange | null;
  /** The stated default; undefined when the text states none. */
  readonly initial: Initial | undefined;
  /** The number of a tagged field; null for a field in line. */
  readonly tag: number | null;
}

export const ALL_VERSIONS: VersionRange = { from: 0, last: Number.MAX_SAFE_INTEGER };

export function includes(range: VersionRange | null, version: number): boolean {
  return range !== null && version >= range.from && version <= range.last;
}

/**
 * What a field holds when it was not sent: the stated default, else null where it may ever be null, else the
 * empty value. Arrays and structs are made anew by the caller, hence `undefined` for a struct.
 */
export function initialOf(field: Field): Initial | Uint8Array | undefined {
  if (field.initial !== undefined) return field.initial;
  if (field.nullable !== null) return null;
  if (field.isArray) return NO_ITEMS;
  switch (field.type) {
    case "struct":
      return undefined;
    case "str":
    case "uuid":
      return "";
    case "bool":
      return false;
    case "bytes":
      return NO_BYTES;
    case "records":
      return null;
    default:
      return 0;
  }
}

export const NO_ITEMS: readonly never[] = Object.freeze([]);
const NO_BYTES = new Uint8Array(0);
