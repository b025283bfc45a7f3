// What the program knows about one Kafka API: its key, the versions it serves, and the two messages.
// The handlers are written against the request and response types beside each definition.
import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import { Message } from "../../schema/message.ts";
import type { Complete } from "../../schema/message.ts";

/** What can be said about an API without knowing its messages. */
export interface ApiIdentity {
  readonly key: number;
  readonly name: string;
  /** The versions whose requests are decoded and answered. */
  readonly versionMin: number;
  readonly versionMax: number;
  /**
   * The lowest version offered to clients. Below `versionMin` only where clients look for a version
   * that nobody sends any more before they turn a feature on.
   */
  readonly advertisedMin: number;
  /** The first version in the flexible format; infinite when there is none. */
  readonly flexibleFrom: number;
  /** How many array items a request may have, all arrays together: they are taken up in one turn (L7). */
  readonly itemsMax: number;
}

/** More than a cluster has partitions. */
const ITEMS_MAX = 1 << 17;

export interface Api<Request, Response> extends ApiIdentity {
  readonly request: Message<Request>;
  readonly response: Message<Response>;
  /** Decodes a request. The message's own decoder, or a hand-written one with the same results. */
  readRequest(reader: Reader, version: number): Complete<Request>;
  /** Encodes a response. The message's own encoder, or a hand-written one with the same bytes. */
  writeResponse(writer: Writer, version: number, value: Response): void;
}

export interface ApiOptions<Request, Response> {
  readonly key: number;
  readonly name: string;
  readonly versions: readonly [min: number, max: number];
  readonly advertisedMin?: number;
  readonly flexibleFrom: number | null;
  /** When it is another than that of most. */
  readonly itemsMax?: number;
  readonly request: string;
  readonly response: string;
  /** For the few APIs whose share of all work justifies code of their own. */
  readonly readRequest?: (reader: Reader, version: number) => Complete<Request>;
  readonly writeResponse?: (writer: Writer, version: number, value: Response) => void;
}

export function defineApi<Request, Response>(
  options: ApiOptions<Request, Response>,
): Api<Request, Response> {
  const { key, name, versions, flexibleFrom } = options;
  const request = new Message<Request>({
    name: `${name}Request`,
    flexibleFrom,
    fields: options.request,
  });
  const response = new Message<Response>({
    name: `${name}Response`,
    flexibleFrom,
    fields: options.response,
  });
  return {
    key,
    name,
    versionMin: versions[0],
    versionMax: versions[1],
    advertisedMin: options.advertisedMin ?? versions[0],
    flexibleFrom: flexibleFrom ?? Number.POSITIVE_INFINITY,
    itemsMax: options.itemsMax ?? ITEMS_MAX,
    request,
    response,
    readRequest: options.readRequest ?? ((reader, version) => request.read(reader, version)),
    writeResponse:
      options.writeResponse ??
      ((writer, version, value) => {
        response.write(writer, version, value);
      }),
  };
}

export function serves(api: ApiIdentity, version: number): boolean {
  return version >= api.versionMin && version <= api.versionMax;
}
