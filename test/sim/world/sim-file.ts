// One file of a simulated disk: what processes see (the page cache) and what survives power loss (the
// platter), with the writes between them that no sync has covered yet.
import { assert } from "../../../internal/base/assert.ts";
import type { SeededEntropy } from "./seeded-entropy.ts";

export interface FileWrite {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** Zeros to write, so that laying out a file costs nothing: they are known by their memory. */
let zeros = new Uint8Array(1 << 20);

export function zeroBytes(length: number): Uint8Array {
  if (length > zeros.length) zeros = new Uint8Array(length);
  return zeros.subarray(0, length);
}

export function isZeroBytes(bytes: Uint8Array): boolean {
  return bytes.buffer === zeros.buffer;
}

/** Bytes that grow by writes; gaps, and what lies behind `length`, are zeros. Zeros at the end take no memory. */
class GrowingBytes {
  #bytes = new Uint8Array(0);
  length = 0;

  get view(): Uint8Array {
    this.#grow(this.length);
    return this.#bytes.subarray(0, this.length);
  }

  write(position: number, bytes: Uint8Array): void {
    const end = position + bytes.length;
    if (isZeroBytes(bytes)) this.#bytes.fill(0, position, end);
    else {
      this.#grow(end);
      this.#bytes.set(bytes, position);
    }
    this.length = Math.max(this.length, end);
  }

  /** Takes a range from other bytes, which may end before it. */
  take(position: number, length: number, from: GrowingBytes): void {
    const end = Math.min(position + length, this.length);
    if (position >= end) return;
    this.#grow(end);
    this.#bytes.fill(0, position, end);
    this.#bytes.set(from.view.subarray(position, end), position);
  }

  #grow(end: number): void {
    if (end <= this.#bytes.length) return;
    // A file that was laid out with zeros does not grow again.
    const grown = new Uint8Array(
      this.length >= end ? this.length : Math.max(end, this.#bytes.length * 2, 4096),
    );
    grown.set(this.#bytes);
    this.#bytes = grown;
  }

  truncate(length: number): void {
    this.#bytes.fill(0, length, this.length);
    this.length = Math.min(this.length, length);
  }

  replace(bytes: Uint8Array): void {
    this.#bytes = bytes.slice();
    this.length = bytes.length;
  }
}

export class SimFile {
  readonly #cached = new GrowingBytes();
  readonly #durable = new GrowingBytes();
  #unsynced: FileWrite[] = [];
  /** In the cache alone, and clean to the kernel. */
  #inVain: FileWrite[] = [];

  /** Length as processes see it. */
  get length(): number {
    return this.#cached.length;
  }

  /** What a read would see. Lent: valid until the next write. */
  get cachedView(): Uint8Array {
    return this.#cached.view;
  }

  /** What certainly survives power loss, save where an unsynced write overlaps. Lent likewise. */
  get durableView(): Uint8Array {
    return this.#durable.view;
  }

  /** A write into the page cache. Takes `bytes`. */
  write(position: number, bytes: Uint8Array): void {
    this.#cached.write(position, bytes);
    this.#unsynced.push({ position, bytes });
  }

  /** A write that failed: processes read it, and the kernel, which has reported that, will not try again (J8). */
  writeInVain(position: number, bytes: Uint8Array): void {
    this.#cached.write(position, bytes);
    this.#inVain.push({ position, bytes });
  }

  /** A write of somebody else that the device put here: on the platter, and not in the cache, which was read before. */
  writeAstray(position: number, bytes: Uint8Array): void {
    const kept = bytes.subarray(0, Math.max(0, this.#durable.length - position));
    this.#durable.write(position, kept);
    this.#inVain.push({ position, bytes: kept });
  }

  /** Clean pages leave the cache: from now on processes read what the platter holds. */
  evict(): void {
    if (this.#unsynced.length > 0) return; // those are not clean
    for (const { position, bytes } of this.#inVain.splice(0)) {
      this.#cached.take(position, bytes.length, this.#durable);
    }
  }

  /** A write that is on the platter when this returns (O_DSYNC). */
  writeDurably(position: number, bytes: Uint8Array): void {
    this.#cached.write(position, bytes);
    this.#durable.write(position, bytes);
    // An older unsynced write of the same range can no longer come back over this one.
    if (this.#unsynced.length > 0) {
      const end = position + bytes.length;
      this.#unsynced = this.#unsynced.flatMap((write) => cutOut(write, position, end));
    }
  }

  /** Everything written so far survives power loss from now on. */
  sync(): void {
    for (const write of this.#unsynced) this.#durable.write(write.position, write.bytes);
    this.#unsynced = [];
  }

  /** Each unsynced write survives wholly, as a prefix, per sector, or not at all. */
  losePower(entropy: SeededEntropy): void {
    const unsynced = this.#unsynced;
    this.#unsynced = [];
    for (const write of unsynced) {
      for (const piece of surviving(write, entropy)) {
        this.#durable.write(piece.position, piece.bytes);
      }
    }
    // Cache and platter differ where something was unsynced, or failed, and nowhere else.
    for (const { position, bytes } of [...unsynced, ...this.#inVain.splice(0)]) {
      this.#cached.take(position, bytes.length, this.#durable);
    }
    this.#cached.truncate(this.#durable.length);
  }

  /** Damages or repairs bytes below every cache: what a failing medium does. */
  overwrite(position: number, bytes: Uint8Array): void {
    assert(position + bytes.length <= this.length, "damage stays inside the file");
    this.#cached.write(position, bytes);
    if (position + bytes.length <= this.#durable.length) this.#durable.write(position, bytes);
  }

  truncate(length: number): void {
    this.sync();
    this.#cached.truncate(length);
    this.#durable.truncate(length);
  }

  copy(): SimFile {
    const copy = new SimFile();
    copy.#cached.replace(this.#cached.view);
    copy.#durable.replace(this.#durable.view);
    copy.#unsynced = this.#unsynced.slice();
    copy.#inVain = this.#inVain.slice();
    return copy;
  }
}

/** The parts of `write` outside [start, end). */
function cutOut(write: FileWrite, start: number, end: number): FileWrite[] {
  const writeEnd = write.position + write.bytes.length;
  if (end <= write.position || writeEnd <= start) return [write];
  const left: FileWrite[] = [];
  if (write.position < start) {
    left.push({ position: write.position, bytes: write.bytes.subarray(0, start - write.position) });
  }
  if (end < writeEnd)
    left.push({ position: end, bytes: write.bytes.subarray(end - write.position) });
  return left;
}

/** What is left of a write that was cut short by a power loss: one of the legal outcomes, by lot. */
export function surviving(write: FileWrite, entropy: SeededEntropy): FileWrite[] {
  switch (entropy.below(5)) {
    case 0:
      return [];
    case 1:
      return [write];
    case 2:
      return [prefixOf(write, entropy)];
    case 3:
      return sectorsOf(write, 512, entropy);
    default:
      return sectorsOf(write, 4096, entropy);
  }
}

/** The first bytes of a write, cut at a sector boundary or, rarely, anywhere. */
export function prefixOf(write: FileWrite, entropy: SeededEntropy): FileWrite {
  const cut = entropy.below(write.bytes.length + 1);
  const unit = entropy.chance(200) ? 1 : 512;
  const kept = cut - ((write.position + cut) % unit);
  return { position: write.position, bytes: write.bytes.subarray(0, Math.max(0, kept)) };
}

/** The sectors of a write that happened to reach the platter, each by lot. */
function sectorsOf(write: FileWrite, sectorBytes: number, entropy: SeededEntropy): FileWrite[] {
  const kept: FileWrite[] = [];
  const end = write.position + write.bytes.length;
  const permille = entropy.between(100, 900);
  for (let start = write.position; start < end;) {
    const next = Math.min(end, start - (start % sectorBytes) + sectorBytes);
    if (entropy.chance(permille)) {
      const bytes = write.bytes.subarray(start - write.position, next - write.position);
      kept.push({ position: start, bytes });
    }
    start = next;
  }
  return kept;
}
