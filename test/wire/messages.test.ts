// Every API in every version: what is encoded decodes to the same message, what is cut off or damaged is refused
// without an exception, a hang or an allocation that its bytes do not justify.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Reader } from "../../internal/bytes/reader.ts";
import { Writer } from "../../internal/bytes/writer.ts";
import { APIS } from "../../internal/kafka/api/registry.ts";
import type { AnyApi } from "../../internal/kafka/api/registry.ts";
import { decodeRequest, encodeRequest } from "../../internal/kafka/codec/request.ts";
import { decodeResponse, encodeResponse } from "../../internal/kafka/codec/response.ts";
import { arbitraryMessage, comparable } from "./arbitrary.ts";
import type { Struct } from "./arbitrary.ts";

const RUNS = 12;
const writer = new Writer();

interface Case {
  readonly api: AnyApi;
  readonly version: number;
  readonly title: string;
}

const CASES: readonly Case[] = APIS.flatMap((api) => {
  const versions: Case[] = [];
  for (let version = api.versionMin; version <= api.versionMax; version++) {
    versions.push({ api, version, title: `${api.name} ${version}` });
  }
  return versions;
});

function requestFrame({ api, version }: Case, body: Struct): Uint8Array {
  const header = { apiVersion: version, correlationId: 7, clientId: "test" };
  const frame = encodeRequest(writer, api, header, body);
  if (!frame.ok) throw new Error(frame.fault.kind);
  return Buffer.concat(frame.value);
}

function responseFrame({ api, version }: Case, body: Struct): Uint8Array {
  const frame = encodeResponse(writer, api, version, 7, body);
  if (!frame.ok) throw new Error(frame.fault.kind);
  return Buffer.concat(frame.value);
}

const only =
  ({ api }: Case) =>
  (key: number) =>
    key === api.key ? api : undefined;

describe.each(CASES)("$title", (one) => {
  const { api, version } = one;
  const requests = arbitraryMessage(api.request.fields, version);
  const responses = arbitraryMessage(api.response.fields, version);

  test("requests and responses come back", () => {
    fc.assert(
      fc.property(requests, responses, (request, response) => {
        const asked = requestFrame(one, request);
        const reader = new Reader(asked, 4);
        const decoded = decodeRequest(reader, only(one));
        expect(decoded.ok && comparable(decoded.value.body)).toEqual(comparable(request));
        expect(decoded.ok && decoded.value.header).toEqual({
          apiKey: api.key,
          apiVersion: version,
          correlationId: 7,
          clientId: "test",
        });
        expect(reader.remaining).toBe(0);

        const answered = responseFrame(one, response);
        const answer = new Reader(answered, 4);
        const back = decodeResponse(answer, api, version);
        expect(back.ok && comparable(back.value)).toEqual({
          correlationId: 7,
          body: comparable(response),
        });
        expect(answer.remaining).toBe(0);
        expect(new DataView(answered.buffer, answered.byteOffset).getInt32(0)).toBe(
          answered.length - 4,
        );
      }),
      { numRuns: RUNS },
    );
  });

  test("every truncation is refused, every damage is survived", () => {
    fc.assert(
      fc.property(requests, responses, fc.nat(), fc.nat(255), (request, response, place, value) => {
        const asked = requestFrame(one, request);
        for (let end = 4; end < asked.length; end++) {
          expect(decodeRequest(new Reader(asked, 4, end), only(one)).ok).toBe(false);
        }
        const answered = responseFrame(one, response);
        for (let end = 4; end < answered.length; end++) {
          expect(decodeResponse(new Reader(answered, 4, end), api, version).ok).toBe(false);
        }
        for (const frame of [asked, answered]) {
          const damaged = Uint8Array.from(frame);
          damaged[4 + (place % (damaged.length - 4))] = value;
          decodeRequest(new Reader(damaged, 4), only(one));
          decodeResponse(new Reader(damaged, 4), api, version);
        }
      }),
      { numRuns: RUNS },
    );
  });

  test("an empty draft takes defaults, and every version can be written from one value", () => {
    fc.assert(
      fc.property(arbitraryMessage(api.response.fields, api.versionMax), (response) => {
        const frame = responseFrame(one, response);
        expect(decodeResponse(new Reader(frame, 4), api, version).ok).toBe(true);
        const empty = api.response.encode(version, {});
        expect(empty.ok && api.response.decode(empty.value, version).ok).toBe(true);
      }),
      { numRuns: 3 },
    );
  });

  test("bytes of any kind decode or are refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const asked = api.readRequest(new Reader(bytes), version);
        const answered = api.response.read(new Reader(bytes), version);
        expect(typeof asked).toBe("object");
        expect(typeof answered).toBe("object");
      }),
      { numRuns: RUNS },
    );
  });
});
