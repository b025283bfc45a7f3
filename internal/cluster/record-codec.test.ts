import { expect, test } from "vitest";
import { decodeRecords, encodeRecords } from "./record-codec.ts";
import type { ControllerRecord } from "./records.ts";

test("what is decoded shares nothing with the bytes, which are lent", () => {
  const value = Uint8Array.of(1, 2, 3);
  const record: ControllerRecord = { kind: "entry-set", space: "acl", key: "k", value };
  const bytes = encodeRecords([record]);
  const decoded = decodeRecords(bytes, 0, bytes.length);
  bytes.fill(0xee);
  expect(decoded).toMatchObject({ ok: true, value: [record] });
});
