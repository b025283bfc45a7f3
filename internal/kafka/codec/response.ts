// Responses on the wire: header and body, in both directions. Flexible versions have an empty tag section in
// the header, except ApiVersions, whose header never changes because clients read it before they know versions.
import { failed, ok } from "../../base/result.ts";
import type { Result } from "../../base/result.ts";
import type { DecodeFault, Reader } from "../../bytes/reader.ts";
import type { EncodeFault, Writer } from "../../bytes/writer.ts";
import { skipTags } from "../../schema/decode.ts";
import type { Complete } from "../../schema/message.ts";
import type { Api, ApiIdentity } from "../api/api.ts";
import { API_VERSIONS_KEY, takeFrame } from "./request.ts";

/** Writes a whole response frame. Records in the body are lent until its chunks are flushed. */
export function encodeResponse<Req, Res>(
  writer: Writer,
  api: Api<Req, Res>,
  apiVersion: number,
  correlationId: number,
  body: Res,
): Result<readonly Uint8Array[], EncodeFault> {
  const mark = writer.beginSized();
  writer.i32(correlationId);
  if (hasHeaderTags(api, apiVersion)) writer.uvarint(0);
  api.writeResponse(writer, apiVersion, body);
  writer.endSized(mark);
  return takeFrame(writer);
}

export interface Response<Body> {
  readonly correlationId: number;
  readonly body: Body;
}

/** Decodes the response frame that `reader` stands on, as a client does. Byte views are lent. */
export function decodeResponse<Req, Res>(
  reader: Reader,
  api: Api<Req, Res>,
  apiVersion: number,
): Result<Response<Complete<Res>>, DecodeFault> {
  const correlationId = reader.i32();
  if (hasHeaderTags(api, apiVersion)) skipTags(reader);
  const body = api.response.read(reader, apiVersion);
  return reader.fault === null ? ok({ correlationId, body }) : failed(reader.fault);
}

function hasHeaderTags(api: ApiIdentity, apiVersion: number): boolean {
  return apiVersion >= api.flexibleFrom && api.key !== API_VERSIONS_KEY;
}
