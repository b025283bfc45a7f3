// The .proto files as serialized google.protobuf.FileDescriptorProto, and which symbol is declared in which of them: what
// reflection answers with. Built when the first client asks.
import protobuf from "protobufjs";
import "protobufjs/ext/descriptor.js";
import { loadProto } from "./proto-files.ts";
import type { ProtoFile } from "./proto-files.ts";

interface DescribedField {
  typeName?: string;
  type?: unknown;
  name?: string;
  oneofIndex?: number;
  proto3Optional?: boolean;
}

interface DescribedMessage {
  name?: string;
  field?: DescribedField[];
  nestedType?: DescribedMessage[];
  oneofDecl?: { name?: string }[];
}

interface DescribedMethod {
  name?: string;
  inputType?: string;
  outputType?: string;
}

interface DescribedFile {
  name?: string;
  messageType?: DescribedMessage[];
  service?: { name?: string; method?: DescribedMethod[] }[];
}

export class FileDescriptors {
  readonly #files: readonly ProtoFile[];
  readonly #bytes = new Map<string, Uint8Array>();
  /** The file that declares a full name, without the leading dot. */
  readonly #symbols = new Map<string, ProtoFile>();
  readonly #types = new Set<string>();
  readonly services: readonly string[];

  constructor(files: readonly ProtoFile[]) {
    this.#files = files;
    const services: string[] = [];
    for (const file of files) this.#index(file, loadProto(file), services);
    this.services = services.sort();
  }

  /** Null when this server does not speak it. */
  file(path: string): Uint8Array | null {
    const file = this.#files.find((known) => known === path);
    if (file === undefined) return null;
    let bytes = this.#bytes.get(file);
    if (bytes === undefined) {
      bytes = describe(file);
      this.#bytes.set(file, bytes);
    }
    return bytes;
  }

  fileOf(symbol: string): Uint8Array | null {
    const file = this.#symbols.get(symbol);
    return file === undefined ? null : this.file(file);
  }

  hasType(name: string): boolean {
    return this.#types.has(name);
  }

  #index(file: ProtoFile, scope: protobuf.NamespaceBase, services: string[]): void {
    for (const nested of scope.nestedArray) {
      const name = nested.fullName.slice(1);
      const isPackage = !(nested instanceof protobuf.Type) && !(nested instanceof protobuf.Service);
      if (!isPackage || nested instanceof protobuf.Enum) this.#symbols.set(name, file);
      if (nested instanceof protobuf.Enum) {
        // The values of an enum belong to the scope around it.
        for (const value of Object.keys(nested.values)) {
          this.#symbols.set(`${scope.fullName.slice(1)}.${value}`, file);
        }
      }
      if (nested instanceof protobuf.Type) {
        this.#types.add(name);
        for (const field of nested.fieldsArray) {
          this.#symbols.set(`${name}.${protoName(field)}`, file);
        }
      }
      if (nested instanceof protobuf.Service) {
        services.push(name);
        for (const method of nested.methodsArray) this.#symbols.set(`${name}.${method.name}`, file);
      }
      if (nested instanceof protobuf.Namespace) this.#index(file, nested, services);
    }
  }
}

function describe(path: ProtoFile): Uint8Array {
  const root = loadProto(path);
  const set = root.toDescriptor("proto3");
  // One root holds one file, so the set does too.
  const file = set.file?.[0] as DescribedFile;
  file.name = path;
  for (const message of file.messageType ?? []) {
    complete(message, root.lookupType(`${packageOf(file)}.${message.name ?? ""}`));
  }
  for (const service of file.service ?? []) {
    const { methods } = root.lookupService(`${packageOf(file)}.${service.name ?? ""}`);
    for (const method of service.method ?? []) {
      const resolved = methods[method.name ?? ""];
      method.inputType = resolved?.resolvedRequestType?.fullName ?? "";
      method.outputType = resolved?.resolvedResponseType?.fullName ?? "";
    }
  }
  const type = set.$type.root.lookupType("google.protobuf.FileDescriptorProto");
  return type.encode(file as Record<string, unknown>).finish();
}

function packageOf(file: DescribedFile): string {
  return (file as { readonly package?: string }).package ?? "";
}

/** Makes names absolute, as other languages expect them, and calls synthetic oneofs what protoc calls them. */
function complete(message: DescribedMessage, type: protobuf.Type): void {
  for (const field of message.field ?? []) {
    const resolved = type.fieldsArray.find((known) => protoName(known) === field.name);
    if (resolved?.resolvedType) field.typeName = resolved.resolvedType.fullName;
    const oneof = field.proto3Optional === true ? message.oneofDecl?.[field.oneofIndex ?? 0] : null;
    if (oneof) oneof.name = `_${field.name ?? ""}`;
  }
  for (const nested of message.nestedType ?? []) {
    complete(nested, type.lookupType(nested.name ?? ""));
  }
}

function protoName(field: protobuf.Field): string {
  return (field as { readonly protoName?: string }).protoName ?? field.name;
}
