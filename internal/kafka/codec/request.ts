// Requests on the wire: header and body, in both directions. The header's form follows from the API and its
// version: flexible versions have a tag section in it, and the client id is an old-style string in all of them.
import { failed, ok } from "../../base/result.ts";
import type { Result } from "../../base/result.ts";
import type { DecodeFault, Reader } from "../../bytes/reader.ts";
import type { EncodeFault, Writer } from "../../bytes/writer.ts";
import { skipTags } from "../../schema/decode.ts";
import type { Draft } from "../../schema/message.ts";
import { serves } from "../api/api.ts";
import type { Api } from "../api/api.ts";
import type { AnyApi } from "../api/registry.ts";

export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  /** Null counts as the empty text. */
  readonly clientId: string;
}

/** A decoded request. Byte strings and records in the body are lent with the frame. */
export interface Request {
  readonly header: RequestHeader;
  readonly api: AnyApi;
  /** The request type of `api`. */
  readonly body: unknown;
}

/** All of these close the connection except the last, which has an answer (KIP-511). */
export type RequestFault =
  | { readonly kind: "short-header" }
  | { readonly kind: "malformed"; readonly header: RequestHeader; readonly cause: DecodeFault }
  | { readonly kind: "unknown-api"; readonly header: RequestHeader }
  | { readonly kind: "unsupported-version"; readonly header: RequestHeader }
  | { readonly kind: "unsupported-api-versions"; readonly header: RequestHeader };

export const API_VERSIONS_KEY = 18;
const SHORT_HEADER: RequestFault = { kind: "short-header" };

/** Decodes the frame that `reader` stands on. `served` answers the APIs that have a handler. */
export function decodeRequest(
  reader: Reader,
  served: (key: number) => AnyApi | undefined,
): Result<Request, RequestFault> {
  const apiKey = reader.i16();
  const apiVersion = reader.i16();
  const correlationId = reader.i32();
  const clientId = reader.stringOrNull() ?? "";
  if (reader.fault !== null) return failed(SHORT_HEADER);
  const header: RequestHeader = { apiKey, apiVersion, correlationId, clientId };
  const api = served(apiKey);
  if (api === undefined) return failed({ kind: "unknown-api", header });
  if (!serves(api, apiVersion)) {
    const isAnswered = apiKey === API_VERSIONS_KEY;
    const kind = isAnswered ? "unsupported-api-versions" : "unsupported-version";
    return failed({ kind, header });
  }
  if (apiVersion >= api.flexibleFrom) skipTags(reader);
  reader.limitItems(api.itemsMax);
  const body = api.readRequest(reader, apiVersion);
  const cause = reader.fault as DecodeFault | null;
  return cause === null ? ok({ header, api, body }) : failed({ kind: "malformed", header, cause });
}

/** Writes a whole request frame, as a client does. */
export function encodeRequest<Req, Res>(
  writer: Writer,
  api: Api<Req, Res>,
  header: Omit<RequestHeader, "apiKey">,
  body: Draft<Req>,
): Result<readonly Uint8Array[], EncodeFault> {
  const { apiVersion, correlationId, clientId } = header;
  const mark = writer.beginSized();
  writer.i16(api.key);
  writer.i16(apiVersion);
  writer.i32(correlationId);
  writer.string(clientId);
  if (apiVersion >= api.flexibleFrom) writer.uvarint(0);
  api.request.writeDraft(writer, apiVersion, body);
  writer.endSized(mark);
  return takeFrame(writer);
}

/** The chunks of the frame just written; a frame that failed is forgotten. */
export function takeFrame(writer: Writer): Result<readonly Uint8Array[], EncodeFault> {
  const fault = writer.fault;
  if (fault === null) return ok(writer.take());
  writer.discard();
  return failed(fault);
}
