// Renders the TypeScript interfaces of a schema text. The interfaces are kept in the source beside their
// text, where editors and the compiler see them, and a test compares the two, so neither can drift.
// A struct's interface is named after its message and field. In a message that brokers write, a field with
// a stated default or a tag is optional; in one that brokers read, every field is present.
import type { Field } from "./field.ts";

export type Author = "broker" | "client";

export function renderTypes(name: string, fields: readonly Field[], author: Author): string {
  const rendered: string[] = [];
  renderStruct(name, name, fields, author, rendered, new Set([name]));
  return rendered.join("\n");
}

function renderStruct(
  message: string,
  name: string,
  fields: readonly Field[],
  author: Author,
  rendered: string[],
  names: Set<string>,
): void {
  // All fields are named before any is entered: the short names belong to the outer structs.
  const types = fields.map((field) =>
    field.type === "struct" ? structName(message, name, field, names) : scalar(field, author),
  );
  let lines = "";
  fields.forEach((field, index) => {
    const isOptional = author === "broker" && (field.initial !== undefined || field.tag !== null);
    lines += `  readonly ${field.name}${isOptional ? "?" : ""}: ${wrap(field, types[index]!)};\n`;
  });
  const body = lines === "" ? "{}" : `{\n${lines}}`;
  rendered.push(`export interface ${name} ${body}\n`);
  fields.forEach((field, index) => {
    if (field.type !== "struct") return;
    renderStruct(message, types[index]!, field.fields, author, rendered, names);
  });
}

function structName(message: string, parent: string, field: Field, names: Set<string>): string {
  const suffix = field.name.charAt(0).toUpperCase() + field.name.slice(1);
  const short = message + suffix;
  const name = names.has(short) ? parent + suffix : short;
  names.add(name);
  return name;
}

function wrap(field: Field, type: string): string {
  const whole = field.isArray ? `readonly ${type}[]` : type;
  const isNullable = field.nullable !== null || field.type === "records";
  return isNullable ? `${whole} | null` : whole;
}

function scalar(field: Field, author: Author): string {
  switch (field.type) {
    case "bool":
      return "boolean";
    case "str":
      return "string";
    case "uuid":
      return field.name === "topicId" ? "TopicId" : "string";
    case "bytes":
      return "Uint8Array";
    case "records":
      return author === "broker" ? "LentRecords" : "ByteRange";
    default:
      return "number";
  }
}
