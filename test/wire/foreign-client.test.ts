// A client that others wrote reads our responses and writes requests to us. Each of its parsers gets arbitrary
// responses in our encoding, must use every byte, and must find the same values under the names that it shares with
// us. Each of its request writers whose parameters are named like our fields gets arbitrary values for them; we must
// read the same values and use every byte.
import * as client from "@platformatic/kafka";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Reader } from "../../internal/bytes/reader.ts";
import { serves } from "../../internal/kafka/api/api.ts";
import { apiOf } from "../../internal/kafka/api/registry.ts";
import type { AnyApi } from "../../internal/kafka/api/registry.ts";
import { includes } from "../../internal/schema/field.ts";
import type { Field } from "../../internal/schema/field.ts";
import { arbitraryMessage, comparable } from "./arbitrary.ts";
import type { Struct } from "./arbitrary.ts";

interface ForeignApi {
  createRequest(...values: readonly unknown[]): { readonly buffer: Buffer };
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
const NO_UUID = "A".repeat(22);

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

/**
 * Writers whose parameters are named like ours and mean something else inside: other names of nested fields, values that
 * they check or replace.
 */
const DIFFERENT_INSIDE =
  /^(alterClientQuotas|deleteAcls|describeLogDirs|fetch|listGroupsV5|metadataV1|offsetForLeaderEpoch)/;

/** The request writers that take our fields by name, each with the names of its parameters. */
const WRITERS = CASES.flatMap((one) => {
  const list = /^function \w*\(([^)]*)\)/.exec(one.foreign.createRequest.toString())?.[1] ?? "";
  const parameters = list.split(",").map((name) => name.replace(/=.*/, "").trim());
  const fields = one.api.request.fields.filter((field) => includes(field.versions, one.version));
  const isOurs = parameters.every((name) => fields.some((field) => field.name === name));
  return isOurs && !DIFFERENT_INSIDE.test(one.title) ? [{ ...one, parameters }] : [];
});

describe.each(WRITERS)("$title", ({ foreign, api, version, parameters }) => {
  test("writes requests that we read", () => {
    fc.assert(
      fc.property(arbitraryMessage(api.request.fields, version), (request) => {
        const values = parameters.map((name) => {
          const field = api.request.fields.find((candidate) => candidate.name === name);
          return field === undefined ? undefined : foreignForm(request[name], field);
        });
        const reader = new Reader(foreign.createRequest(...values).buffer);
        const read = api.readRequest(reader, version) as Struct;
        expect([reader.fault, reader.remaining]).toEqual([null, 0]);
        for (const name of parameters)
          expect(comparable(read[name])).toEqual(comparable(request[name]));
      }),
      { numRuns: 20 },
    );
  });
});

test.each([11, 12, 13, 15, 17])("its Fetch request of version %i is read", (version) => {
  const fetch = CASES.find(({ title }) => title === `fetchV${version}`);
  const partitions = [
    {
      partition: 4,
      currentLeaderEpoch: 7,
      fetchOffset: 1n << 40n,
      lastFetchedEpoch: -1,
      partitionMaxBytes: 99,
    },
  ];
  const id = "00010203-0405-0607-0809-0a0b0c0d0e0f";
  const forgotten = { topic: "old", topicId: id, partitions: [1, 2] };
  const topics = [
    { topic: version < 13 ? "named" : id, topicId: version < 13 ? "named" : id, partitions },
  ];
  const written = fetch?.foreign.createRequest(500, 1, 1000, 1, 3, 4, topics, [forgotten], "rack");
  const reader = new Reader(written?.buffer ?? new Uint8Array(0));
  const read = fetch?.api.readRequest(reader, version);
  expect([reader.fault, reader.remaining]).toEqual([null, 0]);
  const name = version < 13 ? { topic: "named" } : { topicId: "AAECAwQFBgcICQoLDA0ODw" };
  expect(read).toMatchObject({
    replicaId: -1,
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: 1000,
    isolationLevel: 1,
    sessionId: 3,
    sessionEpoch: 4,
    topics: [
      {
        ...name,
        partitions: [
          {
            partition: 4,
            currentLeaderEpoch: 7,
            fetchOffset: 2 ** 40,
            logStartOffset: -1,
            partitionMaxBytes: 99,
          },
        ],
      },
    ],
    forgottenTopicsData: [{ partitions: [1, 2] }],
    rackId: "rack",
  });
});

/** A value in the types of the client: bigint for 64 bits, Buffer for bytes, uuids with dashes. */
function foreignForm(value: unknown, field: Field): unknown {
  if (value === null) return null;
  if (Array.isArray(value))
    return value.map((item) => foreignForm(item, { ...field, isArray: false }));
  switch (field.type) {
    case "i64":
      return BigInt(value as number);
    case "bytes":
      return Buffer.from(value as Uint8Array);
    case "uuid": {
      const hex = Buffer.from(value === "" ? NO_UUID : (value as string), "base64url").toString(
        "hex",
      );
      return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
    }
    case "struct":
      return Object.fromEntries(
        field.fields.map((inner) => [
          inner.name,
          foreignForm((value as Struct)[inner.name], inner),
        ]),
      );
    default:
      return value;
  }
}

test("there are cases for most of what we serve", () => {
  expect(CASES.length).toBeGreaterThan(150);
  expect(WRITERS.length).toBeGreaterThan(50);
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
