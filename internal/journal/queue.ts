// The batches that wait for the disk: one that is being gathered, sealed ones before it, at most one that is being
// written. Record headers are encoded straight into a ring of table memory, so that a batch's table is one range of it.
import { assert } from "../base/assert.ts";
import { RECORD_HEADER_BYTES, encodeRecordHeader } from "../record/record.ts";
import type { RecordHeader } from "../record/record.ts";
import { BATCH_HEADER_BYTES, PEERS_MAX, PEER_BYTES } from "./format.ts";

export interface QueuedBatch {
  readonly ticket: number;
  readonly previous: number;
  readonly firstOrdinal: number;
  /** Where its records lie in the stream of table bytes. */
  tableStart: number;
  recordCount: number;
  /** The stream range of its payloads. */
  payloadStart: number;
  payloadEnd: number;
}

/** What a batch needs besides records and payloads, at most. */
const OVERHEAD_BYTES = 2 * (BATCH_HEADER_BYTES + PEERS_MAX * PEER_BYTES) + 4096;

export class BatchQueue {
  readonly #table: Uint8Array;
  readonly #tableView: DataView;
  readonly #bytesMax: number;
  #tablePosition = 0;
  #waiting: QueuedBatch[] = [];
  #open: QueuedBatch | null = null;
  #writing: QueuedBatch | null = null;
  #lastTicket: number;
  #nextTicket: number;
  #nextOrdinal: number;

  constructor(table: Uint8Array, bytesMax: number, last: { ticket: number; ordinal: number }) {
    assert(table.length % RECORD_HEADER_BYTES === 0, "the table memory holds whole headers");
    this.#table = table;
    this.#tableView = new DataView(table.buffer, table.byteOffset, table.length);
    this.#bytesMax = bytesMax - OVERHEAD_BYTES;
    this.#lastTicket = last.ticket;
    this.#nextTicket = last.ticket + 1;
    this.#nextOrdinal = last.ordinal;
  }

  /** Ordinal of the next record. */
  get nextOrdinal(): number {
    return this.#nextOrdinal;
  }

  /** Ticket of the newest batch, gathered or written. */
  get lastTicket(): number {
    return this.#lastTicket;
  }

  get isEmpty(): boolean {
    return this.#open === null && this.#waiting.length === 0;
  }

  /** The longest payload that a batch can carry. */
  get payloadBytesMax(): number {
    return this.#bytesMax - 2 * RECORD_HEADER_BYTES;
  }

  /** Part of the table memory that is free, 0 to 1. */
  get freePart(): number {
    const oldest = this.#writing ?? this.#waiting[0] ?? this.#open;
    if (oldest === null) return 1;
    return 1 - (this.#tablePosition - oldest.tableStart) / this.#table.length;
  }

  /** Lets the next batch have a ticket above `ticket`: numbers that were perhaps used are never used again. */
  skipTicketsUpTo(ticket: number): void {
    this.seal();
    this.#nextTicket = Math.max(this.#nextTicket, ticket + 1);
  }

  /**
   * Adds a record whose payload goes to `position`. False when the table memory is full. A payload has to follow
   * the batch's earlier ones directly, so the caller seals before it leaves a hole.
   */
  add(header: RecordHeader, position: number): boolean {
    const length = header.length;
    let batch = this.#open;
    if (
      batch !== null &&
      this.#bytesOf(batch) + 2 * RECORD_HEADER_BYTES + length > this.#bytesMax
    ) {
      this.seal();
      batch = null;
    }
    if (!this.#reserve(batch)) return false;
    batch = this.#open ?? this.#begin(position);
    if (batch.payloadEnd === batch.payloadStart) batch.payloadStart = position;
    else assert(batch.payloadEnd === position, "the payloads of a batch are one range");
    batch.payloadEnd = position + length;
    const at = this.#tablePosition % this.#table.length;
    encodeRecordHeader(header, this.#tableView, at);
    this.#tablePosition += RECORD_HEADER_BYTES;
    batch.recordCount++;
    this.#nextOrdinal++;
    return true;
  }

  /** Ends the batch that is being gathered. */
  seal(): void {
    if (this.#open === null) return;
    this.#waiting.push(this.#open);
    this.#open = null;
  }

  /** The next batch to write. It counts as being written until `written`. */
  take(): QueuedBatch | null {
    if (this.#waiting.length === 0) this.seal();
    this.#writing = this.#waiting.shift() ?? null;
    return this.#writing;
  }

  written(): void {
    this.#writing = null;
  }

  /** The encoded record headers of a batch. */
  tableOf(batch: QueuedBatch): Uint8Array {
    const at = batch.tableStart % this.#table.length;
    return this.#table.subarray(at, at + batch.recordCount * RECORD_HEADER_BYTES);
  }

  #begin(position: number): QueuedBatch {
    const batch: QueuedBatch = {
      ticket: this.#nextTicket,
      previous: this.#lastTicket,
      firstOrdinal: this.#nextOrdinal,
      tableStart: this.#tablePosition,
      recordCount: 0,
      payloadStart: position,
      payloadEnd: position,
    };
    this.#lastTicket = this.#nextTicket;
    this.#nextTicket++;
    this.#open = batch;
    return batch;
  }

  /** Finds room for one more header, sealing `batch` when its table would wrap around the ring. */
  #reserve(batch: QueuedBatch | null): boolean {
    const size = this.#table.length;
    if (batch !== null && this.#tablePosition % size === 0) this.seal();
    const oldest = this.#writing ?? this.#waiting[0] ?? this.#open;
    return oldest === null || this.#tablePosition + RECORD_HEADER_BYTES - oldest.tableStart <= size;
  }

  #bytesOf(batch: QueuedBatch): number {
    return batch.payloadEnd - batch.payloadStart + 2 * RECORD_HEADER_BYTES * batch.recordCount;
  }
}
