// The records that a Tail has read and not sent yet. Holds its own copy of the fetched bytes, so the broker's buffers are
// given back at once however slow the client is, and makes responses only as they are asked for.
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { Offset } from "../model/ids.ts";
import { batchEnd, CODEC_NONE, RecordBatchView } from "../model/record-batch.ts";
import { RecordCursor } from "../model/record-cursor.ts";
import { verifyBatch } from "../model/validate-batch.ts";
import type { DecompressJob } from "../ports/tasks.ts";
import type { StoredRecord } from "./generated/log.ts";

/** What a record costs in a response besides its key, value and headers. */
const RECORD_OVERHEAD_BYTES = 32;
const HEADER_OVERHEAD_BYTES = 8;
/** Records that are passed over in one turn (L7): a fraction of a millisecond. */
const PASSED_MAX = 16_384;
const NOTHING = new Uint8Array(0);

export type Step =
  /** Everything that was offered was taken. */
  | { readonly step: "empty" }
  | { readonly step: "records"; readonly records: readonly StoredRecord[] }
  /** There is more, behind records that nobody asked for: go on in another turn. */
  | { readonly step: "pause" }
  /** The next batch is compressed: undo that and call `opened`. */
  | { readonly step: "decompress"; readonly job: DecompressJob };

export class TailRecords {
  /** The first offset that was not taken yet. */
  nextOffset: Offset;
  readonly #decompressedBytesMax: number;
  #bytes: Uint8Array = NOTHING;
  /** The batch in `bytes` that comes next, or whose records are being taken. */
  readonly #batch = new RecordBatchView(NOTHING, 0);
  #at = 0;
  #cursor: RecordCursor | null = null;
  /** The record under the cursor did not fit the last response. */
  #isPending = false;

  constructor(nextOffset: Offset, decompressedBytesMax: number) {
    this.nextOffset = nextOffset;
    this.#decompressedBytesMax = decompressedBytesMax;
  }

  /** Gives it what was fetched at `nextOffset`, after everything before was taken. Copies. */
  offer(slices: readonly Uint8Array[], bytes: number): void {
    const copy = new Uint8Array(bytes);
    let at = 0;
    for (const slice of slices) {
      copy.set(slice, at);
      at += slice.length;
    }
    this.#bytes = copy;
    this.#at = 0;
    this.#cursor = null;
  }

  /** About `bytesMax` bytes of records; "corrupt" when what was fetched is no sequence of whole batches. */
  take(bytesMax: number): Result<Step, "corrupt"> {
    const records: StoredRecord[] = [];
    let bytes = 0;
    let passed = 0;
    for (;;) {
      if (passed >= PASSED_MAX) {
        return ok(records.length > 0 ? { step: "records", records } : { step: "pause" });
      }
      if (this.#cursor === null) {
        const next = this.#openNext(records.length > 0);
        if (next !== "opened") {
          if (records.length > 0) return ok({ step: "records", records });
          return next === "corrupt" ? failed(next) : ok(next);
        }
      }
      const cursor = this.#cursor as unknown as RecordCursor;
      if (!this.#isPending && !cursor.next()) {
        if (cursor.isCorrupt) return failed("corrupt");
        this.#closeBatch();
        continue;
      }
      this.#isPending = false;
      const offset = (this.#batch.baseOffset + cursor.offsetDelta) as Offset;
      // A producer may have written any offset into a record: one behind its batch would hide what follows.
      if (offset < this.nextOffset || offset > this.#batch.lastOffset) {
        passed++;
        continue;
      }
      const size = recordBytes(cursor);
      if (records.length > 0 && bytes + size > bytesMax) {
        this.#isPending = true;
        return ok({ step: "records", records });
      }
      bytes += size;
      records.push(storedRecord(this.#batch, cursor, offset));
      this.nextOffset = (offset + 1) as Offset;
    }
  }

  /** The records of the batch that "decompress" spoke of. */
  opened(payload: Uint8Array): void {
    const range = { bytes: payload, start: 0, end: payload.length };
    this.#cursor = new RecordCursor(range, this.#batch.recordCount);
  }

  /** Steps over batches without records for clients. `isFilling`: whether a response is being made. */
  #openNext(isFilling: boolean): "opened" | "corrupt" | Step {
    while (this.#at < this.#bytes.length) {
      const end = batchEnd(this.#bytes, this.#at, this.#bytes.length);
      if (end === -1) return "corrupt";
      const batch = this.#batch.moveTo(this.#bytes, this.#at);
      if (batch.isControl || batch.nextOffset <= this.nextOffset) {
        this.#closeBatch();
        continue;
      }
      if (verifyBatch(this.#bytes, this.#at, end) !== null) return "corrupt";
      if (batch.codec === CODEC_NONE) {
        const range = { bytes: this.#bytes, start: batch.recordsStart, end };
        this.#cursor = new RecordCursor(range, batch.recordCount);
        return "opened";
      }
      // What was taken so far leaves first.
      if (isFilling) return { step: "empty" };
      const job = decompression(batch, this.#decompressedBytesMax);
      return job === null ? "corrupt" : { step: "decompress", job };
    }
    this.#bytes = NOTHING;
    this.#at = 0;
    return { step: "empty" };
  }

  #closeBatch(): void {
    this.#cursor = null;
    this.#at = this.#batch.end;
    if (this.#batch.nextOffset > this.nextOffset) this.nextOffset = this.#batch.nextOffset;
  }
}

function decompression(batch: RecordBatchView, bytesMax: number): DecompressJob | null {
  const { codec } = batch;
  if (codec !== 1 && codec !== 2 && codec !== 3 && codec !== 4) return null;
  // A copy, because the job may take its bytes away.
  const bytes = batch.bytes.slice(batch.recordsStart, batch.end);
  return { job: "decompress", codec, bytes, bytesMax };
}

/** A little more than the record's bytes in a response. */
function recordBytes(cursor: RecordCursor): number {
  const bodyBytes = cursor.recordEnd - cursor.recordStart;
  return RECORD_OVERHEAD_BYTES + bodyBytes + cursor.headerCount * HEADER_OVERHEAD_BYTES;
}

function storedRecord(batch: RecordBatchView, cursor: RecordCursor, offset: Offset): StoredRecord {
  const key = cursor.keyView();
  const value = cursor.valueView();
  const timestampMs = batch.isLogAppendTime
    ? batch.maxTimestampMs
    : batch.baseTimestampMs + cursor.timestampDelta;
  const headers = cursor
    .readHeaders()
    .map((header) =>
      header.value === null ? { key: header.key } : { key: header.key, value: header.value },
    );
  return {
    offset,
    timestampMs,
    headers,
    leaderEpoch: batch.leaderEpoch,
    ...(key === null ? {} : { key }),
    ...(value === null ? {} : { value }),
  };
}
