// Where the log of a partition begins for its readers (P7). It moves through a command in the replicated log, so that all
// replicas and all restarts agree, and takes effect when that command is committed. It never goes back, and never passes
// what was committed when the command was written.
//
// A command is  u8 kind (1: log start), u8 version (0), i64 offset.
import { readI64, writeI64 } from "../bytes/integers.ts";
import type { LogIndex, Offset } from "../model/ids.ts";

const LOG_START = 1;
const VERSION = 0;
const OFFSET_AT = 2;
const COMMAND_BYTES = 10;

export function encodeLogStart(offset: Offset): Uint8Array {
  const bytes = new Uint8Array(COMMAND_BYTES);
  bytes[0] = LOG_START;
  bytes[1] = VERSION;
  writeI64(bytes, OFFSET_AT, offset);
  return bytes;
}

/** Null: a newer version wrote it. The entry's sum held. */
export function decodeLogStart(bytes: Uint8Array, start: number, end: number): Offset | null {
  if (end - start < COMMAND_BYTES) return null;
  if (bytes[start] !== LOG_START || bytes[start + 1] !== VERSION) return null;
  const offset = readI64(bytes, start + OFFSET_AT);
  return Number.isSafeInteger(offset) && offset >= 0 ? (offset as Offset) : null;
}

/** A command as it stands in the log. */
interface Pending {
  readonly index: LogIndex;
  readonly offset: Offset;
}

export class LogStart {
  #offset = 0 as Offset;
  /** In log order: in the log, and not known to be committed. */
  #pending: Pending[] = [];

  /** Committed. */
  get offset(): Offset {
    return this.#offset;
  }

  /** What an earlier start of this broker knew to be committed (J5). */
  begin(offset: Offset): void {
    if (offset > this.#offset) this.#offset = offset;
  }

  /** `endOffset` is the log's end before the command: no offset behind it can have been meant. */
  appended(index: LogIndex, offset: Offset, endOffset: Offset): void {
    this.#pending.push({ index, offset: offset < endOffset ? offset : endOffset });
  }

  /** A command that was damaged when it joined the log is whole again (D1). */
  repaired(index: LogIndex, offset: Offset, endOffset: Offset, commit: LogIndex): void {
    this.appended(index, offset, endOffset);
    this.#pending.sort((a, b) => a.index - b.index);
    this.committed(commit);
  }

  truncated(from: LogIndex): void {
    this.#pending = this.#pending.filter(({ index }) => index < from);
  }

  committed(commit: LogIndex): void {
    let count = 0;
    for (const { index, offset } of this.#pending) {
      if (index > commit) break;
      count++;
      this.begin(offset);
    }
    if (count > 0) this.#pending.splice(0, count);
  }
}
