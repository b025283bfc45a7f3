// A disk whose journal keeps every write in memory for a while before it makes it: whoever dies in between loses it, as a
// volatile disk cache loses it without power. The disk itself is honest, it reports a write only when it is durable.
import type { Result } from "../../internal/base/result.ts";
import type { Disk, DiskFault, JournalFile, JournalLane } from "../../internal/ports/disk.ts";

export function slowDisk(disk: Disk, delayMs: number): Disk {
  return {
    journal: new SlowJournalLane(disk.journal, delayMs),
    bulk: disk.bulk,
    lock: (directory) => disk.lock(directory),
  };
}

class SlowJournalLane implements JournalLane {
  readonly #lane: JournalLane;
  readonly #delayMs: number;

  constructor(lane: JournalLane, delayMs: number) {
    this.#lane = lane;
    this.#delayMs = delayMs;
  }

  allocate(bytes: number): Uint8Array {
    return this.#lane.allocate(bytes);
  }

  async open(path: string, create: boolean): Promise<Result<JournalFile, DiskFault>> {
    const opened = await this.#lane.open(path, create);
    return opened.ok
      ? { ok: true, value: new SlowJournalFile(opened.value, this.#delayMs) }
      : opened;
  }
}

class SlowJournalFile implements JournalFile {
  readonly path: string;
  readonly #file: JournalFile;
  readonly #delayMs: number;

  constructor(file: JournalFile, delayMs: number) {
    this.path = file.path;
    this.#file = file;
    this.#delayMs = delayMs;
  }

  write(position: number, parts: readonly Uint8Array[], done: (fault: DiskFault | null) => void) {
    setTimeout(() => this.#file.write(position, parts, done), this.#delayMs);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
