// What the program knows about one Kafka API: its key, the versions it serves, and the two messages.
// The handlers are written against the request and response types beside each definition.
import { Message } from "../../schema/message.ts";

export interface Api<Request, Response> {
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
  readonly request: Message<Request>;
  readonly response: Message<Response>;
}

export interface ApiOptions {
  readonly key: number;
  readonly name: string;
  readonly versions: readonly [min: number, max: number];
  readonly advertisedMin?: number;
  readonly flexibleFrom: number | null;
  readonly request: string;
  readonly response: string;
}

export function defineApi<Request, Response>(options: ApiOptions): Api<Request, Response> {
  const { key, name, versions, flexibleFrom } = options;
  return {
    key,
    name,
    versionMin: versions[0],
    versionMax: versions[1],
    advertisedMin: options.advertisedMin ?? versions[0],
    flexibleFrom: flexibleFrom ?? Number.POSITIVE_INFINITY,
    request: new Message({ name: `${name}Request`, flexibleFrom, fields: options.request }),
    response: new Message({ name: `${name}Response`, flexibleFrom, fields: options.response }),
  };
}

export function serves(api: Api<unknown, unknown>, version: number): boolean {
  return version >= api.versionMin && version <= api.versionMax;
}
