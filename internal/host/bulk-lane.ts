// The bulk lane of the host: everything but the journal's writes, through libuv's pool, of which it
// uses at most half at once (J9), first come, first served.
import { constants } from "node:fs";
import * as fs from "node:fs/promises";
import { dirname } from "node:path";
import { ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { BulkLane, DiskFault } from "../ports/disk.ts";
import { diskFault, faultOf, systemCodeOf } from "./disk-fault.ts";
import type { Gate } from "./gate.ts";

const WHOLE_BYTES_MAX = 16 << 20;
const BLOCK_BYTES = 4096;
/** What is used of it here: the type library of ECMAScript does not know it. */
declare const WebAssembly: {
  readonly Memory: new (pages: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
};
/** O_DIRECT wants aligned memory; the memory of WebAssembly is aligned to its 64 KiB pages. Never written to. */
const ALIGNED_ZEROS = new Uint8Array(new WebAssembly.Memory({ initial: 4 }).buffer);

type Outcome<T> = Result<T, DiskFault>;

export class HostBulkLane implements BulkLane {
  readonly #gate: Gate;
  /** The last replacement of each path under way: replacements of one path happen one after another. */
  readonly #replacing = new Map<string, Promise<unknown>>();

  constructor(gate: Gate) {
    this.#gate = gate;
  }

  makeDirectory(path: string): Promise<Outcome<void>> {
    return this.#run("mkdir", path, () => makeDirectories(path));
  }

  list(path: string): Promise<Outcome<readonly string[]>> {
    return this.#run("list", path, async () => (await fs.readdir(path)).sort());
  }

  read(path: string, position: number, into: Uint8Array): Promise<Outcome<number>> {
    return this.#run("read", path, () =>
      withFile(path, constants.O_RDONLY, (file) => readFully(file, position, into)),
    );
  }

  length(path: string): Promise<Outcome<number>> {
    return this.#run("stat", path, async () => (await fs.stat(path)).size);
  }

  async readWhole(path: string): Promise<Outcome<Uint8Array>> {
    const bytes = await this.#run("read", path, () =>
      withFile(path, constants.O_RDONLY, async (file) => {
        const { size } = await file.stat();
        if (size > WHOLE_BYTES_MAX) return null;
        const whole = new Uint8Array(size);
        return whole.subarray(0, await readFully(file, 0, whole));
      }),
    );
    if (!bytes.ok) return bytes;
    if (bytes.value === null) return { ok: false, fault: diskFault("EFBIG", "read", path) };
    return ok(bytes.value);
  }

  async replaceWhole(path: string, bytes: Uint8Array): Promise<Outcome<void>> {
    const before = this.#replacing.get(path) ?? Promise.resolve();
    const turn = before.then(() => this.#replace(path, bytes));
    this.#replacing.set(path, turn);
    const outcome = await turn;
    if (this.#replacing.get(path) === turn) this.#replacing.delete(path);
    return outcome;
  }

  #replace(path: string, bytes: Uint8Array): Promise<Outcome<void>> {
    return this.#run("replace", path, async () => {
      const temporary = `${path}.tmp`;
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC;
      await withFile(temporary, flags, async (file) => {
        await writeFully(file, 0, bytes);
        await file.datasync();
      });
      await fs.rename(temporary, path);
      await syncDirectory(dirname(path));
    });
  }

  write(path: string, position: number, bytes: Uint8Array): Promise<Outcome<void>> {
    const flags = constants.O_WRONLY | constants.O_CREAT;
    return this.#run("write", path, () =>
      withFile(path, flags, (file) => writeFully(file, position, bytes)),
    );
  }

  /**
   * Past the page cache where the file system allows it. A large cached write leaves large folios behind, and the kernel
   * writes back a whole folio for 4 KiB that are changed in it: 64 times as much as the journal asked for.
   */
  writeZeros(path: string, position: number, length: number): Promise<Outcome<void>> {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_DSYNC;
    return this.#run("write", path, async () => {
      try {
        await withFile(path, flags | constants.O_DIRECT, (file) =>
          writeZerosBy(file, position, length, ALIGNED_ZEROS),
        );
      } catch (error) {
        if (systemCodeOf(error) !== "EINVAL") throw error;
        const block = ALIGNED_ZEROS.subarray(0, BLOCK_BYTES);
        await withFile(path, flags, (file) => writeZerosBy(file, position, length, block));
      }
    });
  }

  sync(path: string): Promise<Outcome<void>> {
    return this.#run("sync", path, async () => {
      await withFile(path, constants.O_RDWR, (file) => file.datasync());
      await syncDirectory(dirname(path));
    });
  }

  rename(from: string, to: string): Promise<Outcome<void>> {
    return this.#run("rename", from, () => fs.rename(from, to));
  }

  remove(path: string): Promise<Outcome<void>> {
    return this.#run("remove", path, async () => {
      const isDirectory = (await fs.lstat(path)).isDirectory();
      await (isDirectory ? fs.rmdir(path) : fs.unlink(path));
    });
  }

  freeBytes(path: string): Promise<Outcome<number>> {
    return this.#run("statfs", path, async () => {
      const { bavail, bsize } = await fs.statfs(path);
      return bavail * bsize;
    });
  }

  totalBytes(path: string): Promise<Outcome<number>> {
    return this.#run("statfs", path, async () => {
      const { blocks, bsize } = await fs.statfs(path);
      return blocks * bsize;
    });
  }

  async #run<T>(operation: string, path: string, work: () => Promise<T>): Promise<Outcome<T>> {
    return this.#gate.run(async () => {
      try {
        return ok(await work());
      } catch (error) {
        if (error instanceof ShortWrite) {
          return { ok: false, fault: diskFault("SHORT", operation, path) };
        }
        return faultOf(error, operation, path);
      }
    });
  }
}

/** Makes the entries of a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  await withFile(path, constants.O_RDONLY | constants.O_DIRECTORY, (directory) => directory.sync());
}

async function writeZerosBy(
  file: fs.FileHandle,
  position: number,
  length: number,
  zeros: Uint8Array,
): Promise<void> {
  for (let at = 0; at < length; at += zeros.length) {
    await writeFully(file, position + at, zeros.subarray(0, Math.min(zeros.length, length - at)));
  }
}

class ShortWrite extends Error {
  override readonly name = "ShortWrite";
}

async function withFile<T>(
  path: string,
  flags: number,
  use: (file: fs.FileHandle) => Promise<T>,
): Promise<T> {
  const file = await fs.open(path, flags, 0o600);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** Reads until `into` is full or the file ends. */
async function readFully(file: fs.FileHandle, at: number, into: Uint8Array): Promise<number> {
  let filled = 0;
  while (filled < into.length) {
    const { bytesRead } = await file.read(into, filled, into.length - filled, at + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

async function writeFully(file: fs.FileHandle, at: number, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
    if (bytesWritten === 0) throw new ShortWrite("a write made no progress");
    done += bytesWritten;
  }
}

/** Makes a directory and its parents, each synced into the directory that holds it. */
async function makeDirectories(path: string): Promise<void> {
  const parent = dirname(path);
  try {
    await fs.mkdir(path, 0o700);
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === "ENOENT" && parent !== path) {
      await makeDirectories(parent);
      await makeDirectories(path);
      return;
    }
    if (code !== "EEXIST" || !(await fs.stat(path)).isDirectory()) throw error;
  }
  // Also when it was there: the process that made it may have died before this sync.
  if (parent !== path) await syncDirectory(parent);
}
