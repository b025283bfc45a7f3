// The journal lane of a simulated process: one durable write at a time, with the rules of the port
// enforced: memory from `allocate`, unchanged until `done`, nothing after a fault (J8).
import type { DiskFault, JournalFile, JournalLane } from "../../../internal/ports/disk.ts";
import type { Result } from "../../../internal/base/result.ts";
import { assert } from "../../../internal/base/assert.ts";
import { failed, ok } from "../../../internal/base/result.ts";
import { joined } from "./joined.ts";
import type { Life } from "./life.ts";
import { parentOf } from "./platter.ts";
import { DELIVERY } from "./scheduler.ts";
import { drawLatencyUs } from "./seeded-entropy.ts";
import { diskFault } from "./sim-device.ts";
import type { FaultCode, JournalWrite, SimDevice } from "./sim-device.ts";
import { prefixOf, SimFile } from "./sim-file.ts";
import { contentMark } from "./trace-hash.ts";

const PARTS_MAX = 8;
/** From the completion on the device until the process hears of it. */
const WAKE_US_MAX = 80;
const STALL_LOOK_US = 2_000;

type Done = (fault: DiskFault | null) => void;

export class SimJournalLane implements JournalLane {
  readonly #disk: SimDevice;
  readonly #life: Life;
  readonly #memory = new WeakSet<ArrayBufferLike>();
  /** True from `write` until `done` runs: longer than the device is busy. */
  busy = false;

  constructor(disk: SimDevice, life: Life) {
    this.#disk = disk;
    this.#life = life;
  }

  allocate(bytes: number): Uint8Array {
    const memory = new Uint8Array(bytes);
    this.#memory.add(memory.buffer);
    return memory;
  }

  open(path: string, create: boolean): Promise<Result<JournalFile, DiskFault>> {
    const { scheduler, options, entropy } = this.#disk;
    return new Promise((resolve) => {
      const delayUs = drawLatencyUs(options.bulk, entropy);
      scheduler.at(delayUs, this.#life, DELIVERY, "journal open", () => {
        resolve(this.#open(path, create));
      });
    });
  }

  #open(path: string, create: boolean): Result<JournalFile, DiskFault> {
    const platter = this.#disk.platter;
    let node = platter.at(path);
    if (node === undefined && create && platter.at(parentOf(path)) === "directory") {
      node = new SimFile();
      platter.link(path, node);
    }
    if (node === undefined) return failed(diskFault("ENOENT", "open", path));
    if (node === "directory") return failed(diskFault("EISDIR", "open", path));
    if (create) platter.syncName(path);
    return ok(new SimJournalFile(this, path, node));
  }

  write(
    file: SimJournalFile,
    node: SimFile,
    position: number,
    parts: readonly Uint8Array[],
    done: Done,
  ): void {
    if (!this.#life.alive) return;
    assert(!this.busy, "one journal write at a time");
    assert(parts.length >= 1 && parts.length <= PARTS_MAX, "a journal write has 1 to 8 parts");
    for (const part of parts) {
      assert(this.#memory.has(part.buffer), "journal bytes lie in memory from allocate");
    }
    this.busy = true;
    const disk = this.#disk;
    const bytes = joined(parts);
    const write = { life: this.#life, path: file.path, file: node, position, bytes };
    disk.inFlight = write;
    disk.observer.journalIssued?.(write);
    const fault = this.#faultOf(write);
    const complete = (): void => {
      this.#complete(write, parts, fault, (end) => {
        this.busy = false;
        if (end !== null) file.failed = true;
        done(end);
      });
    };
    const delayUs = drawLatencyUs(disk.options.journal, disk.entropy);
    disk.scheduler.at(delayUs, null, DELIVERY, "journal device", complete, contentMark(bytes));
  }

  #faultOf(write: JournalWrite): FaultCode | null {
    const growth = write.position + write.bytes.length - write.file.length;
    return this.#disk.takeFault("journal") ?? (this.#disk.hasRoomFor(growth) ? null : "ENOSPC");
  }

  /** The device is done; whether or not the process still lives or runs. */
  #complete(
    write: JournalWrite,
    parts: readonly Uint8Array[],
    fault: FaultCode | null,
    done: Done,
  ): void {
    const { scheduler, entropy } = this.#disk;
    const disk = this.#disk;
    if (disk.inFlight !== write) return; // a crash has decided its fate
    // A stall may be made shorter meanwhile.
    const leftUs = Math.min(disk.stalledUntilUs("journal") - scheduler.nowUs, STALL_LOOK_US);
    if (leftUs > 0) {
      const again = (): void => this.#complete(write, parts, fault, done);
      scheduler.at(leftUs, null, DELIVERY, "journal device stalled", again);
      return;
    }
    assert(sameBytes(parts, write.bytes), "journal bytes are unchanged until done");
    disk.inFlight = null;
    if (fault === null) {
      this.#land(write);
      disk.lastWrite = write;
      disk.observer.journalDurable?.(write);
    } else {
      disk.failed = write;
      if (fault === "EIO" && entropy.chance(400)) {
        write.file.writeInVain(write.position, write.bytes);
      } else if (entropy.chance(750)) {
        const left = prefixOf(write, entropy);
        if (left.bytes.length > 0) write.file.write(left.position, left.bytes);
      }
    }
    const end = fault === null ? null : diskFault(fault, "write", write.path);
    const wakeUs = entropy.between(1, WAKE_US_MAX);
    scheduler.at(wakeUs, this.#life, DELIVERY, "journal done", () => done(end));
  }

  /** On the platter where it belongs, or somewhere else: the target then keeps what it had, below the cache. */
  #land(write: JournalWrite): void {
    const astray = this.#disk.misdirect?.(write) ?? null;
    if (astray === null) return write.file.writeDurably(write.position, write.bytes);
    write.file.writeInVain(write.position, write.bytes);
    astray.file.writeAstray(astray.position, write.bytes);
  }
}

class SimJournalFile implements JournalFile {
  readonly path: string;
  /** A write of this file failed: it must not be written again (J8). */
  failed = false;
  readonly #lane: SimJournalLane;
  readonly #node: SimFile;
  #open = true;

  constructor(lane: SimJournalLane, path: string, node: SimFile) {
    this.#lane = lane;
    this.path = path;
    this.#node = node;
  }

  write(position: number, parts: readonly Uint8Array[], done: Done): void {
    assert(this.#open, "a journal file is open while it is written");
    assert(!this.failed, "a journal file is not written after a fault");
    assert(Number.isSafeInteger(position) && position >= 0, "a position is 0 or more");
    this.#lane.write(this, this.#node, position, parts, done);
  }

  async close(): Promise<void> {
    assert(!this.#lane.busy, "a journal file is not closed during a write");
    this.#open = false;
  }
}

function sameBytes(parts: readonly Uint8Array[], whole: Uint8Array): boolean {
  let at = 0;
  for (const part of parts) {
    if (Buffer.compare(part, whole.subarray(at, at + part.length)) !== 0) return false;
    at += part.length;
  }
  return at === whole.length;
}
