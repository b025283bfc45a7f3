// The batches that wait for the disk: one that is being gathered, sealed ones before it, at most one that is being
// written. Record headers are encoded straight into a ring of table memory, so that a batch's table is one range of it.
// The ring grows when what cannot wait finds it full (J11); whatever can wait asks first how much of it is free.
import { assert } from "../base/assert.ts";
import { RECORD_HEADER_BYTES, encodeRecordHeader } from "../record/record.ts";
import type { RecordHeader } from "../record/record.ts";
import { BATCH_HEADER_BYTES, PEERS_MAX, PEER_BYTES } from "./format.ts";
import type { JournalSizes } from "./sizes.ts";

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
  readonly #allocate: (bytes: number) => Uint8Array;
  /** Its length at the start, of which `freePart` speaks. */
  readonly #tableBytes: number;
  #table: Uint8Array;
  #tableView: DataView;
  readonly #bytesMax: number;
  readonly #loneBytesMax: number;
  #tablePosition = 0;
  #waiting: QueuedBatch[] = [];
  #open: QueuedBatch | null = null;
  #writing: QueuedBatch | null = null;
  #lastTicket: number;
  #nextTicket: number;
  #nextOrdinal: number;

  constructor(
    sizes: Pick<JournalSizes, "tableBytes" | "batchBytesMax" | "loneBatchBytesMax">,
    last: { readonly ticket: number; readonly ordinal: number },
    allocate: (bytes: number) => Uint8Array,
  ) {
    const { tableBytes, batchBytesMax, loneBatchBytesMax } = sizes;
    assert(tableBytes % RECORD_HEADER_BYTES === 0, "the table memory holds whole headers");
    this.#allocate = allocate;
    this.#tableBytes = tableBytes;
    this.#table = allocate(tableBytes);
    this.#tableView = viewOf(this.#table);
    this.#bytesMax = batchBytesMax - OVERHEAD_BYTES;
    this.#loneBytesMax = loneBatchBytesMax - OVERHEAD_BYTES;
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

  /** The longest payload that a batch can carry; one that is longer than batches grow otherwise is alone in its batch. */
  get payloadBytesMax(): number {
    return this.#loneBytesMax - 2 * RECORD_HEADER_BYTES;
  }

  /** Part of the table memory that is free: 1 at most, below 0 when it had to grow. */
  get freePart(): number {
    const oldest = this.#writing ?? this.#waiting[0] ?? this.#open;
    if (oldest === null) return 1;
    return 1 - (this.#tablePosition - oldest.tableStart) / this.#tableBytes;
  }

  /** Lets the next batch have a ticket above `ticket`: numbers that were perhaps used are never used again. */
  skipTicketsUpTo(ticket: number): void {
    this.seal();
    this.#nextTicket = Math.max(this.#nextTicket, ticket + 1);
  }

  /**
   * Adds a record whose payload goes to `position`. A payload has to follow the batch's earlier ones directly, so the
   * caller seals before it leaves a hole.
   */
  add(header: RecordHeader, position: number): void {
    const length = header.length;
    let batch = this.#open;
    if (
      batch !== null &&
      this.#bytesOf(batch) + 2 * RECORD_HEADER_BYTES + length > this.#bytesMax
    ) {
      this.seal();
      batch = null;
    }
    this.#reserve(batch);
    batch = this.#open ?? this.#begin(position);
    if (batch.payloadEnd === batch.payloadStart) batch.payloadStart = position;
    else assert(batch.payloadEnd === position, "the payloads of a batch are one range");
    batch.payloadEnd = position + length;
    const at = this.#tablePosition % this.#table.length;
    encodeRecordHeader(header, this.#tableView, at);
    this.#tablePosition += RECORD_HEADER_BYTES;
    batch.recordCount++;
    this.#nextOrdinal++;
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

  /** Makes sure of room for one more header, sealing `batch` when its table would wrap around the ring. */
  #reserve(batch: QueuedBatch | null): void {
    if (batch !== null && this.#tablePosition % this.#table.length === 0) this.seal();
    const oldest = this.#writing ?? this.#waiting[0] ?? this.#open;
    const used = oldest === null ? 0 : this.#tablePosition - oldest.tableStart;
    if (used + RECORD_HEADER_BYTES > this.#table.length) this.#grow();
  }

  /** Twice the ring: no table wraps around it that did not wrap before. The write under way keeps the memory it has. */
  #grow(): void {
    const table = this.#allocate(2 * this.#table.length);
    const queued = [this.#writing, ...this.#waiting, this.#open];
    for (const batch of queued) {
      if (batch !== null) table.set(this.tableOf(batch), batch.tableStart % table.length);
    }
    this.#table = table;
    this.#tableView = viewOf(table);
  }

  #bytesOf(batch: QueuedBatch): number {
    return batch.payloadEnd - batch.payloadStart + 2 * RECORD_HEADER_BYTES * batch.recordCount;
  }
}

function viewOf(table: Uint8Array): DataView {
  return new DataView(table.buffer, table.byteOffset, table.length);
}
