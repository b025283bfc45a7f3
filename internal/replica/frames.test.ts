import fc from "fast-check";
import { expect, test } from "vitest";
import type { SeenStart, StartAccount } from "../journal/starts.ts";
import type {
  BrokerId,
  DirectoryId,
  GroupId,
  LogIndex,
  Offset,
  ReplicaId,
  Term,
} from "../model/ids.ts";
import type { RecordHeader } from "../record/record.ts";
import { AppendFrameWriter, decodeAppendFrame } from "./append-frame.ts";
import type { AppendRow } from "./append-frame.ts";
import {
  decodeAcknowledgement,
  decodeAssertions,
  decodeEnvelopes,
  decodeSeen,
  decodeStarts,
  encodeAcknowledgement,
  encodeAssertions,
  encodeEnvelopes,
  encodeSeen,
  encodeStarts,
} from "./control-frames.ts";
import type { Assertion, Envelope } from "./control-frames.ts";
import { decodeMembership, encodeMembership } from "./membership.ts";
import type { Membership } from "./membership.ts";

const safe = fc.maxSafeNat();
const directory = fc
  .array(fc.constantFrom("a", "b", "X", "Y", "0", "9", "-", "_"), { minLength: 22, maxLength: 22 })
  .map((characters) => characters.join("") as DirectoryId);

const membership: fc.Arbitrary<Membership> = fc
  .uniqueArray(fc.tuple(safe, fc.nat(999_999), directory, fc.integer({ min: 1, max: 7 })), {
    minLength: 1,
    maxLength: 7,
    selector: ([replica]) => replica,
  })
  .chain((rows) => safe.map((revision) => ({ rows, revision })))
  .map(({ rows, revision }) => {
    const pick = (bit: number): ReplicaId[] =>
      rows
        .filter(([, , , parts]) => (parts & bit) !== 0)
        .map(([replica]) => replica as ReplicaId)
        .sort((a, b) => a - b);
    return {
      configuration: { voters: pick(1), votersOutgoing: pick(2), learners: pick(4), revision },
      members: rows.map(([replica, broker, at]) => ({
        replica: replica as ReplicaId,
        broker: broker as BrokerId,
        directory: at,
      })),
    };
  });

const message = fc.oneof(
  fc.record({
    say: fc.constantFrom("pre-vote-request" as const, "vote-request" as const),
    term: safe,
    lastIndex: safe,
    lastTerm: safe,
    transfer: fc.boolean(),
  }),
  fc.record({
    say: fc.constantFrom("pre-vote-response" as const, "vote-response" as const),
    term: safe,
    granted: fc.boolean(),
  }),
  fc.record({ say: fc.constant("append-accepted" as const), term: safe, match: safe }),
  fc.record({
    say: fc.constant("append-rejected" as const),
    term: safe,
    prevIndex: safe,
    hintIndex: safe,
    hintTerm: safe,
  }),
  fc.record({ say: fc.constant("assert" as const), term: safe, commit: safe }),
  fc.record({ say: fc.constantFrom("timeout-now", "transfer-refused"), term: safe }),
);

const envelope = fc.oneof(
  fc.record({ group: safe, to: safe, from: safe, message, membership: fc.constant(null) }),
  fc.tuple(safe, safe, membership).map(([term, index, of]) => ({
    group: 7,
    to: 8,
    from: 9,
    message: {
      say: "install-base" as const,
      term,
      base: { index, term },
      configuration: of.configuration,
    },
    membership: of,
  })),
) as fc.Arbitrary<Envelope>;

const assertion = fc.record({
  group: safe,
  term: safe,
  leader: safe,
  leads: fc.boolean(),
  commit: safe,
  version: fc.nat(0xffff_ffff),
  isr: fc.array(fc.nat(999_999), { maxLength: 5 }),
}) as fc.Arbitrary<unknown> as fc.Arbitrary<Assertion>;

test("a membership comes back as it went out", () => {
  fc.assert(
    fc.property(membership, (of) => {
      const bytes = encodeMembership(of);
      expect(decodeMembership(bytes, 0, bytes.length)).toEqual({ ok: true, value: of });
    }),
  );
});

test("control frames come back as they went out", () => {
  fc.assert(
    fc.property(fc.array(envelope), fc.array(assertion), (envelopes, assertions) => {
      const messages = encodeEnvelopes(envelopes);
      expect(decodeEnvelopes(messages, 0, messages.length)).toEqual({ ok: true, value: envelopes });
      const table = encodeAssertions(assertions);
      expect(decodeAssertions(table, 0, table.length)).toEqual({ ok: true, value: assertions });
      const acknowledgement = {
        sequence: 2 ** 40,
        durable: (2 ** 41) as never,
        exceptions: [
          { sequence: 2 ** 33, row: 3, isRejected: true },
          { sequence: 2 ** 34, row: 0, isRejected: false },
        ],
        messages: envelopes,
      };
      const bytes = encodeAcknowledgement(acknowledgement);
      expect(decodeAcknowledgement(bytes, 0, bytes.length)).toEqual({
        ok: true,
        value: acknowledgement,
      });
    }),
  );
  const seen = { start: 2 ** 47, ticket: 2 ** 50 } as SeenStart;
  const told = encodeSeen(seen);
  expect(decodeSeen(told, 0, told.length)).toEqual({ ok: true, value: seen });
  const account = {
    floor: 2 ** 40,
    starts: [{ start: 2 ** 47, last: 2 ** 41 }],
  } as unknown as StartAccount;
  const given = encodeStarts(account);
  expect(decodeStarts(given, 0, given.length)).toEqual({ ok: true, value: account });
  expect(decodeStarts(given, 0, 8).ok).toBe(false);
});

const row: AppendRow = {
  group: 5 as GroupId,
  to: 2 as ReplicaId,
  from: 3 as ReplicaId,
  term: 9 as Term,
  prevIndex: 40 as LogIndex,
  prevTerm: 8 as Term,
  commit: 39 as LogIndex,
};

function header(index: number, length: number): RecordHeader {
  return {
    type: "append",
    kind: 0,
    group: row.group,
    partition: 1,
    replica: row.from,
    term: row.term,
    index: index as LogIndex,
    baseOffset: (index * 2) as Offset,
    recordCount: 2,
    length,
    checksum: 0xdead_beef,
    headSum: 0x1234,
    vote: 0 as ReplicaId,
  };
}

function frame(): Uint8Array {
  const writer = new AppendFrameWriter();
  writer.begin();
  writer.row(row);
  writer.entry(header(41, 3));
  writer.entry(header(42, 5));
  writer.row({ ...row, group: 6 as GroupId });
  const head = writer.take(77);
  const bytes = new Uint8Array(head.length + 8);
  bytes.set(head);
  bytes.set([1, 2, 3, 4, 5, 6, 7, 8], head.length);
  return bytes;
}

test("an append frame comes back with its rows, headers and the places of its payloads", () => {
  const bytes = frame();
  const decoded = decodeAppendFrame(bytes, 0, bytes.length);
  expect(decoded.ok).toBe(true);
  if (!decoded.ok) return;
  const [first, second] = decoded.value.rows;
  expect(decoded.value.sequence).toBe(77);
  expect(first).toMatchObject(row);
  expect(first?.entries).toEqual([header(41, 3), header(42, 5)]);
  expect(first?.payloadStart).toEqual([bytes.length - 8, bytes.length - 5]);
  expect(second).toMatchObject({ group: 6, entries: [] });
});

test("an append frame that was cut off or changed is refused or harmless, never an exception", () => {
  const bytes = frame();
  for (let end = 0; end < bytes.length; end++) {
    expect(decodeAppendFrame(bytes, 0, end).ok).toBe(false);
  }
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
      const damaged = bytes.slice();
      damaged[at] = value;
      const decoded = decodeAppendFrame(damaged, 0, damaged.length);
      if (!decoded.ok) return;
      for (const one of decoded.value.rows) {
        one.entries.forEach((entry, k) => {
          expect((one.payloadStart[k] as number) + entry.length).toBeLessThanOrEqual(
            damaged.length,
          );
        });
      }
    }),
  );
});

test("control frames of random bytes are refused or decoded, never an exception", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      for (const decode of [
        decodeEnvelopes,
        decodeAssertions,
        decodeAcknowledgement,
        decodeMembership,
        decodeSeen,
      ]) {
        expect(typeof decode(bytes, 0, bytes.length).ok).toBe("boolean");
      }
    }),
  );
});
