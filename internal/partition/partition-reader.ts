// Committed batches of a partition as bytes for a consumer: slices of the journal's arena while they are there, else read
// back from the journal's files and verified, because a corrupted byte is never served (D2).
import { takeBack } from "../base/lent.ts";
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { LogIndex, Offset } from "../model/ids.ts";
import { ENTRY_BATCH } from "../raft/entry.ts";
import { headerOf } from "../replica/outbox.ts";
import { PinnedSlices } from "../replica/pinned-slices.ts";
import { readVerified } from "../replica/read-verified.ts";
import type { Partition } from "./partition.ts";

export interface ReadBytes {
  readonly slices: readonly Uint8Array[];
  readonly bytes: number;
  /** The slices may be overwritten from now on. Exactly once. */
  release(): void;
}

/** Of one read, in which the event loop has no turn: a few milliseconds, however small they are (L7). */
const BATCHES_MAX = 8_192;

const NOTHING: ReadBytes = { slices: [], bytes: 0, release: () => {} };

/** Committed bytes from the batch that holds `offset` on, counted up to `bytesMax`. */
export function availableBytes(partition: Partition, offset: Offset, bytesMax: number): number {
  const { entries, machine } = partition.replica;
  let bytes = 0;
  const first = entries.find(offset);
  if (first === null) return 0;
  for (let index = first; index <= machine.commit && bytes < bytesMax; index++) {
    if (entries.kind(index) === ENTRY_BATCH) bytes += entries.length(index);
  }
  return Math.min(bytes, bytesMax);
}

/**
 * Whole committed batches from the one that holds `offset`, up to `bytesMax`; the first one whole even if it is larger, when
 * `atLeastOne`. "on-disk": the first of them left memory, use `readFromDisk`.
 */
export function readFromMemory(
  partition: Partition,
  journal: ConstructorParameters<typeof PinnedSlices>[0],
  offset: Offset,
  bytesMax: number,
  atLeastOne: boolean,
): ReadBytes | "on-disk" {
  const { entries, machine } = partition.replica;
  const first = entries.find(offset);
  if (first === null || first > machine.commit) return NOTHING;
  const slices = new PinnedSlices(journal);
  const last = Math.min(machine.commit, first + BATCHES_MAX - 1);
  for (let index = first; index <= last; index++) {
    if (entries.kind(index) !== ENTRY_BATCH) continue;
    const length = entries.length(index);
    const isFirst = slices.bytes === 0;
    if (slices.bytes + length > bytesMax && !(isFirst && atLeastOne)) break;
    if (slices.add(entries.position(index), length)) continue;
    if (isFirst) return "on-disk";
    break;
  }
  return slices;
}

/** The same from the journal's files. Fails when the first batch is damaged or cannot be read. */
export async function readFromDisk(
  partition: Partition,
  journal: ConstructorParameters<typeof PinnedSlices>[0],
  offset: Offset,
  bytesMax: number,
  atLeastOne: boolean,
): Promise<Result<ReadBytes, "storage">> {
  const { entries, machine } = partition.replica;
  const slices: Uint8Array[] = [];
  let bytes = 0;
  const first = entries.find(offset);
  if (first === null) return ok(NOTHING);
  const last = Math.min(machine.commit, first + BATCHES_MAX - 1);
  for (let index = first; index <= last; index = (index + 1) as LogIndex) {
    if (!entries.has(index)) break;
    if (entries.kind(index) !== ENTRY_BATCH) continue;
    const length = entries.length(index);
    if (bytes + length > bytesMax && !(bytes === 0 && atLeastOne)) break;
    const header = headerOf(partition.replica, index);
    const payload = await readVerified(partition.replica, journal, header);
    if (payload === null) {
      if (bytes === 0) return failed("storage");
      break;
    }
    slices.push(payload);
    bytes += length;
  }
  const release = (): void => {
    for (const slice of slices) takeBack(slice);
  };
  return ok({ slices, bytes, release });
}
