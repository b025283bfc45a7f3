// Puts a queued batch into the form that the disk gets: header, peers, records, payloads, zeros, records, peers, header (J1).
// Everything is a view of memory from the journal lane; records and payloads are never copied again.
import { assert } from "../base/assert.ts";
import { crc32c } from "../bytes/crc32c.ts";
import { writeUuid } from "../bytes/uuid.ts";
import type { DirectoryId } from "../model/ids.ts";
import { RECORD_HEADER_BYTES, writeSafeInteger } from "../record/record.ts";
import {
  BATCH_HEADER_BYTES,
  BLOCK_BYTES,
  PEERS_MAX,
  PEER_BYTES,
  batchLength,
  encodeBatchHeader,
} from "./format.ts";
import type { BatchHeader, FileHeader } from "./format.ts";
import type { QueuedBatch } from "./queue.ts";
import type { SeenStart } from "./starts.ts";

const EDGE_BYTES = BLOCK_BYTES;
/** What a batch writer allocates: one block for the head, one for the tail, one of zeros. */
export const SCRATCH_BYTES = 3 * EDGE_BYTES;

export class BatchWriter {
  readonly #scratch: Uint8Array;
  readonly #view: DataView;
  readonly #incarnation: number;

  constructor(scratch: Uint8Array, incarnation: number) {
    assert(BATCH_HEADER_BYTES + PEERS_MAX * PEER_BYTES <= EDGE_BYTES, "all peers fit a block");
    this.#scratch = scratch;
    this.#view = new DataView(scratch.buffer, scratch.byteOffset, scratch.length);
    this.#incarnation = incarnation;
  }

  /** A block of zeros. */
  get zeros(): Uint8Array {
    return this.#scratch.subarray(2 * EDGE_BYTES);
  }

  /** The parts of one write. Uses the scratch memory: the write before has ended. */
  parts(
    batch: QueuedBatch,
    file: FileHeader,
    peers: ReadonlyMap<DirectoryId, SeenStart>,
    records: Uint8Array,
    payload: Uint8Array,
  ): Uint8Array[] {
    const scratch = this.#scratch;
    const peersEnd = this.#encodePeers(peers);
    const peersLength = peersEnd - BATCH_HEADER_BYTES;
    const peersSum = crc32c(scratch, BATCH_HEADER_BYTES, peersEnd);
    const payloadLength = batch.payloadEnd - batch.payloadStart;
    assert(payload.length === payloadLength, "the payloads of a batch are one range of memory");
    const length = batchLength(peers.size, batch.recordCount, payload.length);
    const header: BatchHeader = {
      length,
      ticket: batch.ticket,
      previous: batch.previous,
      firstOrdinal: batch.firstOrdinal,
      recordCount: batch.recordCount,
      peerCount: peers.size,
      payloadLength: payload.length,
      incarnation: this.#incarnation,
      tableSum: crc32c(records, 0, records.length, peersSum),
    };
    encodeBatchHeader("head", header, file, this.#view, 0);
    scratch.copyWithin(EDGE_BYTES, BATCH_HEADER_BYTES, peersEnd);
    encodeBatchHeader("tail", header, file, this.#view, EDGE_BYTES + peersLength);
    const head = scratch.subarray(0, peersEnd);
    const tail = scratch.subarray(EDGE_BYTES, EDGE_BYTES + peersLength + BATCH_HEADER_BYTES);
    const used = head.length + tail.length + 2 * records.length + payload.length;
    const zeros = scratch.subarray(2 * EDGE_BYTES, 2 * EDGE_BYTES + (length - used));
    const parts = [head, records, payload, zeros, records, tail];
    return parts.filter((part) => part.length > 0);
  }

  /** After the place of the head's header. */
  #encodePeers(peers: ReadonlyMap<DirectoryId, SeenStart>): number {
    let at = BATCH_HEADER_BYTES;
    for (const [peer, { start, ticket }] of peers) {
      assert(writeUuid(this.#scratch, at, peer), "a directory id is a uuid");
      writeSafeInteger(this.#view, at + 16, start);
      writeSafeInteger(this.#view, at + 24, ticket);
      at += PEER_BYTES;
    }
    return at;
  }
}

/** Bytes that `batch` takes in its file, and where in it the payloads begin. */
export function batchShape(
  batch: QueuedBatch,
  peerCount: number,
): { readonly length: number; readonly payloadAt: number } {
  const payloadLength = batch.payloadEnd - batch.payloadStart;
  return {
    length: batchLength(peerCount, batch.recordCount, payloadLength),
    payloadAt:
      BATCH_HEADER_BYTES + peerCount * PEER_BYTES + batch.recordCount * RECORD_HEADER_BYTES,
  };
}
