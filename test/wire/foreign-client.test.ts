// A client that others wrote reads our responses: each of its parsers gets arbitrary responses in our encoding, must
// use every byte, and must find the same values under the names that it shares with us.
import * as client from "@platformatic/kafka";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { serves } from "../../internal/kafka/api/api.ts";
import { apiOf } from "../../internal/kafka/api/registry.ts";
import type { AnyApi } from "../../internal/kafka/api/registry.ts";
import { includes } from "../../internal/schema/field.ts";
import type { Field } from "../../internal/schema/field.ts";
import { arbitraryMessage, comparable } from "./arbitrary.ts";
import type { Struct } from "./arbitrary.ts";

interface ForeignApi {
  readonly api: { readonly key: number; readonly version: number };
  parseResponse(
    correlationId: number,
    key: number,
    version: number,
    reader: client.Reader,
  ): unknown;
}

interface Case {
  readonly title: string;
  readonly foreign: ForeignApi;
  readonly api: AnyApi;
  readonly version: number;
}

const ERROR_CODES_KNOWN = 90;

const CASES: readonly Case[] = Object.entries(client as Record<string, unknown>)
  .filter(([name]) => /^[a-z]\w*V\d+$/.test(name))
  .flatMap(([title, value]) => {
    const foreign = value as ForeignApi;
    const { key, version } = foreign.api;
    const api = apiOf(key);
    return api !== undefined && serves(api, version) ? [{ title, foreign, api, version }] : [];
  });

function parse({ foreign, api, version }: Case, bytes: Uint8Array): unknown {
  const reader = client.Reader.from(Buffer.from(bytes));
  let response: unknown;
  try {
    response = foreign.parseResponse(1, api.key, version, reader);
  } catch (thrown) {
    // Error codes make it throw, with what it parsed attached.
    if (!(thrown instanceof client.ResponseError)) throw thrown;
    response = (thrown as unknown as { readonly response: unknown }).response;
  }
  expect(reader.remaining).toBe(0);
  return response;
}

/** Compares the fields that the version has and both sides name; parsers leave some of them out. */
function expectShared(
  theirs: unknown,
  ours: unknown,
  fields: readonly Field[],
  version: number,
  path: string,
): void {
  if (Array.isArray(theirs) && Array.isArray(ours)) {
    expect(theirs.length, path).toBe(ours.length);
    theirs.forEach((item, at) => {
      expectShared(item, ours[at], fields, version, `${path}/${at}`);
    });
    return;
  }
  if (theirs === null || typeof theirs !== "object" || fields.length === 0) {
    expect(foreignValue(theirs), path).toEqual(ours);
    return;
  }
  for (const field of fields) {
    const { name } = field;
    if (!(name in theirs) || !includes(field.versions, version)) continue;
    const [their, our] = [(theirs as Struct)[name], (ours as Struct | null)?.[name]];
    expectShared(their, our, field.fields, version, `${path}/${name}`);
  }
}

function foreignValue(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Buffer.isBuffer(value)) return value.toString("hex");
  if (typeof value === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value)) {
    const bytes = Buffer.from(value.replaceAll("-", ""), "hex");
    return bytes.every((byte) => byte === 0) ? "" : bytes.toString("base64url");
  }
  return comparable(value);
}

describe.each(CASES)("$title", (one) => {
  const { api, version } = one;

  test("parses our responses", () => {
    const responses = arbitraryMessage(api.response.fields, version);
    fc.assert(
      fc.property(responses, (response) => {
        // Its ApiVersions parser stops at an error, because the answer may then be in an older form.
        const fixed = api.name === "ApiVersions" ? { errorCode: 0 } : {};
        const body: Struct = { ...(palatable(response) as Struct), ...fixed };
        const encoded = api.response.encode(version, body);
        if (!encoded.ok) throw new Error(encoded.fault.kind);
        expectShared(parse(one, encoded.value), comparable(body), api.response.fields, version, "");
      }),
      { numRuns: 20 },
    );
  });
});

test("there are cases for most of what we serve", () => {
  expect(CASES.length).toBeGreaterThan(150);
});

/**
 * The message as the client can take it: records, which would have to be batches, are left out, and error codes
 * are ones that it knows.
 */
function palatable(value: unknown, name = ""): unknown {
  if (name === "records") return null;
  if (name.endsWith("rrorCode")) return Math.abs(value as number) % ERROR_CODES_KNOWN;
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map((item) => palatable(item));
  return Object.fromEntries(
    Object.entries(value).map(([inner, its]) => [inner, palatable(its, inner)]),
  );
}
