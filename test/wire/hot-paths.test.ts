// Produce and Fetch have code of their own. It reads and writes exactly what the schemas say: the same values, the same
// bytes, and a fault wherever the schema's code has one.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Reader } from "../../internal/bytes/reader.ts";
import { Writer } from "../../internal/bytes/writer.ts";
import { fetch } from "../../internal/kafka/api/01-fetch.ts";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import type { AnyApi } from "../../internal/kafka/api/registry.ts";
import { arbitraryMessage, comparable } from "./arbitrary.ts";
import type { Struct } from "./arbitrary.ts";

const RARE = ["nodeEndpoints", "currentLeader", "divergingEpoch", "snapshotId", "recordErrors"];
const CASES = ([produce, fetch] as readonly AnyApi[]).flatMap((api) => {
  const versions = Array.from(
    { length: api.versionMax - api.versionMin + 1 },
    (_, at) => at + api.versionMin,
  );
  return versions.map((version) => ({ title: `${api.name} ${version}`, api, version }));
});

/** The message without the fields that make the hand-written code give way to the schema's. */
function without(names: readonly string[], value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => without(names, item));
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return value;
  if ("bytes" in value) return value;
  const kept = Object.entries(value).filter(([name]) => !names.includes(name));
  return Object.fromEntries(kept.map(([name, inner]) => [name, without(names, inner)]));
}

function outcome(bytes: Uint8Array, read: (reader: Reader) => unknown): unknown {
  const reader = new Reader(bytes);
  const value = read(reader);
  return reader.fault === null ? [comparable(value), reader.at] : "fault";
}

describe.each(CASES)("$title", ({ api, version }) => {
  const requests = arbitraryMessage(api.request.fields, version);
  const responses = arbitraryMessage(api.response.fields, version);
  const byHand = (bytes: Uint8Array) =>
    outcome(bytes, (reader) => api.readRequest(reader, version));
  const bySchema = (bytes: Uint8Array) =>
    outcome(bytes, (reader) => api.request.read(reader, version));
  const tags = ["clusterId", "replicaState", "replicaDirectoryId", "highWatermark"];

  test("requests are read alike, whole, cut off and damaged", () => {
    fc.assert(
      fc.property(
        requests,
        fc.boolean(),
        fc.nat(),
        fc.nat(255),
        (request, isPlain, place, value) => {
          const body = (isPlain ? without(tags, request) : request) as Struct;
          const encoded = api.request.encode(version, body);
          if (!encoded.ok) throw new Error(encoded.fault.kind);
          const bytes = encoded.value;
          expect(byHand(bytes)).toEqual(bySchema(bytes));
          expect(byHand(bytes)).not.toBe("fault");
          for (let end = 0; end < bytes.length; end++) {
            expect(byHand(bytes.subarray(0, end))).toEqual("fault");
          }
          bytes[place % bytes.length] = value;
          expect(byHand(bytes)).toEqual(bySchema(bytes));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("arbitrary bytes are read alike", () => {
    const small = fc.array(fc.constantFrom(0, 0, 0, 1, 2, 3, 255), { maxLength: 120 });
    fc.assert(
      fc.property(small, (values) => {
        const bytes = Uint8Array.from(values);
        expect(byHand(bytes)).toEqual(bySchema(bytes));
      }),
      { numRuns: 200 },
    );
  });

  test("responses are written alike, with and without what is rare", () => {
    fc.assert(
      fc.property(
        responses,
        fc.subarray([...RARE, "errorMessage", "abortedTransactions"]),
        (response, left) => {
          const body = without(left, response) as Struct;
          const all = without([...RARE, "errorMessage"], response) as Struct;
          for (const value of [body, all]) {
            const [hand, schema] = [new Writer(), new Writer()];
            api.writeResponse(hand, version, value);
            api.response.write(schema, version, value);
            expect([hand.fault, schema.fault]).toEqual([null, null]);
            expect(hand.takeJoined()).toEqual(schema.takeJoined());
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
