// grpc.reflection.v1 and v1alpha: tells tools like grpcurl what this server speaks. Both versions have the same messages,
// so one implementation serves both.
import { status } from "@grpc/grpc-js";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { World } from "../ports/world.ts";
import type { Incoming } from "./calls.ts";
import { guarded, refuseDecoding } from "./calls.ts";
import { FileDescriptors } from "./file-descriptors.ts";
import type {
  ServerReflection,
  ServerReflectionRequest,
  ServerReflectionResponse,
} from "./generated/reflection.ts";
import type { Methods } from "./methods.ts";
import { PROTO_FILES } from "./proto-files.ts";
import { ReadGate } from "./read-gate.ts";
import { INTERNAL, shown, statusOf, STOPPING } from "./refusal.ts";

type ReflectionCall = ServerDuplexStream<Incoming<ServerReflectionRequest>, Buffer>;
type Answer = Omit<ServerReflectionResponse, "validHost" | "originalRequest">;

export class Reflection {
  readonly #world: World;
  readonly #streamBytesMax: number;
  readonly #calls = new Set<ReflectionCall>();
  #descriptors: FileDescriptors | null = null;

  constructor(world: World, streamBytesMax: number) {
    this.#world = world;
    this.#streamBytesMax = streamBytesMax;
  }

  /** The handler for one version of the protocol. */
  serve(methods: Methods<ServerReflection>): (call: ReflectionCall) => void {
    const method = methods.ServerReflectionInfo;
    return (call) => {
      const gate = new ReadGate(call, this.#streamBytesMax);
      this.#calls.add(call);
      call.on("cancelled", () => this.#calls.delete(call));
      call.on("end", () => call.end());
      const answer = (incoming: Incoming<ServerReflectionRequest>): void => {
        if (!incoming.ok) {
          call.emit("error", statusOf(refuseDecoding(incoming.fault)));
          return;
        }
        const { message } = incoming.value;
        const shape = { validHost: message.host, originalRequest: message };
        const bytes = method.response.encode({ ...shape, ...this.#answer(message) });
        gate.take(bytes.length);
        call.write(bytes, () => gate.give(bytes.length));
      };
      call.on("data", (incoming: Incoming<ServerReflectionRequest>) =>
        guarded(
          this.#world,
          method.path,
          () => answer(incoming),
          () => call.emit("error", statusOf(INTERNAL)),
        ),
      );
    };
  }

  stop(): void {
    for (const call of this.#calls) call.emit("error", statusOf(STOPPING));
  }

  #answer(request: ServerReflectionRequest): Answer {
    this.#descriptors ??= new FileDescriptors(PROTO_FILES);
    const descriptors = this.#descriptors;
    switch (request.messageRequest) {
      case "listServices":
        return {
          listServicesResponse: { service: descriptors.services.map((name) => ({ name })) },
        };
      case "fileByFilename":
        return file(descriptors.file(request.fileByFilename ?? ""), request.fileByFilename);
      case "fileContainingSymbol": {
        const symbol = request.fileContainingSymbol ?? "";
        return file(descriptors.fileOf(symbol.replace(/^\./, "")), symbol);
      }
      case "fileContainingExtension":
        return notFound(request.fileContainingExtension?.containingType);
      case "allExtensionNumbersOfType": {
        const name = request.allExtensionNumbersOfType ?? "";
        if (!descriptors.hasType(name)) return notFound(name);
        return { allExtensionNumbersResponse: { baseTypeName: name, extensionNumber: [] } };
      }
      case undefined:
        return fault(status.INVALID_ARGUMENT, "The request asks for nothing.");
      default:
        return request.messageRequest satisfies never;
    }
  }
}

function file(bytes: Uint8Array | null, name = ""): Answer {
  if (bytes === null) return notFound(name);
  return { fileDescriptorResponse: { fileDescriptorProto: [bytes] } };
}

function notFound(name = ""): Answer {
  return fault(status.NOT_FOUND, `This server does not know ${shown(name)}.`);
}

function fault(errorCode: number, errorMessage: string): Answer {
  return { errorResponse: { errorCode, errorMessage } };
}
