// The append frame: entries of many groups for one peer, sent once per turn. Its head (first part of the message, under
// the link's checksum) has a row per group and the entries' record headers; payloads follow in the same order, each
// under its own sum. The decoder trusts no count.
import type { GroupId, LogIndex, ReplicaId, Term } from "../model/ids.ts";
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import {
  decodeRecordHeader,
  encodeRecordHeader,
  readSafeInteger,
  RECORD_HEADER_BYTES,
  writeSafeInteger,
} from "../record/record.ts";
import type { RecordHeader } from "../record/record.ts";

/** One group's part of a frame: an append-request of Raft without its payloads. */
export interface AppendRow {
  readonly group: GroupId;
  readonly to: ReplicaId;
  readonly from: ReplicaId;
  readonly term: Term;
  readonly prevIndex: LogIndex;
  readonly prevTerm: Term;
  readonly commit: LogIndex;
}

/** A decoded row. `payloadStart[k]` is where entry k's payload begins in the frame. */
export interface ReceivedRow extends AppendRow {
  readonly entries: readonly RecordHeader[];
  readonly payloadStart: readonly number[];
}

export interface ReceivedFrame {
  /** 1, 2, 3, … on one lane of one session (F3). */
  readonly sequence: number;
  readonly rows: readonly ReceivedRow[];
}

const FRAME_HEAD_BYTES = 16;
const ROW_BYTES = 60;

/** Gathers rows and headers of one frame in a buffer that is used again for the next one. */
export class AppendFrameWriter {
  #bytes = new Uint8Array(16 * 1024);
  #view = new DataView(this.#bytes.buffer);
  #length = FRAME_HEAD_BYTES;
  #rowAt = 0;
  rowCount = 0;

  begin(): void {
    this.#length = FRAME_HEAD_BYTES;
    this.rowCount = 0;
  }

  /** Starts a row; `entry` adds to it. */
  row(row: AppendRow): void {
    this.#reserve(ROW_BYTES);
    const at = this.#length;
    const view = this.#view;
    writeSafeInteger(view, at, row.group);
    writeSafeInteger(view, at + 8, row.to);
    writeSafeInteger(view, at + 16, row.from);
    writeSafeInteger(view, at + 24, row.term);
    writeSafeInteger(view, at + 32, row.prevIndex);
    writeSafeInteger(view, at + 40, row.prevTerm);
    writeSafeInteger(view, at + 48, row.commit);
    view.setUint32(at + 56, 0);
    this.#rowAt = at;
    this.#length += ROW_BYTES;
    this.rowCount++;
  }

  entry(header: RecordHeader): void {
    this.#reserve(RECORD_HEADER_BYTES);
    encodeRecordHeader(header, this.#view, this.#length);
    this.#length += RECORD_HEADER_BYTES;
    const countAt = this.#rowAt + 56;
    this.#view.setUint32(countAt, this.#view.getUint32(countAt) + 1);
  }

  get headBytes(): number {
    return this.#length;
  }

  /** The head of the finished frame, a copy that the link may keep. */
  take(sequence: number): Uint8Array {
    writeSafeInteger(this.#view, 0, sequence);
    this.#view.setUint32(8, this.rowCount);
    this.#view.setUint32(12, this.#length);
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const grown = new Uint8Array(this.#bytes.length * 2);
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

export function decodeAppendFrame(
  bytes: Uint8Array,
  start: number,
  end: number,
): Result<ReceivedFrame, "append-frame"> {
  const length = end - start;
  if (length < FRAME_HEAD_BYTES) return failed("append-frame");
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, length);
  const rowCount = view.getUint32(8);
  const headLength = view.getUint32(12);
  if (headLength > length || rowCount * ROW_BYTES > headLength) return failed("append-frame");
  const rows: ReceivedRow[] = [];
  let at = FRAME_HEAD_BYTES;
  let payload = headLength;
  for (let k = 0; k < rowCount; k++) {
    if (at + ROW_BYTES > headLength) return failed("append-frame");
    const entryCount = view.getUint32(at + 56);
    const entriesAt = at + ROW_BYTES;
    if (entriesAt + entryCount * RECORD_HEADER_BYTES > headLength) return failed("append-frame");
    const entries: RecordHeader[] = [];
    const payloadStart: number[] = [];
    for (let n = 0; n < entryCount; n++) {
      const header = decodeRecordHeader(view, entriesAt + n * RECORD_HEADER_BYTES);
      if (!header.ok) return failed("append-frame");
      entries.push(header.value);
      payloadStart.push(start + payload);
      payload += header.value.length;
    }
    if (payload > length) return failed("append-frame");
    rows.push(decodeRow(view, at, entries, payloadStart));
    at = entriesAt + entryCount * RECORD_HEADER_BYTES;
  }
  if (at !== headLength || payload !== length) return failed("append-frame");
  return ok({ sequence: readSafeInteger(view, 0), rows });
}

function decodeRow(
  view: DataView,
  at: number,
  entries: readonly RecordHeader[],
  payloadStart: readonly number[],
): ReceivedRow {
  return {
    group: readSafeInteger(view, at) as GroupId,
    to: readSafeInteger(view, at + 8) as ReplicaId,
    from: readSafeInteger(view, at + 16) as ReplicaId,
    term: readSafeInteger(view, at + 24) as Term,
    prevIndex: readSafeInteger(view, at + 32) as LogIndex,
    prevTerm: readSafeInteger(view, at + 40) as Term,
    commit: readSafeInteger(view, at + 48) as LogIndex,
    entries,
    payloadStart,
  };
}
