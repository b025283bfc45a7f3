// Reads the schema notation. A text lists fields in wire order:
//
//   throttleTimeMs i32=0@1+, topics[]?(1+){name str?(10+), topicId uuid@10+}, epoch i64=-1@3+#1
//
// name, `[]` for an array, `?` for nullable (`?(10+)`: from version 10 on), the type or a struct's fields in
// braces, `=` the default, `@` the versions it exists in (3+, ≤3, 1-3, 4) and `#` the number of a tagged
// field. For an array or struct the suffixes stand before the brace; `?` may also follow a scalar's type.
// Texts are part of the program, so a mistake in one is a bug and throws.
import { assert } from "../base/assert.ts";
import { ALL_VERSIONS, NO_ITEMS } from "./field.ts";
import type { Field, Initial, ScalarType, VersionRange } from "./field.ts";

const SCALARS: ReadonlySet<string> = new Set<ScalarType>([
  "bool",
  "i8",
  "i16",
  "i32",
  "i64",
  "u16",
  "u32",
  "f64",
  "uuid",
  "str",
  "bytes",
  "records",
]);

export function parseFields(text: string): readonly Field[] {
  const cursor = new Cursor(text);
  const fields = parseList(cursor);
  assert(cursor.atEnd(), "a schema text ends after its last field");
  return fields;
}

function parseList(cursor: Cursor): readonly Field[] {
  const fields: Field[] = [];
  if (cursor.atEnd() || cursor.peek("}")) return fields;
  do fields.push(parseField(cursor));
  while (cursor.skip(","));
  return fields;
}

function parseField(cursor: Cursor): Field {
  const name = cursor.match(/[a-z][A-Za-z0-9]*/y);
  const isArray = cursor.skip("[]");
  let nullable = parseNullable(cursor);
  const word = cursor.tryMatch(/[a-z][a-z0-9]*/y);
  assert(word === null || SCALARS.has(word), "a schema names a known type");
  nullable ??= parseNullable(cursor);
  const initial = cursor.skip("=") ? parseInitial(cursor) : undefined;
  const versions = cursor.skip("@") ? parseVersions(cursor) : ALL_VERSIONS;
  const tag = cursor.skip("#") ? Number(cursor.match(/[0-9]+/y)) : null;
  if (word !== null) {
    const type = word as ScalarType;
    return { name, isArray, type, fields: [], versions, nullable, initial, tag };
  }
  assert(cursor.skip("{"), "a field has a type or a struct's fields");
  const fields = parseList(cursor);
  assert(cursor.skip("}"), "a struct's fields end with a brace");
  return { name, isArray, type: "struct", fields, versions, nullable, initial, tag };
}

function parseNullable(cursor: Cursor): VersionRange | null {
  if (!cursor.skip("?")) return null;
  if (!cursor.skip("(")) return ALL_VERSIONS;
  const versions = parseVersions(cursor);
  assert(cursor.skip(")"), "nullable versions end with a parenthesis");
  return versions;
}

function parseVersions(cursor: Cursor): VersionRange {
  if (cursor.skip("≤")) return { from: 0, last: Number(cursor.match(/[0-9]+/y)) };
  const from = Number(cursor.match(/[0-9]+/y));
  if (cursor.skip("+")) return { from, last: ALL_VERSIONS.last };
  if (cursor.skip("-")) return { from, last: Number(cursor.match(/[0-9]+/y)) };
  return { from, last: from };
}

function parseInitial(cursor: Cursor): Initial {
  const word = cursor.match(/-?[0-9]+|true|false|null|""|\[\]/y);
  switch (word) {
    case "true":
      return true;
    case "false":
      return false;
    case "null":
      return null;
    case '""':
      return "";
    case "[]":
      return NO_ITEMS;
    default:
      return Number(word);
  }
}

/** A position in the text; every step skips the white space before it. */
class Cursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at++;
  }

  atEnd(): boolean {
    this.#skipSpace();
    return this.#at === this.#text.length;
  }

  peek(token: string): boolean {
    this.#skipSpace();
    return this.#text.startsWith(token, this.#at);
  }

  skip(token: string): boolean {
    if (!this.peek(token)) return false;
    this.#at += token.length;
    return true;
  }

  tryMatch(pattern: RegExp): string | null {
    this.#skipSpace();
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return null;
    this.#at += found[0].length;
    return found[0];
  }

  match(pattern: RegExp): string {
    const found = this.tryMatch(pattern);
    assert(found !== null, "a schema text follows the notation");
    return found;
  }
}
