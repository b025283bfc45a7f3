// One writing of the group table (J5). Rows are taken in small steps, so the table is not of one moment: each row says as of
// which record it is, and a group that is dropped meanwhile gets its row first. When all rows are written and synced, a
// checkpoint record goes through the journal; when that is durable, so is everything the rows contain, and only
// then the table gets its name and files are let go.
import { assert } from "../base/assert.ts";
import type { DirectoryId, GroupId } from "../model/ids.ts";
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { DiskFault } from "../ports/disk.ts";
import type { World } from "../ports/world.ts";
import { encodeChunk, encodeTableHeader, rowBytes } from "./group-table.ts";
import type { TableRow } from "./group-table.ts";
import type { Ledger } from "./ledger.ts";
import { tablePath } from "./open.ts";
import type { GroupTableSource } from "./owner.ts";

/** Rows taken before the event loop gets back (L7): well under a millisecond. */
const ROWS_PER_STEP = 500;
const CHUNK_BYTES = 128 * 1024;

export interface CheckpointStart {
  readonly number: number;
  readonly id: DirectoryId;
  readonly directory: string;
  readonly firstFile: number;
  readonly previousTicket: number;
}

export interface CheckpointJournal {
  readonly nextOrdinal: () => number;
  /** Puts the checkpoint record into the journal; true when it is durable. */
  readonly recordDurably: (number: number) => Promise<boolean>;
}

export type CheckpointFault = DiskFault | { readonly kind: "closed" };

export class Checkpoint {
  readonly #world: World;
  readonly #start: CheckpointStart;
  readonly #source: GroupTableSource;
  readonly #ledger: Ledger;
  readonly #journal: CheckpointJournal;
  readonly #taken = new Set<number>();
  #rows: TableRow[] = [];
  #rowsBytes = 0;
  #chunkNumber = 0;
  #position = 0;

  constructor(
    world: World,
    start: CheckpointStart,
    source: GroupTableSource,
    ledger: Ledger,
    journal: CheckpointJournal,
  ) {
    this.#world = world;
    this.#start = start;
    this.#source = source;
    this.#ledger = ledger;
    this.#journal = journal;
  }

  /** Called before a drop-group record is queued, while the owner still has the group. */
  beforeDrop(group: GroupId): void {
    this.#take(group);
  }

  async run(): Promise<Result<void, CheckpointFault>> {
    const { directory, number, id, firstFile, previousTicket } = this.#start;
    const partial = `${tablePath(directory, number)}.new`;
    const start = this.#journal.nextOrdinal();
    const header = { number, directory: id, start, firstFile, previousTicket };
    const rows = await this.#writeRows(partial, encodeTableHeader(header));
    if (!rows.ok) return rows;
    const synced = await this.#world.disk.bulk.sync(partial);
    if (!synced.ok) return synced;
    if (!(await this.#journal.recordDurably(number))) return failed({ kind: "closed" });
    const path = tablePath(directory, number);
    const renamed = await this.#world.disk.bulk.rename(partial, path);
    return renamed.ok ? this.#world.disk.bulk.sync(path) : renamed;
  }

  async #writeRows(path: string, header: Uint8Array): Promise<Result<void, DiskFault>> {
    const begun = await this.#write(path, header);
    if (!begun.ok) return begun;
    let left = ROWS_PER_STEP;
    for (const group of this.#source.groups()) {
      this.#take(group);
      if (--left > 0 && this.#rowsBytes < CHUNK_BYTES) continue;
      left = ROWS_PER_STEP;
      const written = await this.#writeChunk(path);
      if (!written.ok) return written;
    }
    // Rows of groups that were dropped during the last write may be left.
    while (this.#rows.length > 0) {
      const written = await this.#writeChunk(path);
      if (!written.ok) return written;
    }
    return this.#write(path, encodeChunk([], this.#chunkNumber));
  }

  #take(group: GroupId): void {
    if (this.#taken.has(group)) return;
    this.#taken.add(group);
    const row = this.#source.row(group);
    if (row === null) return;
    const first = this.#ledger.get(group)?.runs[0]?.first ?? row.base.index + 1;
    assert(row.dropped || first === row.base.index + 1, "a row's base is where its log begins");
    const tail = row.dropped ? [] : this.#ledger.epochs(group);
    const taken = { row, asOf: this.#journal.nextOrdinal(), tail };
    this.#rows.push(taken);
    this.#rowsBytes += rowBytes(taken);
  }

  async #writeChunk(path: string): Promise<Result<void, DiskFault>> {
    if (this.#rows.length === 0) return ok(undefined);
    const chunk = encodeChunk(this.#rows, this.#chunkNumber++);
    this.#rows = [];
    this.#rowsBytes = 0;
    return this.#write(path, chunk);
  }

  async #write(path: string, bytes: Uint8Array): Promise<Result<void, DiskFault>> {
    const written = await this.#world.disk.bulk.write(path, this.#position, bytes);
    this.#position += bytes.length;
    return written;
  }
}
