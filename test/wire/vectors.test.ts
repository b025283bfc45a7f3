// Known frames, byte for byte, and the special cases of ApiVersions.
import { expect, test } from "vitest";
import { fromHex, toHex } from "../../internal/bytes/hex.ts";
import { Reader } from "../../internal/bytes/reader.ts";
import { Writer } from "../../internal/bytes/writer.ts";
import { apiVersions } from "../../internal/kafka/api/18-api-versions.ts";
import type { ApiVersionsResponse } from "../../internal/kafka/api/18-api-versions.ts";
import { metadata } from "../../internal/kafka/api/03-metadata.ts";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { apiOf } from "../../internal/kafka/api/registry.ts";
import { decodeRequest, encodeRequest } from "../../internal/kafka/codec/request.ts";
import { decodeResponse, encodeResponse } from "../../internal/kafka/codec/response.ts";

const REQUEST_V3 =
  "00000025 0012 0003 00000001 0007 72646b61666b61 00 0b 6c696272646b61666b61 07 322e31352e30 00";
const ANSWER_V3 = "0000001a 00000001 0000 03 0000 0000 000d 00 0012 0000 0004 00 00000000 00";
const ANSWER_UNKNOWN = "00000010 00000001 0023 00000001 0012 0000 0004";
const FEATURE_TAGS =
  "03 00 1a 02 14 7472616e73616374696f6e2e76657273696f6e 0000 0002 00 01 08 0000000000000005 " +
  "02 1a 02 14 7472616e73616374696f6e2e76657273696f6e 0002 0002 00";
const bare = (text: string) => text.replaceAll(" ", "");

function answerOf(version: number, body: ApiVersionsResponse): string {
  const frame = encodeResponse(new Writer(), apiVersions, version, 1, body);
  if (!frame.ok) throw new Error(frame.fault.kind);
  return toHex(Buffer.concat(frame.value));
}

function decoded(hex: string) {
  return decodeRequest(new Reader(fromHex(hex), 4), apiOf);
}

test("an ApiVersions 3 request is read and written as librdkafka writes it", () => {
  expect(decoded(REQUEST_V3)).toMatchObject({
    ok: true,
    value: {
      header: { apiKey: 18, apiVersion: 3, correlationId: 1, clientId: "rdkafka" },
      body: { clientSoftwareName: "librdkafka", clientSoftwareVersion: "2.15.0" },
    },
  });
  const header = { apiVersion: 3, correlationId: 1, clientId: "rdkafka" };
  const body = { clientSoftwareName: "librdkafka", clientSoftwareVersion: "2.15.0" };
  const frame = encodeRequest(new Writer(), apiVersions, header, body);
  expect(frame.ok && toHex(Buffer.concat(frame.value))).toBe(bare(REQUEST_V3));
});

const keys = [
  { apiKey: 0, minVersion: 0, maxVersion: 13 },
  { apiKey: 18, minVersion: 0, maxVersion: 4 },
];

test("the ApiVersions 3 answer has no tag byte behind its correlation id", () => {
  expect(answerOf(3, { errorCode: 0, apiKeys: keys })).toBe(bare(ANSWER_V3));
  const back = decodeResponse(new Reader(fromHex(ANSWER_V3), 4), apiVersions, 3);
  expect(back.ok && back.value.body).toMatchObject({
    apiKeys: keys,
    finalizedFeaturesEpoch: -1,
    zkMigrationReady: false,
  });
});

test("an ApiVersions request of an unknown version is a fault of its own, answered in version 0", () => {
  const request = decoded("00000011 0012 0063 00000001 0007 72646b61666b61 ffff");
  expect(request).toEqual({
    ok: false,
    fault: {
      kind: "unsupported-api-versions",
      header: { apiKey: 18, apiVersion: 99, correlationId: 1, clientId: "rdkafka" },
    },
  });
  const answer = answerOf(0, { errorCode: 35, apiKeys: keys.slice(1) });
  expect(answer).toBe(bare(ANSWER_UNKNOWN));
});

test("features are tags of the answer", () => {
  const name = "transaction.version";
  const body: ApiVersionsResponse = {
    errorCode: 0,
    apiKeys: [],
    supportedFeatures: [{ name, minVersion: 0, maxVersion: 2 }],
    finalizedFeaturesEpoch: 5,
    finalizedFeatures: [{ name, maxVersionLevel: 2, minVersionLevel: 2 }],
  };
  expect(answerOf(4, body).endsWith(bare(FEATURE_TAGS))).toBe(true);
});

test("unknown tags are skipped, tags out of order are refused", () => {
  const metadataRequest = (tags: string) =>
    decoded(`00000000 0003 000c 00000001 ffff 01 2a 03 010203 00 00 00 ${tags}`);
  expect(metadataRequest("02 07 01 ff 7f 02 aabb").ok).toBe(true);
  expect(metadataRequest("02 7f 01 ff 07 02 aabb")).toMatchObject({
    ok: false,
    fault: { kind: "malformed", cause: { kind: "bad-tags" } },
  });
  expect(metadataRequest("01 07 7f ff").ok).toBe(false);
});

test("a tagged field that is not as long as it says is refused", () => {
  const wrong = bare(ANSWER_V3).slice(8, -2) + "01 01 09 000000000000000500";
  const back = decodeResponse(new Reader(fromHex(wrong)), apiVersions, 3);
  expect(back).toMatchObject({ ok: false, fault: { kind: "bad-tags" } });
});

test("a hostile count is refused before anything is allocated", () => {
  for (const [version, count] of [
    [1, "7fffffff"],
    [1, "fffffffe"],
    [9, "00 ffffffff0f"],
  ] as const) {
    const request = decoded(`00000000 0003 000${version} 00000001 ffff ${count} 00000000`);
    expect(request).toMatchObject({ ok: false, fault: { cause: { kind: "bad-length" } } });
  }
});

test("keys and versions without a handler are told apart from damaged requests", () => {
  const kindOf = (hex: string) => {
    const request = decoded(hex);
    return request.ok ? "ok" : request.fault.kind;
  };
  expect(kindOf("00000000 0004 0000 00000001 ffff")).toBe("unknown-api");
  expect(kindOf("00000000 0000 0002 00000001 ffff")).toBe("unsupported-version");
  expect(kindOf("00000000 0003 000e 00000001 ffff")).toBe("unsupported-version");
  expect(kindOf("00000000 0003")).toBe("short-header");
  expect(kindOf("00000000 0003 0001 00000001 ffff 0000")).toBe("malformed");
});

test("defaults of versions that lack a field are Kafka's", () => {
  const old = metadata.request.decode(fromHex("00000000"), 0);
  expect(old.ok && old.value).toEqual({
    topics: [],
    allowAutoTopicCreation: true,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  });
});

test("Produce offers version 0 and serves from 3 on", () => {
  expect([produce.advertisedMin, produce.versionMin, produce.versionMax]).toEqual([0, 3, 13]);
});
