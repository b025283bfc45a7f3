// The device below a simulated disk. It outlives the processes that use it. A journal write is on the
// platter exactly when it completes; a crash before that leaves any legal part of it. Faults, stalls,
// damage, wiping and backups are driven from outside.
import type { DiskFault } from "../../../internal/ports/disk.ts";
import { assert } from "../../../internal/base/assert.ts";
import type { Life } from "./life.ts";
import { Platter } from "./platter.ts";
import type { PlatterImage } from "./platter.ts";
import type { Scheduler } from "./scheduler.ts";
import { SeededEntropy } from "./seeded-entropy.ts";
import type { Latency } from "./seeded-entropy.ts";
import { prefixOf, surviving } from "./sim-file.ts";
import type { SimFile } from "./sim-file.ts";

export type FaultCode = "EIO" | "ENOSPC" | "SHORT";
export type LaneName = "journal" | "bulk";
/** What a fault may be ordered for: writes of a lane, or reads. */
export type FaultTarget = LaneName | "read";

/** A process that dies leaves the page cache; a machine that loses power leaves the platter. */
export type CrashKind = "kill" | "power";

export interface SimDiskOptions {
  readonly journal: Latency;
  readonly bulk: Latency;
  readonly capacityBytes: number;
}

export const CALM_DISK: SimDiskOptions = {
  journal: { minUs: 150, maxUs: 400, tailPermille: 20, tailUsMax: 5_000 },
  bulk: { minUs: 20, maxUs: 300, tailPermille: 20, tailUsMax: 10_000 },
  capacityBytes: 1 << 30,
};

/** A journal write between its issue and its completion. */
export interface JournalWrite {
  readonly life: Life;
  readonly path: string;
  readonly file: SimFile;
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** Watches a disk, for checkers and for faults that depend on its state. Called in the middle of an event. */
export interface DiskObserver {
  journalIssued?(write: JournalWrite): void;
  /** The bytes are on the platter; the process does not know it yet. */
  journalDurable?(write: JournalWrite): void;
}

/** Where a journal write lands in place of where it should. */
export interface Astray {
  readonly file: SimFile;
  readonly position: number;
}

/** The device itself; its ports are made in sim-disk.ts. */
export class SimDevice {
  readonly platter = new Platter();
  options: SimDiskOptions;
  observer: DiskObserver = {};
  /** The one journal write under way, if any. */
  inFlight: JournalWrite | null = null;
  /** The last one that reached the platter. */
  lastWrite: JournalWrite | null = null;
  /** Asked once for each journal write that does not fail; null: it lands where it should. */
  misdirect: ((write: JournalWrite) => Astray | null) | null = null;
  /** The one that failed last: what became of it is open. */
  failed: JournalWrite | null = null;
  readonly entropy: SeededEntropy;
  readonly scheduler: Scheduler;
  readonly #stalledUntilUs = { journal: 0, bulk: 0 };
  readonly #faults: { lane: FaultTarget; code: FaultCode; skip: number }[] = [];

  constructor(scheduler: Scheduler, seed: number, node: string, options = CALM_DISK) {
    this.scheduler = scheduler;
    this.entropy = new SeededEntropy(seed, `disk ${node}`);
    this.options = options;
  }

  /** What the death of the process, or of the machine, does to the disk. */
  crash(kind: CrashKind): void {
    const write = this.inFlight;
    this.inFlight = null;
    if (kind === "kill") {
      // The system call may not have started, may be finishing, or was cut off while copying pages.
      // What it wrote is in the page cache and not known to be on the platter.
      if (write !== null && this.entropy.chance(667)) {
        const left = this.entropy.chance(500) ? write : prefixOf(write, this.entropy);
        if (left.bytes.length > 0) write.file.write(left.position, left.bytes);
      }
      return;
    }
    if (write !== null) {
      for (const piece of surviving(write, this.entropy)) {
        write.file.writeDurably(piece.position, piece.bytes);
      }
    }
    this.platter.losePower(this.entropy);
  }

  /** The next operation that writes on `lane`, after `skip` others, fails with `code`. */
  failNext(lane: FaultTarget, code: FaultCode, skip = 0): void {
    this.#faults.push({ lane, code, skip });
  }

  /** Nothing on `lane` completes for `durationUs`: a hung disk. */
  stall(lane: LaneName, durationUs: number): void {
    this.#stalledUntilUs[lane] = this.scheduler.nowUs + durationUs;
  }

  stalledUntilUs(lane: LaneName): number {
    return this.#stalledUntilUs[lane];
  }

  /** The fault that an operation now beginning on `lane` will end with, if one was ordered. */
  takeFault(lane: FaultTarget): FaultCode | null {
    for (const [index, fault] of this.#faults.entries()) {
      if (fault.lane !== lane) continue;
      if (fault.skip-- > 0) return null;
      this.#faults.splice(index, 1);
      return fault.code;
    }
    return null;
  }

  /** Ordered faults that have not struck yet do not strike any more. */
  forgetFaults(): void {
    this.#faults.length = 0;
  }

  hasRoomFor(bytes: number): boolean {
    return bytes <= 0 || this.platter.usedBytes() + bytes <= this.options.capacityBytes;
  }

  /** Flips one bit below every cache. */
  flipBit(path: string, bitPosition: number): void {
    const position = Math.floor(bitPosition / 8);
    const byte = this.peek(path)[position];
    assert(byte !== undefined, "the flipped bit is inside the file");
    this.overwrite(path, position, Uint8Array.of(byte ^ (1 << (bitPosition % 8))));
  }

  /** Replaces bytes below every cache: damage, a misdirected write, a stale sector. */
  overwrite(path: string, position: number, bytes: Uint8Array): void {
    this.#fileAt(path).overwrite(position, bytes);
  }

  truncate(path: string, length: number): void {
    this.#fileAt(path).truncate(length);
  }

  /** Removes a file behind everybody's back, durably. */
  erase(path: string): void {
    this.platter.remove(path);
    this.platter.syncName(path);
  }

  wipe(): void {
    this.platter.wipe();
  }

  snapshot(): PlatterImage {
    return this.platter.image();
  }

  restore(image: PlatterImage): void {
    this.platter.restore(image);
  }

  /** Paths of all files, sorted. */
  paths(): string[] {
    return this.platter.paths();
  }

  /** A copy of what a process reads at `path`. */
  peek(path: string): Uint8Array {
    return this.#fileAt(path).cachedView.slice();
  }

  /** A copy of what certainly survives a power loss now, or null when the name itself may be lost. */
  durable(path: string): Uint8Array | null {
    const file = this.platter.durableFile(path);
    return file === undefined ? null : file.durableView.slice();
  }

  #fileAt(path: string): SimFile {
    const file = this.platter.file(path);
    assert(file !== undefined, "the file exists");
    return file;
  }
}

export function diskFault(code: string, operation: string, path: string): DiskFault {
  return { kind: "disk", code, operation, path };
}
