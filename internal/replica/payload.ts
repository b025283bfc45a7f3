// The sums of an entry's payload, and what the replica layer reads of a record batch's header: nothing but its
// greatest timestamp. Batches carry Kafka's own CRC-32C over bytes 21 to the end; the head sum covers the rest (P6).
import { crc32c } from "../bytes/crc32c.ts";
import { readI64, readU32 } from "../bytes/integers.ts";
import {
  BATCH_HEADER_BYTES,
  CRC_AT,
  CRC_COVERS_FROM,
  MAX_TIMESTAMP_AT,
  uncoveredSum,
} from "../model/record-batch.ts";
import type { EntryKind } from "../raft/entry.ts";
import { ENTRY_BATCH } from "../raft/entry.ts";

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
  return { checksum: readU32(bytes, start + CRC_AT), headSum: uncoveredSum(bytes, start) };
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
    uncoveredSum(bytes, start) === header.headSum &&
    crc32c(bytes, start + CRC_COVERS_FROM, end) === header.checksum
  );
}

/** The greatest timestamp that a batch claims, in milliseconds. */
export function timestampMaxOf(bytes: Uint8Array, start: number): number {
  return readI64(bytes, start + MAX_TIMESTAMP_AT);
}
