import { expect, it } from "vitest";
import { decompress } from "../bytes/decompress.ts";
import { encodeBatch, encodeMarker, MARKER_COMMIT } from "../model/encode-batch.ts";
import type { BatchOptions } from "../model/encode-batch.ts";
import type { Offset } from "../model/ids.ts";
import { setLogAppendTime } from "../model/record-batch.ts";
import type { StoredRecord } from "./generated/log.ts";
import { TailRecords } from "./tail-records.ts";

const DECOMPRESSED_BYTES_MAX = 1 << 20;

function batch(values: readonly string[], options: BatchOptions = {}): Uint8Array {
  const records = values.map((value, index) => ({
    key: null,
    value: new TextEncoder().encode(value),
    timestampMs: 100 + index,
  }));
  return encodeBatch(records, { leaderEpoch: 4, ...options });
}

function offer(records: TailRecords, slices: readonly Uint8Array[]): void {
  records.offer(
    slices,
    slices.reduce((sum, { length }) => sum + length, 0),
  );
}

/** Everything there is, as lists of responses; decompresses inline. */
function takeAll(records: TailRecords, bytesMax: number): (readonly StoredRecord[])[] | "corrupt" {
  const responses: (readonly StoredRecord[])[] = [];
  for (;;) {
    const taken = records.take(bytesMax);
    if (!taken.ok) return taken.fault;
    const step = taken.value;
    if (step.step === "empty") return responses;
    if (step.step === "records") responses.push(step.records);
    if (step.step === "decompress") {
      const opened = decompress(step.job.codec, step.job.bytes, step.job.bytesMax);
      if (!opened.ok) throw new Error(opened.fault.kind);
      records.opened(opened.value);
    }
  }
}

const brief = ({ offset, value }: StoredRecord): string =>
  `${offset} ${new TextDecoder().decode(value)}`;

it("TailRecords starts inside a batch, crosses batches of every codec and steps over control batches", () => {
  const records = new TailRecords(1 as Offset, DECOMPRESSED_BYTES_MAX);
  const marker = encodeMarker({
    type: MARKER_COMMIT,
    producerId: 9,
    producerEpoch: 0,
    coordinatorEpoch: 0,
    timestampMs: 5,
  });
  marker[7] = 4;
  offer(records, [
    batch(["a", "b"], { baseOffset: 0 }),
    batch(["c", "d"], { baseOffset: 2, codec: 1 }),
    marker,
    batch(["e"], { baseOffset: 5, codec: 4 }),
    batch(["f"], { baseOffset: 6 }),
  ]);
  const responses = takeAll(records, 1 << 20);
  if (responses === "corrupt") throw new Error(responses);
  expect(responses.flat().map(brief)).toEqual(["1 b", "2 c", "3 d", "5 e", "6 f"]);
  expect(records.nextOffset).toBe(7);
  expect(responses.flat()[0]).toMatchObject({ leaderEpoch: 4, timestampMs: 101 });
});

it("TailRecords pauses on the way to the end of a batch of very many records", () => {
  const records = new TailRecords(39_999 as Offset, DECOMPRESSED_BYTES_MAX);
  offer(records, [batch(new Array<string>(40_000).fill(""))]);
  let pauses = 0;
  for (;;) {
    const taken = records.take(1 << 20);
    if (!taken.ok) throw new Error(taken.fault);
    const step = taken.value;
    if (step.step !== "pause") {
      expect(step.step === "records" && step.records.map(({ offset }) => offset)).toEqual([39_999]);
      break;
    }
    pauses++;
  }
  expect(pauses).toBe(2);
  expect(records.nextOffset).toBe(40_000);
});

it("TailRecords steps over records that say they lie behind their batch", () => {
  const records = new TailRecords(0 as Offset, DECOMPRESSED_BYTES_MAX);
  const lying = encodeBatch(
    [0, 900, 1].map((offsetDelta) => ({ key: null, value: null, timestampMs: 1, offsetDelta })),
    { lastOffsetDelta: 2 },
  );
  offer(records, [lying, batch(["a"], { baseOffset: 3 })]);
  const responses = takeAll(records, 1 << 20);
  if (responses === "corrupt") throw new Error(responses);
  expect(responses.flat().map(({ offset }) => offset)).toEqual([0, 1, 3]);
});

it("TailRecords keeps responses near their limit, and sends a record that is bigger alone", () => {
  const records = new TailRecords(0 as Offset, DECOMPRESSED_BYTES_MAX);
  const values = ["x".repeat(100), "y".repeat(100), "z".repeat(5_000), "w".repeat(100)];
  offer(records, [batch(values.slice(0, 3)), batch(values.slice(3), { baseOffset: 3 })]);
  const responses = takeAll(records, 300);
  if (responses === "corrupt") throw new Error(responses);
  expect(responses.map((response) => response.map(({ offset }) => offset))).toEqual([
    [0, 1],
    [2],
    [3],
  ]);
});

it("TailRecords ends behind a batch whose last records are gone, and takes the time of the append", () => {
  const records = new TailRecords(0 as Offset, DECOMPRESSED_BYTES_MAX);
  const compacted = batch(["a"], { lastOffsetDelta: 9 });
  setLogAppendTime(compacted, 0, 777);
  offer(records, [compacted]);
  const responses = takeAll(records, 1_000);
  if (responses === "corrupt") throw new Error(responses);
  expect(responses.flat()).toMatchObject([{ offset: 0, timestampMs: 777 }]);
  expect(records.nextOffset).toBe(10);
});

it("TailRecords copies what it is offered", () => {
  const records = new TailRecords(0 as Offset, DECOMPRESSED_BYTES_MAX);
  const lent = batch(["a", "b"]);
  offer(records, [lent]);
  lent.fill(0xdd);
  const responses = takeAll(records, 1_000);
  if (responses === "corrupt") throw new Error(responses);
  expect(responses.flat().map(brief)).toEqual(["0 a", "1 b"]);
});

it("TailRecords refuses damaged bytes", () => {
  const damaged = batch(["abc"]);
  damaged[damaged.length - 2]! ^= 1;
  const cut = batch(["abc"]).subarray(0, 70);
  for (const bytes of [damaged, cut]) {
    const records = new TailRecords(0 as Offset, DECOMPRESSED_BYTES_MAX);
    offer(records, [bytes]);
    expect(takeAll(records, 1_000)).toBe("corrupt");
  }
});
