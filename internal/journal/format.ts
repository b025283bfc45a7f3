// The journal's format on disk (J1): the 4 KiB header of a file and the two headers of a batch. Described for
// people in docs/formats/journal.md. Everything read here came from a disk and may be anything.
import { crc32c } from "../bytes/crc32c.ts";
import { readUuid, writeUuid } from "../bytes/uuid.ts";
import { assert } from "../base/assert.ts";
import type { DirectoryId } from "../model/ids.ts";
import { RECORD_HEADER_BYTES, readSafeInteger, writeSafeInteger } from "../record/record.ts";

/** Batches begin and end at multiples of this. */
export const BLOCK_BYTES = 4096;
export const FILE_HEADER_BYTES = BLOCK_BYTES;
export const BATCH_HEADER_BYTES = 72;
export const PEER_BYTES = 32;
export const PEERS_MAX = 120;
export const SALT_BYTES = 8;

const FILE_MAGIC = 0x464c4a46;
const HEAD_MAGIC = 0x464c4248;
const TAIL_MAGIC = 0x464c4254;
const FORMAT_VERSION = 2;
/** The file header is written twice, in different sectors of its block. */
const FILE_HEADER_COPIES = [0, 2048];
const FILE_HEADER_LENGTH = 48;

export interface FileHeader {
  readonly sequence: number;
  /** Random; every batch of the file carries it, so that stale bytes and payloads that look like batches do not. */
  readonly salt: Uint8Array;
  readonly directory: DirectoryId;
}

export interface BatchHeader {
  /** Bytes of the whole batch, a multiple of BLOCK_BYTES. */
  readonly length: number;
  readonly ticket: number;
  /** Ticket of the batch before this one; 0 for the first of a directory. */
  readonly previous: number;
  /** Number of the batch's first record, counted since the directory was founded. */
  readonly firstOrdinal: number;
  readonly recordCount: number;
  readonly peerCount: number;
  readonly payloadLength: number;
  readonly incarnation: number;
  /** CRC-32C of the peers followed by the records, one copy of them. */
  readonly tableSum: number;
}

export function encodeFileHeader(header: FileHeader, into: Uint8Array): void {
  into.fill(0, 0, FILE_HEADER_BYTES);
  const view = new DataView(into.buffer, into.byteOffset, FILE_HEADER_BYTES);
  for (const at of FILE_HEADER_COPIES) {
    view.setUint32(at, FILE_MAGIC);
    view.setUint32(at + 4, FORMAT_VERSION);
    writeSafeInteger(view, at + 8, header.sequence);
    into.set(header.salt, at + 16);
    assert(writeUuid(into, at + 24, header.directory), "a directory id is a uuid");
    view.setUint32(at + 40, 0);
    view.setUint32(at + 44, crc32c(into, at, at + 44));
  }
}

/** The header of a file of `directory` with that sequence, or null when neither copy is one. */
export function decodeFileHeader(
  bytes: Uint8Array,
  sequence: number,
  directory: DirectoryId,
): FileHeader | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (const at of FILE_HEADER_COPIES) {
    if (at + FILE_HEADER_LENGTH > bytes.length) return null;
    if (view.getUint32(at) !== FILE_MAGIC || view.getUint32(at + 4) !== FORMAT_VERSION) continue;
    if (view.getUint32(at + 44) !== crc32c(bytes, at, at + 44)) continue;
    if (readSafeInteger(view, at + 8) !== sequence) continue;
    if (readUuid(view, at + 24) !== directory) continue;
    return { sequence, salt: bytes.slice(at + 16, at + 16 + SALT_BYTES), directory };
  }
  return null;
}

/** Bytes of a batch before padding; the result is a multiple of BLOCK_BYTES. */
export function batchLength(peerCount: number, recordCount: number, payloadLength: number): number {
  const tables = BATCH_HEADER_BYTES + peerCount * PEER_BYTES + recordCount * RECORD_HEADER_BYTES;
  return Math.ceil((2 * tables + payloadLength) / BLOCK_BYTES) * BLOCK_BYTES;
}

/** Writes a batch header, the one at the head (before the table) or the one at the tail (after it). */
export function encodeBatchHeader(
  copy: "head" | "tail",
  header: BatchHeader,
  file: FileHeader,
  into: DataView,
  at: number,
): void {
  into.setUint32(at, copy === "head" ? HEAD_MAGIC : TAIL_MAGIC);
  into.setUint32(at + 4, header.length);
  writeSafeInteger(into, at + 8, header.ticket);
  writeSafeInteger(into, at + 16, header.previous);
  writeSafeInteger(into, at + 24, header.firstOrdinal);
  writeSafeInteger(into, at + 32, file.sequence);
  const bytes = new Uint8Array(into.buffer, into.byteOffset + at, BATCH_HEADER_BYTES);
  bytes.set(file.salt, 40);
  into.setUint32(at + 48, header.recordCount);
  into.setUint32(at + 52, header.payloadLength);
  into.setUint32(at + 56, header.peerCount);
  into.setUint32(at + 60, header.incarnation);
  into.setUint32(at + 64, header.tableSum);
  into.setUint32(at + 68, crc32c(bytes, 0, 68));
}

/** The batch header at `at` if it is one of `file`, else null. Its table is not looked at. */
export function decodeBatchHeader(
  copy: "head" | "tail",
  bytes: Uint8Array,
  view: DataView,
  at: number,
  file: FileHeader,
): BatchHeader | null {
  if (view.getUint32(at) !== (copy === "head" ? HEAD_MAGIC : TAIL_MAGIC)) return null;
  for (let each = 0; each < SALT_BYTES; each++) {
    if (bytes[at + 40 + each] !== file.salt[each]) return null;
  }
  if (readSafeInteger(view, at + 32) !== file.sequence) return null;
  if (view.getUint32(at + 68) !== crc32c(bytes, at, at + 68)) return null;
  const header: BatchHeader = {
    length: view.getUint32(at + 4),
    ticket: readSafeInteger(view, at + 8),
    previous: readSafeInteger(view, at + 16),
    firstOrdinal: readSafeInteger(view, at + 24),
    recordCount: view.getUint32(at + 48),
    payloadLength: view.getUint32(at + 52),
    peerCount: view.getUint32(at + 56),
    incarnation: view.getUint32(at + 60),
    tableSum: view.getUint32(at + 64),
  };
  const { peerCount, recordCount, payloadLength, length } = header;
  return batchLength(peerCount, recordCount, payloadLength) === length ? header : null;
}

/**
 * The salt of a file whose own header is unreadable, as its first batch tells it. Only the block right after the
 * header is asked: a payload can never lie there, so it cannot pretend.
 */
export function saltOfFirstBatch(bytes: Uint8Array, sequence: number): Uint8Array | null {
  if (bytes.length < FILE_HEADER_BYTES + BLOCK_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const salt = bytes.slice(FILE_HEADER_BYTES + 40, FILE_HEADER_BYTES + 40 + SALT_BYTES);
  const file: FileHeader = { sequence, salt, directory: "" as DirectoryId };
  return decodeBatchHeader("head", bytes, view, FILE_HEADER_BYTES, file) === null ? null : salt;
}
