// The record header of the journal and of the broker links (J2): one fixed-size codec for disk and wire.
// A header says what a record is and carries the sums of its payload; the payload travels beside it.
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { GroupId, LogIndex, Offset, ReplicaId, Term } from "../model/ids.ts";

export type RecordType =
  | "append"
  | "hard-state"
  | "truncate"
  | "configuration"
  | "copy-forward"
  | "install-base"
  | "drop-group"
  | "checkpoint"
  | "seal";

/** What a log entry holds: 0 a batch, 1 a no-op, 2 a configuration, 3 a command. Only batches consume offsets. */
export type EntryKind = 0 | 1 | 2 | 3;
export const BATCH_ENTRY = 0;

/**
 * All fields are present in every header, so that headers have one shape; a field without meaning for a type is 0.
 *
 * - `append`, `copy-forward`: the entry (`index`, `term`) of kind `kind`; a batch has `baseOffset` and `recordCount`.
 * - `hard-state`: `term` and `vote`; `index` may carry the commit index as a hint.
 * - `truncate`: every entry above `index` goes.
 * - `configuration`: the group exists here as `replica` of `partition`; the payload is its configuration.
 * - `install-base`: the log begins after (`index`, `term`) with next offset `baseOffset`; the payload is opaque.
 * - `drop-group`: the group is gone from this broker.
 * - `checkpoint`, `seal`: the journal's own; owners never append them.
 */
export interface RecordHeader {
  readonly type: RecordType;
  readonly kind: EntryKind;
  readonly group: GroupId;
  readonly partition: number;
  readonly replica: ReplicaId;
  readonly term: Term;
  readonly index: LogIndex;
  readonly baseOffset: Offset;
  /** Offsets that the entry consumes. */
  readonly recordCount: number;
  /** Payload bytes. */
  readonly length: number;
  /** CRC-32C of the payload; of a batch Kafka's own, over bytes 21 to the end. */
  readonly checksum: number;
  /** CRC-32C of a batch's first 21 bytes, which Kafka's own sum does not cover (P6); else 0. */
  readonly headSum: number;
  /** The replica voted for in `term`, 0 for none. Only in a hard state, where it takes the place of `baseOffset`. */
  readonly vote: ReplicaId;
}

/** Bytes of an encoded header. */
export const RECORD_HEADER_BYTES = 64;

export interface RecordFault {
  readonly kind: "record";
  readonly reason: "type" | "entry-kind" | "number";
}

const TYPES: readonly RecordType[] = [
  "append",
  "hard-state",
  "truncate",
  "configuration",
  "copy-forward",
  "install-base",
  "drop-group",
  "checkpoint",
  "seal",
];

const UINT32 = 4294967296;
const HIGH_MAX = 0x1fffff;

/** Writes `header` at `at`; the target has RECORD_HEADER_BYTES of room there. */
export function encodeRecordHeader(header: RecordHeader, into: DataView, at: number): void {
  into.setUint8(at, typeNumber(header.type));
  into.setUint8(at + 1, header.kind);
  into.setUint16(at + 2, 0);
  into.setUint32(at + 4, header.partition);
  into.setUint32(at + 8, header.length);
  into.setUint32(at + 12, header.recordCount);
  into.setUint32(at + 16, header.checksum);
  into.setUint32(at + 20, header.headSum);
  writeSafeInteger(into, at + 24, header.group);
  writeSafeInteger(into, at + 32, header.replica);
  writeSafeInteger(into, at + 40, header.term);
  writeSafeInteger(into, at + 48, header.index);
  writeSafeInteger(into, at + 56, header.type === "hard-state" ? header.vote : header.baseOffset);
}

/** Reads the header at `at`. The bytes came from a disk or a link, so every field is checked. */
export function decodeRecordHeader(from: DataView, at: number): Result<RecordHeader, RecordFault> {
  const type = TYPES[from.getUint8(at) - 1];
  if (type === undefined) return failed({ kind: "record", reason: "type" });
  const kind = from.getUint8(at + 1);
  if (kind > 3) return failed({ kind: "record", reason: "entry-kind" });
  for (let field = at + 24; field < at + RECORD_HEADER_BYTES; field += 8) {
    if (from.getUint32(field) > HIGH_MAX) return failed({ kind: "record", reason: "number" });
  }
  const last = readSafeInteger(from, at + 56);
  const isHardState = type === "hard-state";
  return ok({
    type,
    kind: kind as EntryKind,
    group: readSafeInteger(from, at + 24) as GroupId,
    partition: from.getUint32(at + 4),
    replica: readSafeInteger(from, at + 32) as ReplicaId,
    term: readSafeInteger(from, at + 40) as Term,
    index: readSafeInteger(from, at + 48) as LogIndex,
    baseOffset: (isHardState ? 0 : last) as Offset,
    recordCount: from.getUint32(at + 12),
    length: from.getUint32(at + 8),
    checksum: from.getUint32(at + 16),
    headSum: from.getUint32(at + 20),
    vote: (isHardState ? last : 0) as ReplicaId,
  });
}

/** A 64-bit field holding a safe integer, as two 32-bit halves. */
export function writeSafeInteger(into: DataView, at: number, value: number): void {
  const high = Math.floor(value / UINT32);
  into.setUint32(at, high);
  into.setUint32(at + 4, value - high * UINT32);
}

/** Reads what `writeSafeInteger` wrote. The caller has checked, or sums prove, that it is one. */
export function readSafeInteger(from: DataView, at: number): number {
  return from.getUint32(at) * UINT32 + from.getUint32(at + 4);
}

function typeNumber(type: RecordType): number {
  switch (type) {
    case "append":
      return 1;
    case "hard-state":
      return 2;
    case "truncate":
      return 3;
    case "configuration":
      return 4;
    case "copy-forward":
      return 5;
    case "install-base":
      return 6;
    case "drop-group":
      return 7;
    case "checkpoint":
      return 8;
    case "seal":
      return 9;
  }
}
