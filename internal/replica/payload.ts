// The sums of an entry's payload, and what the replica layer reads of a record batch's header: nothing but its
// greatest timestamp. Batches carry Kafka's own CRC-32C over bytes 21 to the end; the head sum covers the rest (P6).
import { crc32c } from "../bytes/crc32c.ts";
import type { EntryKind } from "../raft/entry.ts";
import { ENTRY_BATCH } from "../raft/entry.ts";

/** Bytes of a batch that Kafka's sum does not cover. */
export const BATCH_HEAD_BYTES = 21;
const CRC_AT = 17;
const TIMESTAMP_MAX_AT = 35;
const BATCH_HEADER_BYTES = 61;
const UINT32 = 0x1_0000_0000;

export interface PayloadSum {
  readonly checksum: number;
  readonly headSum: number;
}

/** The sums as they must stand in the record header; a batch's own CRC is taken from its header, not computed. */
export function payloadSum(
  kind: EntryKind,
  bytes: Uint8Array,
  start: number,
  end: number,
): PayloadSum {
  if (kind !== ENTRY_BATCH || end - start < BATCH_HEADER_BYTES) {
    return { checksum: end === start ? 0 : crc32c(bytes, start, end), headSum: 0 };
  }
  return { checksum: readUint32(bytes, start + CRC_AT), headSum: headSumOf(bytes, start) };
}

export function headSumOf(bytes: Uint8Array, start: number): number {
  return crc32c(bytes, start, start + BATCH_HEAD_BYTES);
}

/** Whether a payload is what its record header says. The header is trusted: it has a sum of its own (D2). */
export function payloadIntact(
  header: { kind: EntryKind; checksum: number; headSum: number; length: number },
  bytes: Uint8Array,
  start: number,
): boolean {
  const end = start + header.length;
  if (end > bytes.length) return false;
  if (header.length === 0) return header.kind !== ENTRY_BATCH;
  if (header.kind !== ENTRY_BATCH) return crc32c(bytes, start, end) === header.checksum;
  return (
    header.length >= BATCH_HEADER_BYTES &&
    headSumOf(bytes, start) === header.headSum &&
    crc32c(bytes, start + BATCH_HEAD_BYTES, end) === header.checksum
  );
}

/** The greatest timestamp that a batch claims, in milliseconds. */
export function timestampMaxOf(bytes: Uint8Array, start: number): number {
  const at = start + TIMESTAMP_MAX_AT;
  const high = readUint32(bytes, at) | 0;
  return high * UINT32 + readUint32(bytes, at + 4);
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  );
}
