// Reads a journal back (J7): from its oldest file to the first batch that is neither readable nor vouched for. A batch that
// is not whole stays undecided until a later batch names it as its predecessor, which proves that it was durable and
// is damaged now (D1), or until the journal ends, which makes it a torn tail. Nothing is changed: the next batch overwrites the torn one.
import { crc32c } from "../bytes/crc32c.ts";
import { readUuid } from "../bytes/uuid.ts";
import type { DirectoryId, PayloadPosition, StartId, Ticket } from "../model/ids.ts";
import { lend, takeBack } from "../base/lent.ts";
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { DiskFault } from "../ports/disk.ts";
import type { World } from "../ports/world.ts";
import { BATCH_ENTRY, readSafeInteger } from "../record/record.ts";
import type { RecordHeader } from "../record/record.ts";
import {
  BLOCK_BYTES,
  FILE_HEADER_BYTES,
  PEER_BYTES,
  SALT_BYTES,
  decodeFileHeader,
  saltOfFirstBatch,
} from "./format.ts";
import type { FileHeader } from "./format.ts";
import { blocksOf, filePath, newSlot } from "./files.ts";
import type { FileSlot } from "./files.ts";
import type { GroupTable } from "./group-table.ts";
import { Ledger } from "./ledger.ts";
import type { DamagedEntry, RecoveryVisitor } from "./owner.ts";
import { Replay } from "./replay.ts";
import { Scan } from "./scan.ts";
import type { FoundBatch } from "./scan.ts";
import type { SeenStart } from "./starts.ts";

/** Kafka's own checksum begins after these bytes of a batch. */
const BATCH_UNSUMMED_BYTES = 21;

export interface RecoveredFiles {
  readonly ledger: Ledger;
  /** Files with batches, in order. Handles are not open. */
  readonly slots: FileSlot[];
  /** Files after those, with a header and no batch. */
  readonly prepared: readonly FileSlot[];
  /** The last batch as it was read, at `position` of the last of `slots`; null when there is none. */
  readonly lastBatch: { readonly position: number; readonly bytes: Uint8Array } | null;
  /** Highest sequence that any file name carries, 0 for none. */
  readonly sequenceMax: number;
  readonly lastTicket: number;
  readonly nextOrdinal: number;
  /** End of the stream of payload positions that recovery handed out. */
  readonly nextPosition: number;
  readonly peers: ReadonlyMap<DirectoryId, SeenStart>;
  readonly damage: readonly DamagedEntry[];
  readonly isIncomplete: boolean;
  /** Incarnation of the closing seal that the journal ends with, 0 for none. */
  readonly closedBy: number;
  readonly batchCount: number;
}

interface LoadedFile {
  readonly slot: FileSlot;
  readonly bytes: Uint8Array;
  readonly scan: Scan;
}

interface Undecided {
  readonly file: LoadedFile;
  readonly batch: FoundBatch;
  readonly sound: readonly boolean[];
}

export class Recovery {
  readonly #world: World;
  readonly #directory: string;
  readonly #id: DirectoryId;
  readonly #ledger = new Ledger();
  readonly #replay: Replay;
  readonly #hasTable: boolean;
  readonly #slots: FileSlot[] = [];
  /** All files whose header is right. */
  readonly #readable: FileSlot[] = [];
  #undecided: Undecided | null = null;
  #lastTicket: number;
  #nextOrdinal = 0;
  #nextPosition = 0;
  #peers = new Uint8Array(0);
  #closedBy = 0;
  #lastBatch: { readonly position: number; readonly bytes: Uint8Array } | null = null;
  #batchCount = 0;

  constructor(
    world: World,
    directory: string,
    id: DirectoryId,
    table: GroupTable | null,
    visitor: RecoveryVisitor,
  ) {
    this.#world = world;
    this.#directory = directory;
    this.#id = id;
    this.#replay = new Replay(world.log, this.#ledger, visitor, table);
    this.#hasTable = table !== null;
    this.#lastTicket = table?.header.previousTicket ?? 0;
    this.#nextOrdinal = table?.header.start ?? 0;
  }

  /** `sequences` are those of the files from the oldest one on, in order; `isFounded`: there must be some. */
  async run(
    sequences: readonly number[],
    isFounded: boolean,
  ): Promise<Result<RecoveredFiles, DiskFault>> {
    for (const sequence of sequences) {
      const loaded = await this.#load(sequence);
      if (!loaded.ok) return loaded;
      if (loaded.value !== null) this.#readFile(loaded.value);
    }
    const isLost = this.#batchCount === 0 && (this.#hasTable || this.#readable.length === 0);
    if (isFounded && isLost) this.#replay.gap("no file is readable");
    const damage = this.#replay.end();
    const last = this.#slots.at(-1);
    const prepared = this.#readable.filter((slot) => this.#isAfter(slot, last));
    return ok({
      ledger: this.#ledger,
      slots: this.#slots,
      prepared,
      lastBatch: this.#lastBatch,
      sequenceMax: sequences.at(-1) ?? 0,
      lastTicket: this.#lastTicket,
      nextOrdinal: this.#nextOrdinal,
      nextPosition: this.#nextPosition,
      peers: decodePeers(this.#peers),
      damage,
      isIncomplete: this.#replay.incomplete,
      closedBy: this.#closedBy,
      batchCount: this.#batchCount,
    });
  }

  #isAfter(slot: FileSlot, last: FileSlot | undefined): boolean {
    return last === undefined || slot.header.sequence > last.header.sequence;
  }

  async #load(sequence: number): Promise<Result<LoadedFile | null, DiskFault>> {
    const path = filePath(this.#directory, sequence);
    const bulk = this.#world.disk.bulk;
    const measured = await bulk.length(path);
    if (!measured.ok) return measured;
    const bytes = new Uint8Array(blocksOf(measured.value));
    const read = await readBlocks(this.#world, path, bytes);
    if (!read.ok) return read;
    const header = decodeFileHeader(bytes, sequence, this.#id) ?? this.#salvage(bytes, sequence);
    if (header === null) return ok(null);
    const slot = newSlot(header, path, bytes.length);
    return ok({ slot, bytes, scan: new Scan(bytes, header) });
  }

  #salvage(bytes: Uint8Array, sequence: number): FileHeader | null {
    const salt = saltOfFirstBatch(bytes, sequence);
    if (salt === null || salt.length !== SALT_BYTES) return null;
    this.#world.log.error({ sequence }, "journal file header is damaged");
    return { sequence, salt, directory: this.#id };
  }

  #readFile(file: LoadedFile): void {
    const { slot, scan } = file;
    for (let from = FILE_HEADER_BYTES; ;) {
      const batch = scan.next(from);
      if (batch === null) break;
      from = batch.end;
      this.#take(file, batch);
    }
    this.#readable.push(slot);
  }

  #take(file: LoadedFile, batch: FoundBatch): void {
    const { ticket, previous } = batch.header;
    const undecided = this.#undecided;
    this.#undecided = null;
    if (undecided !== null && previous >= undecided.batch.header.ticket) {
      this.#apply(undecided.file, undecided.batch, undecided.sound);
    }
    if (ticket <= this.#lastTicket) return; // torn once, and its ticket was used again in another file
    if (previous > this.#lastTicket) this.#replay.gap("batches are missing");
    const sound = this.#soundPayloads(file, batch);
    if (batch.isWhole && sound.every(Boolean)) this.#apply(file, batch, sound);
    else this.#undecided = { file, batch, sound };
  }

  #apply(file: LoadedFile, batch: FoundBatch, sound: readonly boolean[]): void {
    const { slot, bytes, scan } = file;
    const { header } = batch;
    if (this.#slots.at(-1) !== slot) {
      this.#slots.push(slot);
      slot.firstTicket = header.ticket;
      slot.previousTicket = header.previous;
    }
    slot.position = batch.end;
    this.#lastBatch = { position: batch.start, bytes: bytes.subarray(batch.start, batch.end) };
    if (header.payloadLength > 0) {
      slot.index.add(this.#nextPosition, header.payloadLength, batch.payloadAt);
    }
    this.#lastTicket = header.ticket;
    this.#nextOrdinal = header.firstOrdinal + header.recordCount;
    this.#peers = bytes.slice(batch.peersAt, batch.peersAt + header.peerCount * PEER_BYTES);
    this.#closedBy = 0;
    this.#batchCount++;
    let payloadAt = batch.payloadAt;
    for (let each = 0; each < header.recordCount; each++) {
      const record = scan.record(batch, each);
      if (!record.ok) return this.#replay.gap("a record is of no known kind");
      const { value } = record;
      const payloadEnd = payloadAt + value.length;
      // The last batch is written again, so its bytes stay as they are.
      const payload = sound[each] === true ? lend(bytes.subarray(payloadAt, payloadEnd)) : null;
      this.#replay.record({
        header: value,
        ordinal: header.firstOrdinal + each,
        file: slot.header.sequence,
        position: (this.#nextPosition + payloadAt - batch.payloadAt) as PayloadPosition,
        payload,
      });
      if (payload !== null) takeBack(payload);
      if (value.type === "seal" && value.kind === 1) this.#closedBy = value.index;
      payloadAt = payloadEnd;
    }
    this.#nextPosition += header.payloadLength;
  }

  #soundPayloads(file: LoadedFile, batch: FoundBatch): boolean[] {
    const sound: boolean[] = [];
    let at = batch.payloadAt;
    const payloadEnd = at + batch.header.payloadLength;
    for (let each = 0; each < batch.header.recordCount; each++) {
      const record = file.scan.record(batch, each);
      if (!record.ok) break;
      const end = at + record.value.length;
      sound.push(end <= payloadEnd && isPayloadSound(record.value, file.bytes, at, end));
      at = end;
    }
    return sound;
  }
}

/** True when the bytes are what the header's sums say. Also for bytes that `Journal.read` returned (D2). */
export function isPayloadSound(
  header: RecordHeader,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  if (end - start !== header.length) return false;
  const isEntry = header.type === "append" || header.type === "copy-forward";
  if (!isEntry || header.kind !== BATCH_ENTRY) return crc32c(bytes, start, end) === header.checksum;
  const summedFrom = start + BATCH_UNSUMMED_BYTES;
  if (summedFrom > end) return false;
  if (crc32c(bytes, start, summedFrom) !== header.headSum) return false;
  return crc32c(bytes, summedFrom, end) === header.checksum;
}

/** Whoever gives a block up for one failed read gives the directory up with it, for good (D1). */
const BLOCK_ATTEMPTS = 3;

/** Reads a whole file; blocks that the disk cannot read stay zero and are judged like other damage. */
async function readBlocks(
  world: World,
  path: string,
  into: Uint8Array,
): Promise<Result<void, DiskFault>> {
  const bulk = world.disk.bulk;
  const whole = await bulk.read(path, 0, into);
  if (whole.ok) return ok(undefined);
  if (whole.fault.code !== "EIO") return failed(whole.fault);
  for (let at = 0; at < into.length; at += BLOCK_BYTES) {
    const block = into.subarray(at, at + BLOCK_BYTES);
    if (await isRead(world, path, at, block)) continue;
    block.fill(0);
    world.log.error({ path, position: at }, "journal block is unreadable");
  }
  return ok(undefined);
}

async function isRead(
  world: World,
  path: string,
  position: number,
  into: Uint8Array,
): Promise<boolean> {
  for (let attempt = 0; attempt < BLOCK_ATTEMPTS; attempt++) {
    const read = await world.disk.bulk.read(path, position, into);
    if (read.ok) return true;
  }
  return false;
}

function decodePeers(bytes: Uint8Array): ReadonlyMap<DirectoryId, SeenStart> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const peers = new Map<DirectoryId, SeenStart>();
  for (let at = 0; at < bytes.length; at += PEER_BYTES) {
    const start = readSafeInteger(view, at + 16) as StartId;
    const ticket = readSafeInteger(view, at + 24) as Ticket;
    peers.set(readUuid(view, at) as DirectoryId, { start, ticket });
  }
  return peers;
}
