import type { GroupId } from "../model/ids.ts";
import { NO_LOG } from "./group-requests.ts";
import { expect, test } from "vitest";
import fc from "fast-check";
import { fromHex } from "../bytes/hex.ts";
import { decodeBatch } from "../model/decode-batch.ts";
import { encodeBatch } from "../model/encode-batch.ts";
import { groupCodec } from "./group-codec.ts";
import type { GroupRecord } from "./group-records.ts";

const text = fc.string({ unit: "binary", maxLength: 40 }).map((one) => one.toWellFormed());
const number = fc.integer({ min: -1, max: 2 ** 31 - 1 });
const time = fc.integer({ min: 0, max: 2 ** 42 });
const bytes = fc.uint8Array({ maxLength: 60 });

const member = fc.record({
  memberId: text,
  instanceId: fc.option(text),
  clientId: text,
  clientHost: text,
  rebalanceTimeoutMs: fc.nat(),
  sessionTimeoutMs: fc.nat(),
  subscription: bytes,
  assignment: bytes,
});

const record: fc.Arbitrary<GroupRecord> = fc.oneof(
  fc.record({
    kind: fc.constant("group-set" as const),
    group: text,
    atMs: time,
    stored: fc.record({
      protocolType: text,
      generation: number,
      protocol: fc.option(text),
      leader: fc.option(text),
      sinceMs: time,
      members: fc.array(member, { maxLength: 5 }),
    }),
  }),
  fc.record({ kind: fc.constant("group-gone" as const), group: text, atMs: time }),
  fc.record({
    kind: fc.constant("offset-set" as const),
    group: text,
    topic: text,
    partition: fc.nat(),
    committed: fc
      .record({
        log: fc.maxSafeNat().map((id) => id as GroupId),
        offset: fc.maxSafeNat(),
        leaderEpoch: number,
        metadata: text,
        commitMs: time,
        expireMs: fc.option(time, { nil: -1 }),
      })
      // The version that has an expiry has no leader epoch.
      .map((one) => (one.expireMs === -1 ? one : { ...one, leaderEpoch: -1 })),
  }),
  fc.record({
    kind: fc.constant("offset-gone" as const),
    group: text,
    topic: text,
    partition: fc.nat(),
    atMs: time,
  }),
);

test("what is written is read again, and is no longer than was said", () => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 8 }), (records) => {
      const encoded = groupCodec.encode(records);
      const said = records.reduce((sum, one) => sum + groupCodec.bytesMax(one), 0);
      expect(encoded.length).toBeLessThanOrEqual(said);
      const lent = new Uint8Array(encoded.length + 9);
      lent.set(encoded, 4);
      const decoded = groupCodec.decode(lent, 4, 4 + encoded.length);
      lent.fill(0xee);
      expect(decoded).toEqual({ ok: true, value: records });
    }),
  );
});

function decoded(key: string, value: string | null) {
  const one = { key: fromHex(key), value: value === null ? null : fromHex(value), timestampMs: 9 };
  const batch = encodeBatch([one]);
  return groupCodec.decode(batch, 0, batch.length);
}

const GROUP_KEY = "0002 0001 67";
const OFFSET_KEY = "0001 0001 67 0001 74 00000003";

test.each([
  ["version 0", "0000 0000000000000007 0001 6d 0000000000000008", -1, -1],
  [
    "version 1, with an expiry",
    "0001 0000000000000007 0001 6d 0000000000000008 000000000000000a",
    -1,
    10,
  ],
  [
    "version 3, with a leader epoch",
    "0003 0000000000000007 00000005 0001 6d 0000000000000008",
    5,
    -1,
  ],
  [
    "version 4, flexible, with a tag nobody knows",
    "0004 0000000000000007 00000005 02 6d 0000000000000008 01 00 02 abcd",
    5,
    -1,
  ],
])("an offset of %s", (_title, value, leaderEpoch, expireMs) => {
  const committed = { log: NO_LOG, offset: 7, leaderEpoch, metadata: "m", commitMs: 8, expireMs };
  const expected = { kind: "offset-set", group: "g", topic: "t", partition: 3, committed };
  expect(decoded(OFFSET_KEY, value)).toEqual({ ok: true, value: [expected] });
});

test("group metadata of version 0: no times, no instances, the session timeout stands for both", () => {
  const head = "0000 0008 636f6e73756d6572 00000002 0001 72 0001 6d 00000001";
  const value = `${head} 0001 6d 0001 63 0001 68 00001770 00000001 aa 00000001 bb`;
  const read = decoded(GROUP_KEY, value);
  expect(read).toMatchObject({
    ok: true,
    value: [
      {
        kind: "group-set",
        group: "g",
        stored: {
          generation: 2,
          protocol: "r",
          sinceMs: -1,
          members: [{ instanceId: null, rebalanceTimeoutMs: 6_000, sessionTimeoutMs: 6_000 }],
        },
      },
    ],
  });
});

test.each([
  ["a key of another kind", "0009 0001 67", null],
  ["a key that ends early", "0001 0001 67", null],
  ["a value of another version", OFFSET_KEY, "0009 00"],
  ["a value that ends early", OFFSET_KEY, "0003 0000"],
  ["metadata that ends early", GROUP_KEY, "0003 0001"],
])("%s is not understood", (_title, key, value) => {
  expect(decoded(key, value).ok).toBe(false);
});

test("an offset names its log in a header, which Kafka's value has no place for", () => {
  const log = 77 as GroupId;
  const times = { commitMs: 8, expireMs: -1 };
  const committed = { log, offset: 7, leaderEpoch: 2, metadata: "m", ...times };
  const record = { kind: "offset-set", group: "g", topic: "t", partition: 3, committed } as const;
  const bytes = groupCodec.encode([record]);
  expect(groupCodec.decode(bytes, 0, bytes.length)).toEqual({ ok: true, value: [record] });
  const opened = decodeBatch({ bytes, start: 0, end: bytes.length });
  const value = "0003 0000000000000007 00000002 0001 6d 0000000000000008";
  expect(opened.ok && opened.value[0]?.value).toEqual(fromHex(value));
});
