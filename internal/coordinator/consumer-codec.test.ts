// Records of consumer groups against bytes written by hand from Kafka's schemas, and every kind there and back.
import { expect, test } from "vitest";
import { fromHex, toHex } from "../bytes/hex.ts";
import { decodeBatch } from "../model/decode-batch.ts";
import { encodeBatch } from "../model/encode-batch.ts";
import type { TopicId } from "../model/ids.ts";
import { assignmentOf, NO_PARTITIONS } from "./assignment.ts";
import type { ConsumerMember } from "./consumer-member.ts";
import { groupCodec } from "./group-codec.ts";
import type { ConsumerGroupRecord } from "./group-records.ts";

const TOPIC = "AAECAwQFBgcICQoLDA0ODw" as TopicId;
const TOPIC_BYTES = "000102030405060708090a0b0c0d0e0f";
const named = { group: "g", atMs: 1_000 };
const inMember = { ...named, memberId: "m" };
const some = assignmentOf([{ topicId: TOPIC, partitions: [0, 2] }]);

const member: ConsumerMember = {
  memberId: "m",
  instanceId: null,
  rackId: "r",
  clientId: "c",
  clientHost: "/h",
  rebalanceTimeoutMs: 5_000,
  topics: ["t"],
  regex: null,
  assignor: "range",
  classic: null,
};

const classic = {
  sessionTimeoutMs: 6_000,
  protocols: [{ name: "p", metadata: Uint8Array.of(1, 2) }],
};

const position = {
  epoch: 3,
  previousEpoch: 2,
  state: "unrevoked" as const,
  assigned: some,
  revoking: NO_PARTITIONS,
};

const G = "0001 67";
const M = "0001 6d";
const RANGE = "06 72616e6765";
const PARTITIONS = `${TOPIC_BYTES} 03 00000000 00000002 00`;

const KINDS: readonly (readonly [ConsumerGroupRecord, string, string | null])[] = [
  [
    { kind: "consumer-epoch", ...named, value: { epoch: 7, metadataHash: 258 } },
    `0003 ${G}`,
    "0000 00000007 01 00 08 0000000000000102",
  ],
  [
    { kind: "consumer-member", ...inMember, value: member },
    `0005 ${G} ${M}`,
    `0000 00 0272 0263 032f68 02 0274 00 00001388 ${RANGE} 00`,
  ],
  [
    { kind: "consumer-member", ...inMember, value: { ...member, classic } },
    `0005 ${G} ${M}`,
    `0000 00 0272 0263 032f68 02 0274 00 00001388 ${RANGE} 01 00 0d 01 00001770 02 0270 030102 00 00`,
  ],
  [{ kind: "target-epoch", ...named, value: 7 }, `0006 ${G}`, "0000 00000007 00"],
  [{ kind: "target", ...inMember, value: some }, `0007 ${G} ${M}`, `0000 02 ${PARTITIONS} 00`],
  [
    { kind: "position", ...inMember, value: position },
    `0008 ${G} ${M}`,
    `0000 00000003 00000002 01 02 ${PARTITIONS} 01 00`,
  ],
  [{ kind: "consumer-epoch", ...named, value: null }, `0003 ${G}`, null],
  [{ kind: "consumer-member", ...inMember, value: null }, `0005 ${G} ${M}`, null],
  [{ kind: "target-epoch", ...named, value: null }, `0006 ${G}`, null],
  [{ kind: "target", ...inMember, value: null }, `0007 ${G} ${M}`, null],
  [{ kind: "position", ...inMember, value: null }, `0008 ${G} ${M}`, null],
];

const plain = (text: string): string => text.replaceAll(" ", "");

test.each(KINDS)("%j", (record, key, value) => {
  const bytes = groupCodec.encode([record]);
  expect(bytes.length).toBeLessThanOrEqual(groupCodec.bytesMax(record));
  const batch = decodeBatch({ bytes, start: 0, end: bytes.length });
  if (!batch.ok) throw new Error("not a batch");
  const [one] = batch.value;
  expect(toHex(one?.key ?? new Uint8Array(0))).toBe(plain(key));
  expect(one?.value === null ? null : toHex(one?.value ?? new Uint8Array(0))).toBe(
    value === null ? null : plain(value),
  );
  const decoded = groupCodec.decode(bytes, 0, bytes.length);
  bytes.fill(0xee); // lent until the call returns
  expect(decoded).toEqual({ ok: true, value: [record] });
});

test.each(["0004", "0010"])("a record of kind %s is another broker's, and is skipped", (kind) => {
  const bytes = encodeBatch([
    { key: fromHex(plain(`${kind} ${G}`)), value: fromHex("0000"), timestampMs: 1 },
  ]);
  expect(groupCodec.decode(bytes, 0, bytes.length)).toEqual({ ok: true, value: [] });
});

test.each([
  ["a key that ends early", `0005 ${G}`, "0000"],
  ["a value of another version", `0006 ${G}`, "0001 00000007 00"],
  ["a value that ends early", `0006 ${G}`, "0000 0000"],
  ["a state that there is not", `0008 ${G} ${M}`, "0000 00000003 00000002 09 01 01 00"],
])("%s is not understood", (_title, key, value) => {
  const bytes = encodeBatch([
    { key: fromHex(plain(key)), value: fromHex(plain(value)), timestampMs: 1 },
  ]);
  expect(groupCodec.decode(bytes, 0, bytes.length).ok).toBe(false);
});
