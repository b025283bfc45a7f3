// When group tables are written, one at a time, and what may go once one is durable: journal files that nothing pins and
// the table before it (J5).
import type { DirectoryId, GroupId } from "../model/ids.ts";
import type { World } from "../ports/world.ts";
import { Checkpoint } from "./checkpoint.ts";
import type { CheckpointJournal } from "./checkpoint.ts";
import type { JournalFiles } from "./files.ts";
import type { Ledger } from "./ledger.ts";
import { tablePath } from "./open.ts";
import type { GroupTableSource } from "./owner.ts";
import type { JournalProbe } from "./probe.ts";

export interface CheckpointedJournal extends CheckpointJournal {
  readonly isOpen: () => boolean;
  readonly durableTicket: () => number;
}

export interface CheckpointPlace {
  readonly directory: string;
  readonly id: DirectoryId;
  /** Highest number that any table had. */
  readonly tableNumberMax: number;
  /** Number of the newest finished table, 0 for none. */
  readonly tableInUse: number;
}

export class Checkpoints {
  source: GroupTableSource | null = null;
  readonly #world: World;
  readonly #place: CheckpointPlace;
  readonly #files: JournalFiles;
  readonly #ledger: Ledger;
  readonly #journal: CheckpointedJournal;
  readonly #probe: JournalProbe;
  #tableNumber: number;
  #tableInUse: number;
  #current: Checkpoint | null = null;
  #end: Promise<void> | null = null;
  #again: Promise<void> | null = null;

  constructor(
    world: World,
    place: CheckpointPlace,
    files: JournalFiles,
    ledger: Ledger,
    journal: CheckpointedJournal,
    probe: JournalProbe,
  ) {
    this.#world = world;
    this.#place = place;
    this.#files = files;
    this.#ledger = ledger;
    this.#journal = journal;
    this.#probe = probe;
    this.#tableNumber = place.tableNumberMax;
    this.#tableInUse = place.tableInUse;
  }

  /** Writes a table that knows everything up to now. */
  run(): Promise<void> {
    if (this.#end === null) return this.#begin();
    // The one under way began too early to know what was let go since.
    this.#again ??= this.#end.then(() => {
      this.#again = null;
      return this.#begin();
    });
    return this.#again;
  }

  /** Writes a table when nothing pins the oldest file any more. */
  runWhenUseful(): void {
    if (this.source === null || this.#end !== null) return;
    if (this.#firstFileNeeded() <= this.#files.oldest.header.sequence) return;
    this.#world.tasks.spawn("journal-checkpoint", () => this.run());
  }

  /** Called before a drop-group record is queued. */
  beforeDrop(group: GroupId): void {
    this.#current?.beforeDrop(group);
  }

  /** Settles when none is under way. */
  async ended(): Promise<void> {
    while (this.#end !== null) await this.#end;
  }

  #firstFileNeeded(): number {
    return Math.min(this.#ledger.oldestPinned, this.#files.current.header.sequence);
  }

  #begin(): Promise<void> {
    this.#end = this.#write().finally(() => {
      this.#end = null;
    });
    return this.#end;
  }

  async #write(): Promise<void> {
    if (this.source === null || !this.#journal.isOpen()) return;
    const { directory, id } = this.#place;
    const first = this.#files.slot(this.#firstFileNeeded()) ?? this.#files.oldest;
    const firstFile = first.header.sequence;
    // A file without a batch is current since the start, and nothing was written since then.
    const previousTicket =
      first.firstTicket === 0 ? this.#journal.durableTicket() : first.previousTicket;
    const number = ++this.#tableNumber;
    const start = { number, id, directory, firstFile, previousTicket };
    this.#current = new Checkpoint(this.#world, start, this.source, this.#ledger, this.#journal);
    const done = await this.#current.run();
    this.#current = null;
    if (!done.ok) {
      this.#world.log.warn({ fault: done.fault, number }, "group table not written");
      return;
    }
    this.#probe.checkpoints.add(1);
    this.#files.recycleBefore(firstFile);
    const old = this.#tableInUse;
    this.#tableInUse = number;
    if (old !== 0) await this.#world.disk.bulk.remove(tablePath(directory, old));
  }
}
