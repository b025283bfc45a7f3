// Opens batches: splits a blob of records into its batches, and turns one batch into records for clients,
// tests and the readers of internal topics. Brokers on the produce and fetch paths need none of this.
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { ByteRange } from "../bytes/byte-range.ts";
import { decompress } from "../bytes/decompress.ts";
import type { DecompressFault } from "../bytes/decompress.ts";
import { readI16 } from "../bytes/integers.ts";
import type { Offset } from "./ids.ts";
import { CODEC_NONE, RecordBatchView, batchEnd } from "./record-batch.ts";
import { RecordCursor } from "./record-cursor.ts";
import type { RecordHeader } from "./record-cursor.ts";
import { verifyBatch } from "./validate-batch.ts";
import type { BatchFault } from "./validate-batch.ts";

export interface DecodedRecord {
  readonly offset: Offset;
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
}

export type OpenFault = BatchFault | DecompressFault;

/** What a decompressed payload may grow to where the caller sets no limit of its own. */
const DECOMPRESSED_BYTES_MAX = 64 * 1024 * 1024;
const CORRUPT: OpenFault = { kind: "corrupt", reason: "length" };

/** The batches of a blob, in order. A cut-off batch at the end is left out: fetch answers may end in one. */
export function splitBatches(records: ByteRange): readonly ByteRange[] {
  const { bytes } = records;
  const batches: ByteRange[] = [];
  let start = records.start;
  for (let end = batchEnd(bytes, start, records.end); end !== -1;) {
    batches.push({ bytes, start, end });
    start = end;
    end = batchEnd(bytes, start, records.end);
  }
  return batches;
}

/** The uncompressed records of a batch that is known to be whole, decompressed here when they must be. */
function openPayload(
  batch: RecordBatchView,
  bytesMax = DECOMPRESSED_BYTES_MAX,
): Result<ByteRange, OpenFault> {
  const { bytes, recordsStart: start, end, codec } = batch;
  if (codec === CODEC_NONE) return ok({ bytes, start, end });
  const opened = decompress(codec, bytes.subarray(start, end), bytesMax);
  if (!opened.ok) return opened;
  return ok({ bytes: opened.value, start: 0, end: opened.value.length });
}

/** Verifies the batch at `range` and returns its records. Keys and values share memory with the batch. */
export function decodeBatch(
  range: ByteRange,
  bytesMax = DECOMPRESSED_BYTES_MAX,
): Result<readonly DecodedRecord[], OpenFault> {
  const fault = verifyBatch(range.bytes, range.start, range.end);
  if (fault !== null) return failed(fault);
  const batch = new RecordBatchView(range.bytes, range.start);
  const payload = openPayload(batch, bytesMax);
  if (!payload.ok) return payload;
  const cursor = new RecordCursor(payload.value, batch.recordCount);
  const records: DecodedRecord[] = [];
  while (cursor.next()) {
    records.push({
      offset: (batch.baseOffset + cursor.offsetDelta) as Offset,
      timestampMs: timestampOf(batch, cursor),
      key: cursor.keyView(),
      value: cursor.valueView(),
      headers: cursor.readHeaders(),
    });
  }
  return cursor.isCorrupt ? failed(CORRUPT) : ok(records);
}

/** With LogAppendTime all records carry the time of the append. */
function timestampOf(batch: RecordBatchView, cursor: RecordCursor): number {
  if (batch.isLogAppendTime) return batch.maxTimestampMs;
  return batch.baseTimestampMs + cursor.timestampDelta;
}

/** The control type of a control batch (0 abort, 1 commit); -1 when it has no readable control record. */
export function controlTypeOf(batch: RecordBatchView): number {
  const { bytes, recordsStart: start, end } = batch;
  const cursor = new RecordCursor({ bytes, start, end }, batch.recordCount);
  if (!cursor.next() || cursor.keyStart < 0 || cursor.keyEnd - cursor.keyStart < 4) return -1;
  return readI16(bytes, cursor.keyStart + 2);
}
