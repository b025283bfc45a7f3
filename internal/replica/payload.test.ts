import { expect, test } from "vitest";
import { encodeBatch } from "../model/encode-batch.ts";
import { ENTRY_BATCH, ENTRY_COMMAND } from "../raft/entry.ts";
import { payloadIntact, payloadSum } from "./payload.ts";

const AT = 7;

/** Bytes with something before the payload, and what a record header says of the payload. */
function stored(kind: typeof ENTRY_BATCH | typeof ENTRY_COMMAND) {
  const record = { key: null, value: Uint8Array.of(1, 2, 3), timestampMs: 1_700_000_000_000 };
  const payload = encodeBatch([record]);
  const bytes = new Uint8Array(AT + payload.length);
  bytes.set(payload, AT);
  const { length } = payload;
  return { bytes, header: { kind, length, ...payloadSum(kind, bytes, AT, bytes.length) } };
}

test.each([ENTRY_BATCH, ENTRY_COMMAND] as const)(
  "a payload of kind %i is not taken with any bit changed, those that Kafka's sum leaves out among them (P6)",
  (kind) => {
    const { bytes, header } = stored(kind);
    expect(payloadIntact(header, bytes, AT)).toBe(true);
    const unseen: number[] = [];
    for (let bit = AT * 8; bit < bytes.length * 8; bit++) {
      const byte = Math.floor(bit / 8);
      const before = bytes[byte] as number;
      bytes[byte] = before ^ (1 << (bit % 8));
      // The checksum that a batch carries must be the one in the header, so a bit of it is seen as well.
      if (payloadIntact(header, bytes, AT)) unseen.push(byte - AT);
      bytes[byte] = before;
    }
    expect(unseen).toEqual([]);
  },
);

test("half a payload, and nothing where a batch should be, are not taken", () => {
  const { bytes, header } = stored(ENTRY_BATCH);
  expect(payloadIntact(header, bytes.subarray(0, bytes.length - 1), AT)).toBe(false);
  expect(payloadIntact({ ...header, length: 0 }, bytes, AT)).toBe(false);
});
