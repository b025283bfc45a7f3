import { expect, test } from "vitest";
import type { Offset, Term } from "../model/ids.ts";
import type { AppendFault, ReadFault } from "../service/faults.ts";
import { ErrorCode, isRetriable } from "./codec/errors.ts";
import {
  adminCode,
  appendText,
  blamedRecords,
  epochCode,
  fetchCode,
  listOffsetsCode,
  produceCode,
} from "./errors-table.ts";

const hint = { leader: null, leaderEpoch: 1 as Term };

/** What a producer must send again, as Kafka's clients see it. */
test("faults that pass are retriable codes, faults that stay are not", () => {
  const passing: AppendFault[] = [
    { kind: "not-leader", hint },
    { kind: "not-enough-replicas" },
    { kind: "not-enough-replicas-after-append" },
    { kind: "timed-out" },
    { kind: "storage-full" },
    { kind: "unknown-topic" },
    { kind: "batch", fault: { kind: "corrupt", reason: "crc" } },
  ];
  const staying: AppendFault[] = [
    { kind: "invalid-acks" },
    { kind: "invalid-producer-epoch" },
    { kind: "internal-topic" },
    { kind: "out-of-order-sequence", expected: 3 },
    { kind: "unexpected-end", end: 4 as Offset },
    { kind: "batch", fault: { kind: "too-large", sizeBytes: 1 } },
    { kind: "batch", fault: { kind: "keyless", records: [1, 3] } },
    { kind: "batch", fault: { kind: "unreadable", reason: "count" } },
    { kind: "batch", fault: { kind: "bomb", bytesMax: 1 } },
  ];
  expect(passing.filter((fault) => !isRetriable(produceCode(fault, 9)))).toEqual([]);
  expect(staying.filter((fault) => isRetriable(produceCode(fault, 9)))).toEqual([]);
});

test("old versions get codes that they know", () => {
  const full: AppendFault = { kind: "storage-full" };
  expect([produceCode(full, 3), produceCode(full, 4)]).toEqual([6, 56]);
  const storage: ReadFault = { kind: "storage" };
  expect([fetchCode(storage, 5), fetchCode(storage, 6)]).toEqual([6, 56]);
  const late: ReadFault = { kind: "offset-not-available" };
  expect([listOffsetsCode(late, 4), listOffsetsCode(late, 5)]).toEqual([5, 78]);
  expect([fetchCode(late, 4), epochCode(late)]).toEqual([78, 6]);
});

test("a controller that cannot be reached is a matter of time", () => {
  for (const kind of ["not-founded", "outcome-unknown", "timed-out", "busy"] as const) {
    expect(adminCode({ kind, detail: "" })).toBe(ErrorCode.REQUEST_TIMED_OUT);
  }
});

test("a full journal names the limit", () => {
  expect(appendText({ kind: "storage-full" })).toContain("journal.bytes.max");
});

test("records are blamed where Kafka names them, and texts are sentences", () => {
  const key: AppendFault = { kind: "batch", fault: { kind: "keyless", records: [1, 3] } };
  const timestamp = { kind: "invalid-timestamp", timestampMs: 1, records: [0] } as const;
  const time: AppendFault = { kind: "batch", fault: timestamp };
  const stamp: AppendFault = { kind: "batch", fault: { kind: "log-append-time" } };
  const crc: AppendFault = { kind: "batch", fault: { kind: "corrupt", reason: "crc" } };
  expect([key, time, crc].map((fault) => blamedRecords(fault, 1))).toEqual([[1, 3], [0], []]);
  expect(blamedRecords(stamp, 3)).toEqual([0, 1, 2]);
  expect([key, time, crc].every((fault) => appendText(fault)?.endsWith(".") === true)).toBe(true);
  expect(appendText({ kind: "timed-out" })).toBeNull();
});
