// Finds the batches in the bytes of one journal file. A batch counts as found when one of its two headers and a copy of its
// table are right under the file's salt; whether it is whole (both copies, every payload) is told apart, because a
// batch that is not whole is a torn tail or damage, which only what follows it can decide (J7).
import { crc32c } from "../bytes/crc32c.ts";
import type { Result } from "../base/result.ts";
import { RECORD_HEADER_BYTES, decodeRecordHeader } from "../record/record.ts";
import type { RecordFault, RecordHeader } from "../record/record.ts";
import {
  BATCH_HEADER_BYTES,
  BLOCK_BYTES,
  FILE_HEADER_BYTES,
  PEER_BYTES,
  decodeBatchHeader,
} from "./format.ts";
import type { BatchHeader, FileHeader } from "./format.ts";

export interface FoundBatch {
  readonly start: number;
  readonly end: number;
  readonly header: BatchHeader;
  readonly peersAt: number;
  readonly recordsAt: number;
  readonly payloadAt: number;
  /** Both headers and both tables are right. Says nothing about payloads. */
  readonly isWhole: boolean;
}

export class Scan {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #file: FileHeader;

  constructor(bytes: Uint8Array, file: FileHeader) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#file = file;
  }

  /** The first batch that begins at `from` or later; `from` is a block boundary after the file header. */
  next(from: number): FoundBatch | null {
    const lastBlock = this.#bytes.length - BLOCK_BYTES;
    for (let block = Math.max(from, FILE_HEADER_BYTES); block <= lastBlock; block += BLOCK_BYTES) {
      const head = decodeBatchHeader("head", this.#bytes, this.#view, block, this.#file);
      const tailAt = block + BLOCK_BYTES - BATCH_HEADER_BYTES;
      const found = head === null ? null : this.#check(block, head);
      if (found !== null) return found;
      const tail = decodeBatchHeader("tail", this.#bytes, this.#view, tailAt, this.#file);
      const start = tail === null ? -1 : block + BLOCK_BYTES - tail.length;
      const foundByTail = tail === null || start < from ? null : this.#check(start, tail);
      if (foundByTail !== null) return foundByTail;
    }
    return null;
  }

  record(batch: FoundBatch, number: number): Result<RecordHeader, RecordFault> {
    return decodeRecordHeader(this.#view, batch.recordsAt + number * RECORD_HEADER_BYTES);
  }

  /** The batch at `start` as one of its headers describes it, when a copy of its table is right. */
  #check(start: number, header: BatchHeader): FoundBatch | null {
    const end = start + header.length;
    if (end > this.#bytes.length) return null;
    const peersLength = header.peerCount * PEER_BYTES;
    const recordsLength = header.recordCount * RECORD_HEADER_BYTES;
    const headPeersAt = start + BATCH_HEADER_BYTES;
    const headRecordsAt = headPeersAt + peersLength;
    const payloadAt = headRecordsAt + recordsLength;
    const tailPeersAt = end - BATCH_HEADER_BYTES - peersLength;
    const tailRecordsAt = tailPeersAt - recordsLength;
    const isTable = (peersAt: number, recordsAt: number): boolean => {
      const peersSum = crc32c(this.#bytes, peersAt, peersAt + peersLength);
      return (
        crc32c(this.#bytes, recordsAt, recordsAt + recordsLength, peersSum) === header.tableSum
      );
    };
    const headIsRight = isTable(headPeersAt, headRecordsAt);
    const tailIsRight = isTable(tailPeersAt, tailRecordsAt);
    if (!headIsRight && !tailIsRight) return null;
    const isWhole =
      headIsRight &&
      tailIsRight &&
      this.#isHeader("head", start, header) &&
      this.#isHeader("tail", end - BATCH_HEADER_BYTES, header);
    return {
      start,
      end,
      header,
      peersAt: headIsRight ? headPeersAt : tailPeersAt,
      recordsAt: headIsRight ? headRecordsAt : tailRecordsAt,
      payloadAt,
      isWhole,
    };
  }

  #isHeader(copy: "head" | "tail", at: number, like: BatchHeader): boolean {
    const header = decodeBatchHeader(copy, this.#bytes, this.#view, at, this.#file);
    return header !== null && header.ticket === like.ticket && header.tableSum === like.tableSum;
  }
}
