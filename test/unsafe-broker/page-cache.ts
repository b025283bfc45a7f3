// The bulk lane of a machine whose power may fail: what was written, renamed or removed and not synced is in the page cache.
// It can be seen at once and is undone when the power fails: bytes block by block, names from the last one back.
import { closeSync, existsSync, fstatSync, ftruncateSync, linkSync, openSync } from "node:fs";
import { readSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { BulkLane } from "../../internal/ports/disk.ts";
import type { Dice } from "./dice.ts";

const BLOCK_BYTES = 4096;

interface UnsyncedBytes {
  /** Follows the file when that is renamed. */
  path: string;
  readonly position: number;
  /** What was there before; zeros behind the end of the file. */
  readonly before: Buffer;
  readonly lengthBefore: number;
}

interface UnsyncedName {
  readonly directory: string;
  readonly undo: () => void;
  /** It is durable: what an undo would need is not needed any more. */
  readonly forget: () => void;
}

export interface CacheLoss {
  readonly blocks: number;
  readonly names: number;
}

export class PageCache {
  readonly lane: BulkLane;
  /** A directory on the same file system, for files that a name could come back to. */
  readonly #attic: string;
  readonly #bytes = new Set<UnsyncedBytes>();
  readonly #names = new Set<UnsyncedName>();
  #kept = 0;

  constructor(bulk: BulkLane, attic: string) {
    this.#attic = attic;
    this.lane = {
      makeDirectory: (path) => bulk.makeDirectory(path),
      list: (path) => bulk.list(path),
      read: (path, position, into) => bulk.read(path, position, into),
      length: (path) => bulk.length(path),
      readWhole: (path) => bulk.readWhole(path),
      freeBytes: (path) => bulk.freeBytes(path),
      totalBytes: (path) => bulk.totalBytes(path),
      write: (path, position, bytes) => {
        this.#noteBirth(path);
        this.#bytes.add(bytesBefore(path, position, bytes.length));
        return bulk.write(path, position, bytes);
      },
      writeZeros: (path, position, length) => {
        this.#noteBirth(path);
        return bulk.writeZeros(path, position, length);
      },
      replaceWhole: (path, bytes) => this.#durably(path, () => bulk.replaceWhole(path, bytes)),
      sync: (path) => this.#durably(path, () => bulk.sync(path)),
      rename: async (from, to) => {
        const kept = this.#keep(to);
        const renamed = await bulk.rename(from, to);
        if (renamed.ok) this.#noteRename(from, to, kept);
        return renamed;
      },
      remove: async (path) => {
        const kept = this.#keep(path);
        const removed = await bulk.remove(path);
        if (removed.ok && kept !== null) {
          this.#names.add({
            directory: dirname(path),
            undo: () => renameSync(kept, path),
            forget: () => rmSync(kept, { force: true }),
          });
        }
        return removed;
      },
    };
  }

  /** What is durable when the directory of `path` and the file itself have been synced. */
  async #durably<T extends { readonly ok: boolean }>(path: string, work: () => Promise<T>) {
    const names = [...this.#names].filter(({ directory }) => directory === dirname(path));
    const bytes = [...this.#bytes].filter((one) => one.path === path);
    const done = await work();
    if (!done.ok) return done;
    for (const one of bytes) this.#bytes.delete(one);
    for (const one of names) {
      if (this.#names.delete(one)) one.forget();
    }
    return done;
  }

  #noteBirth(path: string): void {
    if (existsSync(path)) return;
    const undo = (): void => rmSync(path, { force: true });
    this.#names.add({ directory: dirname(path), undo, forget: () => undefined });
  }

  #noteRename(from: string, to: string, kept: string | null): void {
    const moved = [...this.#bytes].filter(({ path }) => path === from);
    for (const one of moved) one.path = to;
    this.#names.add({
      directory: dirname(to),
      undo: () => {
        renameSync(to, from);
        if (kept !== null) renameSync(kept, to);
        for (const one of moved) one.path = from;
      },
      forget: () => kept !== null && rmSync(kept, { force: true }),
    });
  }

  /** Another name of a file that is about to lose its own; null when there is none. */
  #keep(path: string): string | null {
    if (!existsSync(path) || statSync(path).isDirectory()) return null;
    const kept = `${this.#attic}/${++this.#kept}`;
    linkSync(path, kept);
    return kept;
  }

  /** The power fails: each block may have been written back or not, and of the names those up to some moment. */
  lose(dice: Dice): CacheLoss {
    const names = [...this.#names].reverse();
    const lost = names.slice(0, dice.below(names.length + 1));
    for (const { undo } of lost) undo();
    let blocks = 0;
    for (const one of [...this.#bytes].reverse()) blocks += loseBytes(one, dice);
    return { blocks, names: lost.length };
  }
}

function bytesBefore(path: string, position: number, length: number): UnsyncedBytes {
  const before = Buffer.alloc(length);
  if (!existsSync(path)) return { path, position, before, lengthBefore: 0 };
  const file = openSync(path, "r");
  readSync(file, before, 0, length, position);
  const { size } = fstatSync(file);
  closeSync(file);
  return { path, position, before, lengthBefore: size };
}

function loseBytes({ path, position, before, lengthBefore }: UnsyncedBytes, dice: Dice): number {
  if (!existsSync(path)) return 0;
  const isAllLost = dice.below(2) === 0;
  const file = openSync(path, "r+");
  let lost = 0;
  for (let at = 0; at < before.length; at += BLOCK_BYTES) {
    if (!isAllLost && dice.below(2) === 0) continue;
    const block = before.subarray(at, at + BLOCK_BYTES);
    writeSync(file, block, 0, block.length, position + at);
    lost++;
  }
  const end = position + before.length;
  if (isAllLost && end > lengthBefore && fstatSync(file).size === end) {
    ftruncateSync(file, lengthBefore);
  }
  closeSync(file);
  return lost;
}
