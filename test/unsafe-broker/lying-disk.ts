// A disk that lies: its journal says that a write is durable as soon as it has it, and makes it a while later. Whoever dies in
// between has acknowledged what is gone, as under a disk that ignores a flush when the power fails. Reads do not see what
// waits, which is short enough that nobody reads it back.
import { failed } from "../../internal/base/result.ts";
import type { Result } from "../../internal/base/result.ts";
import type { Disk, DiskFault, JournalFile, JournalLane } from "../../internal/ports/disk.ts";

/** What may wait; a write beyond it is honest. */
const WAITING_BYTES = 16 << 20;

export function lyingDisk(disk: Disk, delayMs: number): Disk {
  return {
    journal: new LyingJournalLane(disk.journal, delayMs),
    bulk: disk.bulk,
    lock: (directory) => disk.lock(directory),
  };
}

/** The writes of all files of the lane, which makes one at a time. */
class WaitingWrites {
  readonly #ring: Uint8Array;
  readonly #delayMs: number;
  readonly #waiting: { readonly dueMs: number; readonly make: (made: () => void) => void }[] = [];
  #used = 0;
  #bytes = 0;
  #isMaking = false;

  constructor(ring: Uint8Array, delayMs: number) {
    this.#ring = ring;
    this.#delayMs = delayMs;
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0 && !this.#isMaking;
  }

  /** A copy of `parts` that stays as it is until the write is made; null when there is no room. */
  copy(parts: readonly Uint8Array[]): Uint8Array | null {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (this.#bytes + length > WAITING_BYTES / 2) return null;
    if (this.#used + length > this.#ring.length) this.#used = 0;
    const copy = this.#ring.subarray(this.#used, this.#used + length);
    let at = 0;
    for (const part of parts) {
      copy.set(part, at);
      at += part.length;
    }
    this.#used += length;
    this.#bytes += length;
    return copy;
  }

  add(bytes: number, write: (made: () => void) => void): void {
    const make = (made: () => void): void =>
      write(() => {
        this.#bytes -= bytes;
        made();
      });
    this.#waiting.push({ dueMs: performance.now() + this.#delayMs, make });
    this.#next();
  }

  #next(): void {
    const first = this.#waiting[0];
    if (this.#isMaking || first === undefined) return;
    this.#isMaking = true;
    setTimeout(
      () => {
        this.#waiting.shift();
        first.make(() => {
          this.#isMaking = false;
          this.#next();
        });
      },
      Math.max(0, first.dueMs - performance.now()),
    );
  }
}

class LyingJournalLane implements JournalLane {
  readonly #lane: JournalLane;
  readonly #writes: WaitingWrites;

  constructor(lane: JournalLane, delayMs: number) {
    this.#lane = lane;
    this.#writes = new WaitingWrites(lane.allocate(WAITING_BYTES), delayMs);
  }

  allocate(bytes: number): Uint8Array {
    return this.#lane.allocate(bytes);
  }

  async open(path: string, create: boolean): Promise<Result<JournalFile, DiskFault>> {
    const opened = await this.#lane.open(path, create);
    if (!opened.ok) return failed(opened.fault);
    return { ok: true, value: new LyingJournalFile(opened.value, this.#writes) };
  }
}

class LyingJournalFile implements JournalFile {
  readonly path: string;
  readonly #file: JournalFile;
  readonly #writes: WaitingWrites;

  constructor(file: JournalFile, writes: WaitingWrites) {
    this.path = file.path;
    this.#file = file;
    this.#writes = writes;
  }

  write(position: number, parts: readonly Uint8Array[], done: (fault: DiskFault | null) => void) {
    const copy = this.#writes.copy(parts);
    if (copy === null) {
      // Behind all that waits: the lane makes one write at a time.
      this.#writes.add(0, (made) =>
        this.#file.write(position, parts, (fault) => {
          made();
          done(fault);
        }),
      );
      return;
    }
    this.#writes.add(copy.length, (made) =>
      this.#file.write(position, [copy], (fault) => {
        if (fault !== null) throw new Error(`the disk below fails: ${fault.code}`);
        made();
      }),
    );
    setImmediate(() => done(null));
  }

  async close(): Promise<void> {
    while (!this.#writes.isIdle) await new Promise((resolve) => setTimeout(resolve, 10));
    await this.#file.close();
  }
}
