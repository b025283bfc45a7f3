// A service's methods with the codecs of their messages, typed by the generated interfaces. Server and client are built
// from the same table.
import type protobuf from "protobufjs";
import { MessageCodec } from "./message-codec.ts";
import { loadProto } from "./proto-files.ts";
import type { ProtoFile } from "./proto-files.ts";

export interface Method<Request, Response> {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly request: MessageCodec<Request>;
  readonly response: MessageCodec<Response>;
}

/** What a generated service interface looks like. */
export type ServiceShape<Service> = {
  readonly [Name in keyof Service]: { readonly request: unknown; readonly response: unknown };
};

export type Methods<Service extends ServiceShape<Service>> = {
  readonly [Name in keyof Service]: Method<Service[Name]["request"], Service[Name]["response"]>;
};

/** `service` is the full name, for example flotilla.v1.Log. */
export function methodsOf<Service extends ServiceShape<Service>>(
  file: ProtoFile,
  service: string,
): Methods<Service> {
  const root = loadProto(file);
  const methods: Record<string, Method<unknown, unknown>> = {};
  for (const method of root.lookupService(service).methodsArray) {
    methods[method.name] = {
      path: `/${service}/${method.name}`,
      requestStream: method.requestStream === true,
      responseStream: method.responseStream === true,
      request: new MessageCodec(method.resolvedRequestType as protobuf.Type),
      response: new MessageCodec(method.resolvedResponseType as protobuf.Type),
    };
  }
  return methods as Methods<Service>;
}
