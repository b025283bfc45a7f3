import { expect, test } from "vitest";
import {
  encodeBatch,
  encodeMarker,
  MARKER_ABORT,
  MARKER_COMMIT,
} from "../../../internal/model/encode-batch.ts";
import { setBaseOffset } from "../../../internal/model/record-batch.ts";
import type { Offset } from "../../../internal/model/ids.ts";
import { fetchedRun } from "./fetched-records.ts";
import type { FetchedPartition } from "./fetched-records.ts";

/** Batches of zeros behind each other. */
function answerOf(batches: number, records: number, valueBytes: number): FetchedPartition {
  const value = new Uint8Array(valueBytes);
  const list = new Array(records).fill({ key: null, value, timestampMs: 5 });
  const sent = encodeBatch(list, { codec: 4 });
  const bytes = Buffer.concat(
    Array.from({ length: batches }, (_, place) => {
      const batch = sent.slice();
      setBaseOffset(batch, 0, (place * records) as Offset);
      return batch;
    }),
  );
  return { records: { bytes, start: 0, end: bytes.length } } as never;
}

test.each([
  [60_000, 0],
  [10, 4 << 20],
])("an answer of batches with %i records of %i bytes is opened in parts", (count, valueBytes) => {
  const answer = answerOf(4, count, valueBytes);
  const nexts: number[] = [];
  for (let position = 0; position < 4 * count; position = nexts.at(-1)!) {
    const run = fetchedRun({ topic: "t", partition: 0, position }, answer, true);
    const wanted = Array.from({ length: 2 * count }, (_, place) => position + place);
    expect(run.records.map(({ offset }) => offset)).toEqual(wanted);
    nexts.push(run.nextOffset);
  }
  expect(nexts).toEqual([2 * count, 4 * count]);
});

test("what a producer writes after a transaction that it aborted is read", () => {
  const written = (value: string, producerId: number) =>
    encodeBatch([{ key: null, value: Buffer.from(value), timestampMs: 5 }], {
      isTransactional: true,
      producerId,
    });
  const ended = (type: typeof MARKER_ABORT | typeof MARKER_COMMIT, producerId: number) =>
    encodeMarker({ type, producerId, producerEpoch: 0, coordinatorEpoch: 0, timestampMs: 5 });
  const batches = [
    written("aborted by 7", 7),
    written("committed by 8", 8),
    ended(MARKER_COMMIT, 8),
    written("aborted by 7 as well", 7),
    ended(MARKER_ABORT, 7),
    written("committed by 7", 7),
    ended(MARKER_COMMIT, 7),
    written("aborted by 7 again", 7),
    ended(MARKER_ABORT, 7),
  ];
  batches.forEach((batch, place) => setBaseOffset(batch, 0, place as Offset));
  const bytes = Buffer.concat(batches);
  const answer = {
    records: { bytes, start: 0, end: bytes.length },
    abortedTransactions: [
      { producerId: 7, firstOffset: 7 },
      { producerId: 7, firstOffset: 0 },
    ],
  } as never;
  const from = { topic: "t", partition: 0, position: 0 };
  const values = (readCommitted: boolean): readonly string[] =>
    fetchedRun(from, answer, readCommitted).records.map(({ value }) => String(value));
  expect(values(true)).toEqual(["committed by 8", "committed by 7"]);
  expect(values(false)).toHaveLength(5);
});
