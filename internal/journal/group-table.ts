// The group table's file (J5): every group's row as of some moment, so that journal files before it can go. It is written
// in chunks, each under its own sum; the last chunk says that the table is whole. Its name appears only after the
// checkpoint record that follows all of its rows is durable: a table that exists never runs ahead of the journal.
import { crc32c } from "../bytes/crc32c.ts";
import { readUuid, writeUuid } from "../bytes/uuid.ts";
import { assert } from "../base/assert.ts";
import type { DirectoryId, GroupId, LogIndex, Offset, ReplicaId, Term } from "../model/ids.ts";
import { readSafeInteger, writeSafeInteger } from "../record/record.ts";
import type { GroupRow } from "./owner.ts";

const TABLE_MAGIC = 0x464c4754;
const FORMAT_VERSION = 1;
const HEADER_BYTES = 64;
const CHUNK_HEADER_BYTES = 16;
const ROW_BYTES = 96;
const EPOCH_BYTES = 16;
/** Flags of a row. */
const DROPPED = 1;
const SUSPECT = 2;
const CONFIGURATION_BYTES_MAX = 64 * 1024;
const EPOCHS_MAX = 0xffff;

export interface TableHeader {
  readonly number: number;
  readonly directory: DirectoryId;
  /** Ordinal of the next record when the table was begun: earlier records of a group without a row are of no use. */
  readonly start: number;
  /** The oldest journal file that holds anything live, and the ticket of the batch before its first one. */
  readonly firstFile: number;
  readonly previousTicket: number;
}

/** A live part of a group's log: entries of one term, up to `last`. */
export interface TailEpoch {
  readonly term: number;
  readonly last: number;
}

export interface TableRow {
  readonly row: GroupRow;
  /** Ordinal of the next record when the row was taken: it contains the effect of all earlier ones. */
  readonly asOf: number;
  /** The entries above the row's base. */
  readonly tail: readonly TailEpoch[];
}

export interface GroupTable {
  readonly header: TableHeader;
  readonly rows: readonly TableRow[];
}

export function encodeTableHeader(header: TableHeader): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, TABLE_MAGIC);
  view.setUint32(4, FORMAT_VERSION);
  writeSafeInteger(view, 8, header.number);
  assert(writeUuid(bytes, 16, header.directory), "a directory id is a uuid");
  writeSafeInteger(view, 32, header.start);
  writeSafeInteger(view, 40, header.firstFile);
  writeSafeInteger(view, 48, header.previousTicket);
  view.setUint32(HEADER_BYTES - 4, crc32c(bytes, 0, HEADER_BYTES - 4));
  return bytes;
}

/** A chunk of rows; one without rows ends the table. `chunkNumber` counts from 0. */
export function encodeChunk(rows: readonly TableRow[], chunkNumber: number): Uint8Array {
  let length = CHUNK_HEADER_BYTES;
  for (const row of rows) length += rowBytes(row);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length);
  view.setUint32(4, rows.length);
  view.setUint32(8, chunkNumber);
  let at = CHUNK_HEADER_BYTES;
  for (const row of rows) at = encodeRow(row, bytes, view, at);
  view.setUint32(12, chunkSum(bytes));
  return bytes;
}

export function rowBytes(row: TableRow): number {
  return ROW_BYTES + EPOCH_BYTES * row.tail.length + row.row.configuration.length;
}

/** The table in `bytes`, or null when they are not a whole one of `directory`. */
export function decodeTable(bytes: Uint8Array, directory: DirectoryId): GroupTable | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const header = decodeTableHeader(bytes, view, directory);
  if (header === null) return null;
  const rows: TableRow[] = [];
  let at = HEADER_BYTES;
  for (let chunkNumber = 0; ; chunkNumber++) {
    if (at + CHUNK_HEADER_BYTES > bytes.length) return null;
    const length = view.getUint32(at);
    if (length < CHUNK_HEADER_BYTES || at + length > bytes.length) return null;
    const chunk = bytes.subarray(at, at + length);
    if (view.getUint32(at + 8) !== chunkNumber || view.getUint32(at + 12) !== chunkSum(chunk))
      return null;
    const count = view.getUint32(at + 4);
    if (count === 0) return { header, rows };
    let rowAt = at + CHUNK_HEADER_BYTES;
    for (let each = 0; each < count; each++) rowAt = decodeRow(bytes, view, rowAt, rows);
    at += length;
  }
}

function decodeTableHeader(
  bytes: Uint8Array,
  view: DataView,
  directory: DirectoryId,
): TableHeader | null {
  if (bytes.length < HEADER_BYTES) return null;
  if (view.getUint32(0) !== TABLE_MAGIC || view.getUint32(4) !== FORMAT_VERSION) return null;
  if (view.getUint32(HEADER_BYTES - 4) !== crc32c(bytes, 0, HEADER_BYTES - 4)) return null;
  if (readUuid(view, 16) !== directory) return null;
  return {
    number: readSafeInteger(view, 8),
    directory,
    start: readSafeInteger(view, 32),
    firstFile: readSafeInteger(view, 40),
    previousTicket: readSafeInteger(view, 48),
  };
}

/** The sum covers the chunk but for the four bytes that hold it. */
function chunkSum(chunk: Uint8Array): number {
  return crc32c(chunk, CHUNK_HEADER_BYTES, chunk.length, crc32c(chunk, 0, 12));
}

function encodeRow(table: TableRow, bytes: Uint8Array, view: DataView, at: number): number {
  const { row, tail } = table;
  assert(row.configuration.length <= CONFIGURATION_BYTES_MAX, "a configuration fits its limit");
  assert(tail.length <= EPOCHS_MAX, "a log has few terms");
  writeSafeInteger(view, at, row.group);
  writeSafeInteger(view, at + 8, row.replica);
  writeSafeInteger(view, at + 16, row.term);
  writeSafeInteger(view, at + 24, row.vote);
  writeSafeInteger(view, at + 32, row.base.index);
  writeSafeInteger(view, at + 40, row.base.term);
  writeSafeInteger(view, at + 48, row.base.nextOffset);
  writeSafeInteger(view, at + 56, row.logStart);
  writeSafeInteger(view, at + 64, row.configurationRevision);
  writeSafeInteger(view, at + 72, table.asOf);
  view.setUint32(at + 80, row.partition);
  view.setUint32(at + 84, (row.dropped ? DROPPED : 0) | (row.suspect ? SUSPECT : 0));
  view.setUint32(at + 88, tail.length);
  view.setUint32(at + 92, row.configuration.length);
  let end = at + ROW_BYTES;
  for (const epoch of tail) {
    writeSafeInteger(view, end, epoch.term);
    writeSafeInteger(view, end + 8, epoch.last);
    end += EPOCH_BYTES;
  }
  bytes.set(row.configuration, end);
  return end + row.configuration.length;
}

/** Reads a row of a chunk whose sum was right. */
function decodeRow(bytes: Uint8Array, view: DataView, at: number, into: TableRow[]): number {
  const tail: TailEpoch[] = [];
  let end = at + ROW_BYTES;
  for (let left = view.getUint32(at + 88); left > 0; left--) {
    tail.push({ term: readSafeInteger(view, end), last: readSafeInteger(view, end + 8) });
    end += EPOCH_BYTES;
  }
  const configurationEnd = end + view.getUint32(at + 92);
  const row: GroupRow = {
    group: readSafeInteger(view, at) as GroupId,
    partition: view.getUint32(at + 80),
    replica: readSafeInteger(view, at + 8) as ReplicaId,
    term: readSafeInteger(view, at + 16) as Term,
    vote: readSafeInteger(view, at + 24) as ReplicaId,
    base: {
      index: readSafeInteger(view, at + 32) as LogIndex,
      term: readSafeInteger(view, at + 40) as Term,
      nextOffset: readSafeInteger(view, at + 48) as Offset,
    },
    logStart: readSafeInteger(view, at + 56) as Offset,
    configurationRevision: readSafeInteger(view, at + 64),
    configuration: bytes.slice(end, configurationEnd),
    dropped: (view.getUint32(at + 84) & DROPPED) !== 0,
    suspect: (view.getUint32(at + 84) & SUSPECT) !== 0,
  };
  into.push({ row, asOf: readSafeInteger(view, at + 72), tail });
  return configurationEnd;
}
