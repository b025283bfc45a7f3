// The bulk lane of a simulated process. Operations under way at once take effect in any order; what
// was written and not synced is in the page cache and may be lost or kept in part by a power loss.
import type { BulkLane, DiskFault } from "../../../internal/ports/disk.ts";
import type { Result } from "../../../internal/base/result.ts";
import { assert } from "../../../internal/base/assert.ts";
import { failed, ok } from "../../../internal/base/result.ts";
import type { Life } from "./life.ts";
import { parentOf } from "./platter.ts";
import type { Platter } from "./platter.ts";
import { DELIVERY } from "./scheduler.ts";
import { drawLatencyUs } from "./seeded-entropy.ts";
import { diskFault } from "./sim-device.ts";
import type { SimDevice } from "./sim-device.ts";
import { isZeroBytes, prefixOf, SimFile, zeroBytes } from "./sim-file.ts";

const WHOLE_BYTES_MAX = 16 << 20;

type Outcome<T> = Result<T, DiskFault>;

export class SimBulkLane implements BulkLane {
  readonly #disk: SimDevice;
  readonly #life: Life;
  readonly #platter: Platter;
  /** The last replacement of each path under way: replacements of one path happen one after another. */
  readonly #replacing = new Map<string, Promise<unknown>>();

  constructor(disk: SimDevice, life: Life) {
    this.#disk = disk;
    this.#life = life;
    this.#platter = disk.platter;
  }

  makeDirectory(path: string): Promise<Outcome<void>> {
    return this.#run("mkdir", path, () => {
      const missing: string[] = [];
      for (let at = path; this.#platter.at(at) === undefined; at = parentOf(at)) missing.push(at);
      for (const each of missing.toReversed()) {
        if (this.#platter.at(parentOf(each)) !== "directory")
          return this.#fault("ENOTDIR", "mkdir", path);
        this.#platter.link(each, "directory");
        this.#platter.syncName(each);
      }
      return this.#platter.at(path) === "directory"
        ? ok(undefined)
        : this.#fault("EEXIST", "mkdir", path);
    });
  }

  list(path: string): Promise<Outcome<readonly string[]>> {
    return this.#run("list", path, () => {
      const node = this.#platter.at(path);
      if (node === undefined) return this.#fault("ENOENT", "list", path);
      if (node !== "directory") return this.#fault("ENOTDIR", "list", path);
      return ok(this.#platter.list(path));
    });
  }

  read(path: string, position: number, into: Uint8Array): Promise<Outcome<number>> {
    const code = this.#disk.takeFault("read");
    return this.#run("read", path, () => {
      if (code !== null) return this.#fault(code, "read", path);
      const file = this.#fileAt(path, "read");
      if (!file.ok) return file;
      const bytes = file.value.cachedView.subarray(position, position + into.length);
      into.set(bytes);
      return ok(bytes.length);
    });
  }

  length(path: string): Promise<Outcome<number>> {
    return this.#run("stat", path, () => {
      const file = this.#fileAt(path, "stat");
      return file.ok ? ok(file.value.length) : file;
    });
  }

  readWhole(path: string): Promise<Outcome<Uint8Array>> {
    const code = this.#disk.takeFault("read");
    return this.#run("read", path, () => {
      if (code !== null) return this.#fault(code, "read", path);
      const file = this.#fileAt(path, "read");
      if (!file.ok) return file;
      if (file.value.length > WHOLE_BYTES_MAX) return this.#fault("EFBIG", "read", path);
      return ok(file.value.cachedView.slice());
    });
  }

  async replaceWhole(path: string, bytes: Uint8Array): Promise<Outcome<void>> {
    const before = this.#replacing.get(path);
    const turn = (before ?? Promise.resolve()).then(() => this.#replace(path, bytes));
    this.#replacing.set(path, turn);
    const outcome = await turn;
    if (this.#replacing.get(path) === turn) this.#replacing.delete(path);
    return outcome;
  }

  async #replace(path: string, bytes: Uint8Array): Promise<Outcome<void>> {
    const temporary = `${path}.tmp`;
    const cleared = await this.#run("write", temporary, () => {
      if (this.#platter.file(temporary) !== undefined) this.#platter.remove(temporary);
      return ok(undefined);
    });
    if (!cleared.ok) return cleared;
    const written = await this.write(temporary, 0, bytes);
    if (!written.ok) return written;
    const synced = await this.#writing("sync", temporary, () => {
      this.#platter.file(temporary)?.sync();
      return ok(undefined);
    });
    if (!synced.ok) return synced;
    const renamed = await this.rename(temporary, path);
    if (!renamed.ok) return renamed;
    return this.#writing("sync", parentOf(path), () => {
      this.#platter.syncName(path);
      return ok(undefined);
    });
  }

  async writeZeros(path: string, position: number, length: number): Promise<Outcome<void>> {
    const written = await this.write(path, position, zeroBytes(length));
    return written.ok ? this.sync(path) : written;
  }

  write(path: string, position: number, bytes: Uint8Array): Promise<Outcome<void>> {
    const copy = isZeroBytes(bytes) ? bytes : bytes.slice();
    const cut = (): void => {
      const file = this.#platter.file(path);
      if (file !== undefined)
        file.write(position, prefixOf({ position, bytes: copy }, this.#disk.entropy).bytes);
    };
    const effect = (): Outcome<void> => {
      assert(
        bytes === copy || Buffer.compare(bytes, copy) === 0,
        "bytes of a bulk write are unchanged until it ends",
      );
      if (this.#platter.at(path) === undefined) {
        if (this.#platter.at(parentOf(path)) !== "directory")
          return this.#fault("ENOENT", "write", path);
        this.#platter.link(path, new SimFile());
      }
      const file = this.#fileAt(path, "write");
      if (!file.ok) return file;
      if (!this.#disk.hasRoomFor(position + copy.length - file.value.length)) {
        return this.#fault("ENOSPC", "write", path);
      }
      file.value.write(position, copy);
      return ok(undefined);
    };
    return this.#writing("write", path, effect, cut);
  }

  sync(path: string): Promise<Outcome<void>> {
    return this.#writing("sync", path, () => {
      const file = this.#fileAt(path, "sync");
      if (!file.ok) return file;
      file.value.sync();
      this.#platter.syncName(path);
      return ok(undefined);
    });
  }

  rename(from: string, to: string): Promise<Outcome<void>> {
    return this.#writing("rename", from, () => {
      const file = this.#fileAt(from, "rename");
      if (!file.ok) return file;
      if (this.#platter.at(parentOf(to)) !== "directory")
        return this.#fault("ENOENT", "rename", to);
      this.#platter.rename(from, to);
      return ok(undefined);
    });
  }

  remove(path: string): Promise<Outcome<void>> {
    return this.#writing("remove", path, () => {
      const node = this.#platter.at(path);
      if (node === undefined) return this.#fault("ENOENT", "remove", path);
      if (node === "directory" && this.#platter.list(path).length > 0) {
        return this.#fault("ENOTEMPTY", "remove", path);
      }
      this.#platter.remove(path);
      return ok(undefined);
    });
  }

  freeBytes(path: string): Promise<Outcome<number>> {
    return this.#run("statfs", path, () => {
      if (this.#platter.at(path) === undefined) return this.#fault("ENOENT", "statfs", path);
      const free = this.#disk.options.capacityBytes - this.#platter.usedBytes();
      return ok(Math.max(0, free));
    });
  }

  totalBytes(path: string): Promise<Outcome<number>> {
    return this.#run("statfs", path, () => {
      if (this.#platter.at(path) === undefined) return this.#fault("ENOENT", "statfs", path);
      return ok(this.#disk.options.capacityBytes);
    });
  }

  /** An operation that an ordered fault may hit; `cut` is what the fault leaves behind. */
  #writing<T>(
    operation: string,
    path: string,
    effect: () => Outcome<T>,
    cut?: () => void,
  ): Promise<Outcome<T>> {
    const code = this.#disk.takeFault("bulk");
    return this.#run(operation, path, () => {
      if (code === null) return effect();
      if (cut !== undefined) cut();
      return this.#fault(code, operation, path);
    });
  }

  /** Runs `effect` after a while; the promise of a dead process never settles. */
  #run<T>(operation: string, path: string, effect: () => Outcome<T>): Promise<Outcome<T>> {
    const { scheduler, options, entropy } = this.#disk;
    return new Promise((resolve) => {
      const run = (): void => {
        const leftUs = this.#disk.stalledUntilUs("bulk") - scheduler.nowUs;
        if (leftUs > 0) scheduler.at(leftUs, this.#life, DELIVERY, "bulk stalled", run);
        else resolve(effect());
      };
      const delayUs = drawLatencyUs(options.bulk, entropy);
      scheduler.at(delayUs, this.#life, DELIVERY, `bulk ${operation}`, run, path.length);
    });
  }

  #fileAt(path: string, operation: string): Outcome<SimFile> {
    const node = this.#platter.at(path);
    if (node === undefined) return this.#fault("ENOENT", operation, path);
    if (node === "directory") return this.#fault("EISDIR", operation, path);
    return ok(node);
  }

  #fault(code: string, operation: string, path: string): { ok: false; fault: DiskFault } {
    return failed(diskFault(code, operation, path));
  }
}
