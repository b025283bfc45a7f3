// The journal's files: the one being written, the next one being prepared ahead of need, the full ones until they are
// recycled. Preparing goes through the bulk lane, in small synced steps, and only ever touches a file that is not
// the journal's yet: so it shares neither a thread nor a byte with journal writes, and those never make a file
// longer once the first few, small ones are full. A file becomes the journal's with the length it has by then.
import { assert } from "../base/assert.ts";
import type { DirectoryId, PayloadPosition } from "../model/ids.ts";
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { DiskFault, JournalFile } from "../ports/disk.ts";
import type { World } from "../ports/world.ts";
import { BatchIndex } from "./batch-index.ts";
import { BLOCK_BYTES, FILE_HEADER_BYTES, SALT_BYTES, encodeFileHeader } from "./format.ts";
import type { FileHeader } from "./format.ts";
import type { ReadFault } from "./owner.ts";
import { ReadAhead } from "./read-ahead.ts";

/** The first file: what has to be written before a new broker is ready. */
export const FIRST_FILE_BYTES = 1 << 20;
const STEP_BYTES = 256 * 1024;
/** Between two steps, so that preparing takes a small part of the disk. */
const STEP_PAUSE_MS = 5;
/** How often preparing is tried again on a full disk. */
const FULL_DISK_PAUSE_MS = 1_000;
/** How far the next file is ahead: this many times what the current one has used. */
const AHEAD = 4;
const SPARES_MAX = 2;

export interface FileSlot {
  readonly header: FileHeader;
  readonly path: string;
  /** Bytes that are written with something, so that overwriting them changes no metadata. */
  capacity: number;
  /** Where the next batch goes. */
  position: number;
  /** First batch of the file; 0 while it has none. */
  firstTicket: number;
  previousTicket: number;
  readonly index: BatchIndex;
  handle: JournalFile | null;
}

export interface FilesOptions {
  readonly directory: string;
  readonly fileBytes: number;
  readonly id: DirectoryId;
}

export function filePath(directory: string, sequence: number): string {
  return `${directory}/${String(sequence).padStart(16, "0")}.journal`;
}

export class JournalFiles {
  /** Called when the next file became usable. */
  onReady: () => void = () => {};
  /** The disk is full: nothing can be prepared. */
  isDiskFull = false;
  /** After a failure nobody tries again before: who waits for room asks at once, and a full disk is no reason to hurry. */
  #pausedUntilMs = 0;
  readonly #world: World;
  readonly #options: FilesOptions;
  /** In the order of their sequences; the last one is current. */
  readonly #slots: FileSlot[];
  readonly #readAhead: ReadAhead;
  #next: FileSlot | null = null;
  /** Longer files with old content, to be used again. */
  readonly #spares: string[];
  #usedBytes = 0;
  /** Of the files before the current one. */
  #fullBytes = 0;
  #stepping = false;
  #closed = false;

  constructor(world: World, options: FilesOptions, slots: FileSlot[], spares: readonly string[]) {
    assert(slots.length > 0, "a journal has a current file");
    this.#world = world;
    this.#options = options;
    this.#slots = slots;
    this.#spares = [...spares];
    this.#readAhead = new ReadAhead(world.disk.bulk);
    this.#measure();
  }

  get current(): FileSlot {
    return this.#slots[this.#slots.length - 1]!;
  }

  get oldest(): FileSlot {
    return this.#slots[0]!;
  }

  /** Bytes of all files in use, the one that is prepared ahead included. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Bytes before the end of the journal. */
  get writtenBytes(): number {
    return this.#fullBytes + this.current.position;
  }

  slot(sequence: number): FileSlot | undefined {
    return this.#slots.find((slot) => slot.header.sequence === sequence);
  }

  /** True when the current file, or the next one in its place, takes `length` bytes now. */
  makeRoom(length: number): boolean {
    if (this.current.position + length <= this.current.capacity) return true;
    const next = this.#next;
    if (next === null || next.handle === null || this.#stepping) {
      this.prepare();
      return false;
    }
    const old = this.current;
    this.#slots.push(next);
    this.#next = null;
    // Only at the start of a busy broker is the next file too short: then its first write makes it longer.
    next.capacity = Math.max(next.capacity, FILE_HEADER_BYTES + length);
    if (old.handle !== null) this.#close(old.handle);
    old.handle = null;
    this.#measure();
    return true;
  }

  /** Prepares the next file as far as is due, in the background. */
  prepare(): void {
    if (this.#stepping || this.#closed || !this.#isDue()) return;
    if (this.#world.clock.upMs() < this.#pausedUntilMs) return;
    this.#stepping = true;
    this.#world.tasks.spawn("journal-prepare", async () => {
      const done = await this.#step();
      this.#stepping = false;
      this.#measure();
      if (this.#closed) return;
      const isFirst = this.#pausedUntilMs === 0;
      this.#pausedUntilMs = done.ok ? 0 : this.#world.clock.upMs() + FULL_DISK_PAUSE_MS;
      if (!done.ok && isFirst) {
        this.#world.log.warn({ fault: done.fault }, "journal file not prepared");
      }
      this.isDiskFull = !done.ok && done.fault.code === "ENOSPC";
      this.onReady();
      this.#world.clock.after(done.ok ? STEP_PAUSE_MS : FULL_DISK_PAUSE_MS, () => this.prepare());
    });
  }

  /** Gives away the files before `sequence`: nothing in them is needed any more (J5). */
  recycleBefore(sequence: number): void {
    while (this.#slots.length > 1 && this.oldest.header.sequence < sequence) {
      const slot = this.#slots.shift()!;
      this.#readAhead.forget(slot);
      const isLongEnough = slot.capacity >= this.#options.fileBytes;
      if (isLongEnough && this.#spares.length < SPARES_MAX) this.#spares.push(slot.path);
      else this.#remove(slot.path);
    }
    this.#measure();
  }

  /** Payload bytes of one record. `isFresh`: as they are in the file now. */
  async read(
    position: PayloadPosition,
    length: number,
    isFresh: boolean,
  ): Promise<Result<Uint8Array, ReadFault>> {
    const slot = this.#slotOf(position);
    const offset = slot === null ? -1 : slot.index.find(position, length);
    if (slot === null || offset < 0) return failed({ kind: "gone" });
    const read = isFresh
      ? await this.#readAhead.readNow(slot, offset, length)
      : await this.#readAhead.read(slot, offset, length);
    if (this.#slots.indexOf(slot) < 0) return failed({ kind: "gone" }); // recycled meanwhile
    if (!read.ok) return read;
    return read.value.length === length ? read : failed({ kind: "gone" });
  }

  /** Uses a prepared file that recovery found. */
  adoptNext(slot: FileSlot): void {
    this.#next = slot;
    this.#measure();
  }

  /** Ends preparing and closes what is open. Not while a write is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const slot of [...this.#slots, this.#next]) {
      const handle = slot?.handle ?? null;
      if (slot !== null) slot.handle = null;
      if (handle !== null) await handle.close();
    }
  }

  #measure(): void {
    let sum = 0;
    for (const slot of this.#slots) sum += slot.capacity;
    this.#fullBytes = sum - this.current.capacity;
    this.#usedBytes = sum + (this.#next?.capacity ?? 0);
  }

  #isDue(): boolean {
    const next = this.#next;
    if (next === null || next.handle === null) return true;
    const used = this.current.position;
    return next.capacity < Math.min(this.#options.fileBytes, Math.max(AHEAD * used, STEP_BYTES));
  }

  async #step(): Promise<Result<void, DiskFault>> {
    const next = this.#next;
    if (next === null) return this.#beginNext();
    if (next.handle === null) return this.#openHandle(next);
    const length = Math.min(STEP_BYTES, this.#options.fileBytes - next.capacity);
    const written = await this.#world.disk.bulk.writeZeros(next.path, next.capacity, length);
    if (written.ok) next.capacity += length;
    return written;
  }

  async #beginNext(): Promise<Result<void, DiskFault>> {
    const { directory, fileBytes, id } = this.#options;
    const sequence = this.current.header.sequence + 1;
    const spare = this.#spares.pop();
    const length = Math.min(STEP_BYTES, fileBytes);
    const made =
      spare === undefined
        ? await createFile(this.#world, directory, sequence, id, length)
        : await reuseFile(this.#world, directory, sequence, id, spare);
    if (!made.ok) return made;
    this.#next = made.value;
    return this.#openHandle(made.value);
  }

  async #openHandle(slot: FileSlot): Promise<Result<void, DiskFault>> {
    const opened = await this.#world.disk.journal.open(slot.path, false);
    if (!opened.ok) return opened;
    // The journal may have closed meanwhile; then nobody else would close this one.
    if (this.#closed) await opened.value.close();
    else slot.handle = opened.value;
    return ok(undefined);
  }

  #slotOf(position: number): FileSlot | null {
    let low = 0;
    let high = this.#slots.length;
    // Files without payloads have no range; skip over them by looking at the nearest one below that has.
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#startAtOrAfter(middle) <= position) low = middle + 1;
      else high = middle;
    }
    return this.#slots[low - 1] ?? null;
  }

  #startAtOrAfter(at: number): number {
    for (let each = at; each < this.#slots.length; each++) {
      const { start } = this.#slots[each]!.index;
      if (start !== Infinity) return start;
    }
    return Infinity;
  }

  #close(handle: JournalFile): void {
    this.#world.tasks.spawn("journal-close-file", () => handle.close());
  }

  #remove(path: string): void {
    this.#world.tasks.spawn("journal-remove-file", async () => {
      const removed = await this.#world.disk.bulk.remove(path);
      if (!removed.ok) this.#world.log.warn({ fault: removed.fault }, "journal file not removed");
    });
  }
}

export function newSlot(header: FileHeader, path: string, capacity: number): FileSlot {
  return {
    header,
    path,
    capacity,
    position: FILE_HEADER_BYTES,
    firstTicket: 0,
    previousTicket: 0,
    index: new BatchIndex(),
    handle: null,
  };
}

/** Makes a file of real zeros with its header; all of it is durable. */
export async function createFile(
  world: World,
  directory: string,
  sequence: number,
  id: DirectoryId,
  length: number,
): Promise<Result<FileSlot, DiskFault>> {
  const path = filePath(directory, sequence);
  const zeroed = await world.disk.bulk.writeZeros(path, 0, length);
  if (!zeroed.ok) return zeroed;
  const bytes = new Uint8Array(FILE_HEADER_BYTES);
  const header = drawHeader(world, sequence, id);
  encodeFileHeader(header, bytes);
  const written = await world.disk.bulk.write(path, 0, bytes);
  if (!written.ok) return written;
  const synced = await world.disk.bulk.sync(path);
  if (!synced.ok) return synced;
  const measured = await world.disk.bulk.length(path);
  if (!measured.ok) return measured;
  return ok(newSlot(header, path, blocksOf(measured.value)));
}

/** Gives an old file a new name, then a new header with a new salt: its old batches are noise from then on. */
async function reuseFile(
  world: World,
  directory: string,
  sequence: number,
  id: DirectoryId,
  spare: string,
): Promise<Result<FileSlot, DiskFault>> {
  const renamed = await world.disk.bulk.rename(spare, filePath(directory, sequence));
  if (!renamed.ok) return renamed;
  return createFile(world, directory, sequence, id, FILE_HEADER_BYTES);
}

export function blocksOf(length: number): number {
  return Math.floor(length / BLOCK_BYTES) * BLOCK_BYTES;
}

function drawHeader(world: World, sequence: number, directory: DirectoryId): FileHeader {
  const salt = new Uint8Array(SALT_BYTES);
  world.entropy.fill(salt);
  return { sequence, salt, directory };
}
