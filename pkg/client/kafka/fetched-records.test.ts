import { expect, test } from "vitest";
import { encodeBatch } from "../../../internal/model/encode-batch.ts";
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
