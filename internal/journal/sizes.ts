// The journal's sizes: their defaults, and what has to hold between them.
import { assert } from "../base/assert.ts";
import { BLOCK_BYTES, FILE_HEADER_BYTES } from "./format.ts";
import type { JournalOptions } from "./owner.ts";

export interface JournalSizes {
  readonly arenaBytes: number;
  /** What batches leave free in the arena; of it, what else can wait leaves half (J11). */
  readonly marginBytes: number;
  readonly tableBytes: number;
  readonly fileBytes: number;
  readonly bytesMax: number;
  /** The reserve file (J8). */
  readonly reserveBytes: number;
  /** Of `bytesMax`, what leaders leave to followers, and to all that is no batch of a client (J11). */
  readonly keptBytes: number;
  /** Up to here payloads are gathered into one write. */
  readonly batchBytesMax: number;
  /** Of a write of one payload, which an earlier or another limit of batches may have let through. */
  readonly loneBatchBytesMax: number;
  readonly sealIdleMs: number;
}

const MIB = 1 << 20;
/** Memory for the headers of queued records, as a part of the arena: 131,072 of them by default. */
const TABLE_PART = 8;
/** Of the arena, what batches leave to the small payloads of other records. */
const MARGIN_PART = 64;
const TABLE_BYTES_MIN = 64 * 1024;
const KEPT_PART = 16;

export function journalSizes(options: JournalOptions): JournalSizes {
  const arenaBytes = roundedDown(options.arenaBytes ?? 64 * MIB);
  const bytesMax = options.bytesMax ?? 8192 * MIB;
  const fileBytes = options.fileBytes ?? 64 * MIB;
  const sizes = {
    arenaBytes,
    marginBytes: Math.floor(arenaBytes / MARGIN_PART),
    tableBytes: Math.max(TABLE_BYTES_MIN, arenaBytes / TABLE_PART),
    fileBytes,
    bytesMax,
    reserveBytes: options.reserveBytes ?? MIB,
    keptBytes: Math.max(fileBytes, Math.floor(bytesMax / KEPT_PART)),
    batchBytesMax: options.batchBytesMax ?? Math.min(4 * MIB, arenaBytes / 4),
    loneBatchBytesMax: Math.min(arenaBytes / 2, fileBytes - FILE_HEADER_BYTES),
    sealIdleMs: options.sealIdleMs ?? 100,
  };
  assert(sizes.batchBytesMax * 2 <= arenaBytes, "the arena holds two batches");
  assert(sizes.batchBytesMax + FILE_HEADER_BYTES <= fileBytes, "a file holds a batch");
  assert(fileBytes % BLOCK_BYTES === 0, "a file is a number of blocks");
  assert(3 * fileBytes <= bytesMax, "the journal holds three files");
  return sizes;
}

/** The arena is a number of whole segments, and so is a part of it of whole record headers. */
function roundedDown(arenaBytes: number): number {
  const unit = arenaBytes >= 8 * MIB ? MIB : 512;
  return arenaBytes - (arenaBytes % unit);
}
