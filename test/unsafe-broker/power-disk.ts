// A disk of a machine whose power may fail. What was synced stays, what was not is lost (page-cache.ts), and of the journal
// write under way any sectors may be there. On demand the disk has lied: acknowledged journal writes of the last moments are
// gone as well, and what lay there before is back.
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { failed } from "../../internal/base/result.ts";
import type { Result } from "../../internal/base/result.ts";
import type { Disk, DiskFault, JournalFile, JournalLane } from "../../internal/ports/disk.ts";
import type { PowerLoss, PowerOrder } from "../../jepsen-like/cluster/power.ts";
import { Dice } from "./dice.ts";
import { PageCache } from "./page-cache.ts";

const SECTOR_BYTES = 512;
/** What a lie can take back. */
const REMEMBERED_BYTES = 64 << 20;
/** How long a failure waits for a journal write to strike; an idle journal is struck idle. */
const WRITE_WAIT_MS = 300;

interface MadeWrite {
  readonly path: string;
  readonly position: number;
  readonly before: Buffer;
  readonly doneMs: number;
}

type Done = (fault: DiskFault | null) => void;

export class PowerDisk implements Disk {
  readonly journal: JournalLane;
  readonly bulk: Disk["bulk"];
  readonly lock: Disk["lock"];
  readonly #cache: PageCache;
  readonly #made: MadeWrite[] = [];
  #madeBytes = 0;
  #isBusy = false;
  #order: PowerOrder | null = null;
  #isLate = false;
  #isOff = false;
  readonly #end: (loss: PowerLoss) => void;
  readonly #waitMs: number;

  /** `end` is called when the disk is as the failure left it; the process does nothing more. */
  constructor(
    disk: Disk,
    attic: string,
    end: (loss: PowerLoss) => void,
    waitMs: number = WRITE_WAIT_MS,
  ) {
    this.#end = end;
    this.#waitMs = waitMs;
    this.#cache = new PageCache(disk.bulk, attic);
    this.bulk = this.#cache.lane;
    this.lock = (directory) => disk.lock(directory);
    this.journal = {
      allocate: (bytes) => disk.journal.allocate(bytes),
      open: (path, create) => this.#open(disk.journal, path, create),
    };
  }

  /** The power fails as the next journal write is made, or soon when there is none. */
  fail(order: PowerOrder): void {
    this.#order = order;
    setTimeout(() => {
      this.#isLate = true;
      if (!this.#isBusy) this.#strike(order, null);
    }, this.#waitMs);
  }

  async #open(
    lane: JournalLane,
    path: string,
    create: boolean,
  ): Promise<Result<JournalFile, DiskFault>> {
    const opened = await lane.open(path, create);
    if (!opened.ok) return failed(opened.fault);
    const file = opened.value;
    const reader = openSync(path, "r");
    const written: JournalFile = {
      path,
      write: (position, parts, done) => this.#write(file, reader, position, parts, done),
      close: () => {
        closeSync(reader);
        return file.close();
      },
    };
    return { ok: true, value: written };
  }

  #write(
    file: JournalFile,
    reader: number,
    position: number,
    parts: readonly Uint8Array[],
    done: Done,
  ): void {
    const { path } = file;
    if (this.#order !== null) {
      this.#strike(this.#order, { path, position, bytes: Buffer.concat(parts) });
      return;
    }
    const before = Buffer.alloc(parts.reduce((sum, part) => sum + part.length, 0));
    readSync(reader, before, 0, before.length, position);
    this.#isBusy = true;
    file.write(position, parts, (fault) => {
      this.#isBusy = false;
      this.#remember({ path, position, before, doneMs: performance.now() });
      if (this.#isLate && this.#order !== null) this.#strike(this.#order, null);
      else done(fault);
    });
  }

  #remember(write: MadeWrite): void {
    this.#made.push(write);
    this.#madeBytes += write.before.length;
    while (this.#madeBytes > REMEMBERED_BYTES) {
      this.#madeBytes -= this.#made.shift()?.before.length ?? 0;
    }
  }

  #strike(
    { seed, tear, lostMs }: PowerOrder,
    write: { readonly path: string; readonly position: number; readonly bytes: Buffer } | null,
  ): void {
    if (this.#isOff) return;
    this.#isOff = true;
    const dice = new Dice(seed);
    const isLie = lostMs > 0;
    // Behind writes that are gone nothing is there: the disk went back in time as a whole.
    const sectors = write === null ? 0 : tearOf(write, isLie ? "none" : tear, dice);
    const since = performance.now() - lostMs;
    const gone = isLie ? this.#made.filter(({ doneMs }) => doneMs >= since) : [];
    for (const { path, position, before } of gone.reverse()) overwrite(path, position, before);
    const lost = this.#cache.lose(dice);
    const torn = write === null ? "idle" : isLie ? "none" : tear;
    this.#end({ tear: torn, sectors, ...lost, acknowledged: gone.length });
  }
}

/** Writes what the failure lets through; how many sectors it does not. */
function tearOf(
  write: { readonly path: string; readonly position: number; readonly bytes: Buffer },
  tear: PowerOrder["tear"],
  dice: Dice,
): number {
  const { path, position, bytes } = write;
  let lost = 0;
  for (let at = 0; at < bytes.length; at += SECTOR_BYTES) {
    const isLost = tear === "none" || (tear === "torn" && dice.below(2) === 0);
    if (isLost) lost++;
    else overwrite(path, position + at, bytes.subarray(at, at + SECTOR_BYTES));
  }
  return lost;
}

function overwrite(path: string, position: number, bytes: Uint8Array): void {
  const file = openSync(path, "r+");
  writeSync(file, bytes, 0, bytes.length, position);
  closeSync(file);
}
