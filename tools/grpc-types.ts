// TypeScript interfaces for the messages and services of one .proto file, as the server and the client see them:
// camelCase, 64-bit integers as numbers, enums as names, fields with presence as optional properties. A service becomes
// an interface of its methods. The text is formatted as prettier would.
import protobuf from "protobufjs";
import { loadProto } from "../internal/grpc/proto-files.ts";
import type { ProtoFile } from "../internal/grpc/proto-files.ts";

/** The generated files, below internal/grpc/generated/. v1alpha has the messages of v1. */
export const GENERATED: Readonly<Record<string, ProtoFile>> = {
  "log.ts": "flotilla/v1/log.proto",
  "admin.ts": "flotilla/v1/admin.proto",
  "health.ts": "grpc/health/v1/health.proto",
  "reflection.ts": "grpc/reflection/v1/reflection.proto",
};

const WIDTH = 100;
const SCALARS: Readonly<Record<string, string>> = {
  string: "string",
  bytes: "Uint8Array",
  bool: "boolean",
};

export function grpcTypes(file: ProtoFile): string {
  const parts = [`// Written by \`make gen\` from proto/${file}; edit that.\n`];
  const visit = (namespace: protobuf.NamespaceBase): void => {
    for (const nested of namespace.nestedArray) {
      if (nested instanceof protobuf.Type) parts.push(messageType(nested));
      if (nested instanceof protobuf.Enum) parts.push(enumType(nested));
      if (nested instanceof protobuf.Service) parts.push(serviceType(nested));
      if (nested instanceof protobuf.Namespace) visit(nested);
    }
  };
  visit(loadProto(file));
  return parts.join("\n");
}

function messageType(type: protobuf.Type): string {
  const lines = type.fieldsArray.map((field) => `  readonly ${property(field)};\n`);
  for (const oneof of type.oneofsArray) {
    const isSynthetic = oneof.fieldsArray.some((field) => hasPresence(field));
    if (isSynthetic) continue;
    lines.push("  /** Which of them is there. */\n");
    lines.push(
      ...choice(
        oneof.name,
        oneof.fieldsArray.map((field) => field.name),
      ),
    );
  }
  if (lines.length === 0) return `export type ${type.name} = Readonly<Record<string, never>>;\n`;
  return `export interface ${type.name} {\n${lines.join("")}}\n`;
}

function property(field: protobuf.Field): string {
  const base = valueType(field);
  if (field.repeated) return `${field.name}: readonly ${base}[]`;
  if (hasPresence(field) || field.partOf !== null) return `${field.name}?: ${base}`;
  if (field.resolvedType instanceof protobuf.Type) return `${field.name}?: ${base} | null`;
  return `${field.name}: ${base}`;
}

/** A property whose type is one of several names, on one line if they fit. */
function choice(name: string, names: readonly string[]): string[] {
  const quoted = names.map((one) => JSON.stringify(one));
  const line = `  readonly ${name}?: ${quoted.join(" | ")};`;
  if (line.length <= WIDTH) return [`${line}\n`];
  const branches = quoted.map((one) => `    | ${one}`).join("\n");
  return [`  readonly ${name}?:\n${branches};\n`];
}

function hasPresence(field: protobuf.Field): boolean {
  return field.options?.["proto3_optional"] === true;
}

function valueType(field: protobuf.Field): string {
  if (field.resolvedType !== null) return field.resolvedType.name;
  return SCALARS[field.type] ?? "number";
}

function enumType(type: protobuf.Enum): string {
  const names = Object.keys(type.values).map((name) => JSON.stringify(name));
  const line = `export type ${type.name} = ${names.join(" | ")};`;
  if (line.length <= WIDTH) return `${line}\n`;
  return `export type ${type.name} =\n${names.map((name) => `  | ${name}`).join("\n")};\n`;
}

function serviceType(service: protobuf.Service): string {
  const lines = service.methodsArray.map((method) => {
    const [request, response] = [method.requestType, method.responseType];
    const types = [`readonly request: ${request}`, `readonly response: ${response}`];
    const line = `  readonly ${method.name}: { ${types.join("; ")} };`;
    if (line.length <= WIDTH) return `${line}\n`;
    return `  readonly ${method.name}: {\n${types.map((type) => `    ${type};\n`).join("")}  };\n`;
  });
  return `export interface ${service.name} {\n${lines.join("")}}\n`;
}
