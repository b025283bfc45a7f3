// The journal's sizes: their defaults, and what has to hold between them.
import { assert } from "../base/assert.ts";
import { BLOCK_BYTES, FILE_HEADER_BYTES } from "./format.ts";
import type { JournalOptions } from "./owner.ts";

export interface JournalSizes {
  readonly arenaBytes: number;
  /** What batches leave free in the arena. */
  readonly marginBytes: number;
  readonly tableBytes: number;
  readonly fileBytes: number;
  readonly bytesMax: number;
  readonly reserveBytes: number;
  readonly batchBytesMax: number;
  readonly sealIdleMs: number;
}

const MIB = 1 << 20;
/** Memory for the headers of queued records, as a part of the arena: 131,072 of them by default. */
const TABLE_PART = 8;
/** Of the arena, what batches leave to the small payloads of other records. */
const MARGIN_PART = 64;
const TABLE_BYTES_MIN = 64 * 1024;
const RESERVE_PART = 16;

export function journalSizes(options: JournalOptions): JournalSizes {
  const arenaBytes = options.arenaBytes ?? 64 * MIB;
  const bytesMax = options.bytesMax ?? 8192 * MIB;
  const fileBytes = options.fileBytes ?? 64 * MIB;
  const sizes = {
    arenaBytes,
    marginBytes: arenaBytes / MARGIN_PART,
    tableBytes: Math.max(TABLE_BYTES_MIN, arenaBytes / TABLE_PART),
    fileBytes,
    bytesMax,
    reserveBytes: options.reserveBytes ?? Math.max(fileBytes, Math.floor(bytesMax / RESERVE_PART)),
    batchBytesMax: options.batchBytesMax ?? Math.min(4 * MIB, arenaBytes / 4),
    sealIdleMs: options.sealIdleMs ?? 100,
  };
  assert((arenaBytes & (arenaBytes - 1)) === 0, "the size of the arena is a power of two");
  assert(sizes.batchBytesMax * 2 <= arenaBytes, "the arena holds two batches");
  assert(sizes.batchBytesMax + FILE_HEADER_BYTES <= fileBytes, "a file holds a batch");
  assert(fileBytes % BLOCK_BYTES === 0, "a file is a number of blocks");
  assert(sizes.reserveBytes < bytesMax, "the reserve is part of the journal");
  return sizes;
}
