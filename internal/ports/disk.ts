// Durable storage as the core sees it, in two lanes (J9). The journal lane has its own thread and
// carries one durable write at a time; the bulk lane carries everything else and can never delay it.
import type { Result } from "../base/result.ts";

/** What can go wrong. `code` is the system's own (ENOSPC, EIO, ENOENT, …), or SHORT for a short write. */
export interface DiskFault {
  readonly kind: "disk";
  readonly code: string;
  readonly operation: string;
  readonly path: string;
}

export interface Disk {
  readonly journal: JournalLane;
  readonly bulk: BulkLane;
  /**
   * Takes a data directory (J10). The directory exists. Held until `release`, or until the process ends,
   * however it ends; visible across network namespaces and containers that share the file system.
   */
  lock(directory: string): Promise<Result<DiskLock, DiskFault | { readonly kind: "held" }>>;
}

export interface DiskLock {
  release(): Promise<void>;
}

export interface JournalLane {
  /** Zeroed memory that `write` accepts. Allocated once, at start; never freed. */
  allocate(bytes: number): Uint8Array;
  /**
   * Opens a file for durable positioned writes (O_DSYNC). With `create`, makes it when it is missing, with its
   * directory entry synced; the file then has length 0 and grows by `write` (pre-writing is the caller's job).
   */
  open(path: string, create: boolean): Promise<Result<JournalFile, DiskFault>>;
}

export interface JournalFile {
  readonly path: string;
  /**
   * Writes `parts` one after another at `position`, durably: when `done(null)` runs, all bytes survive power loss.
   * `parts` are views of memory from `allocate`, unchanged by the caller until `done`; at most 8 of them. Until `done`,
   * the lane refuses a second write (that is a bug of the caller: it asserts). `done` is never called inside this call.
   * After a fault nothing is known of the written range, and the caller must stop (J8).
   */
  write(
    position: number,
    parts: readonly Uint8Array[],
    done: (fault: DiskFault | null) => void,
  ): void;
  /** Closes the descriptor. Not while a write is under way. */
  close(): Promise<void>;
}

export interface BulkLane {
  /** Makes a directory and its parents; each new directory entry is synced. */
  makeDirectory(path: string): Promise<Result<void, DiskFault>>;
  /** Names in a directory, sorted. A missing directory is a fault with code ENOENT. */
  list(path: string): Promise<Result<readonly string[], DiskFault>>;
  /** Reads up to `into.length` bytes at `position`; returns how many (fewer only at the end of the file). */
  read(path: string, position: number, into: Uint8Array): Promise<Result<number, DiskFault>>;
  /** Length of a file in bytes. */
  length(path: string): Promise<Result<number, DiskFault>>;
  /** Reads a whole small file (at most 16 MiB). */
  readWhole(path: string): Promise<Result<Uint8Array, DiskFault>>;
  /**
   * Replaces a small file atomically and durably: writes a temporary, syncs it, renames it, syncs the directory.
   * After a crash the path holds the old or the new bytes, whole.
   */
  replaceWhole(path: string, bytes: Uint8Array): Promise<Result<void, DiskFault>>;
  /** Writes (not durably) at a position, creating the file when it is missing. */
  write(path: string, position: number, bytes: Uint8Array): Promise<Result<void, DiskFault>>;
  /**
   * Writes zeros durably (`position` and `length` are multiples of 4096; the directory entry of a new file needs `sync`),
   * so that a small synced write there later costs the device no more than its own bytes.
   */
  writeZeros(path: string, position: number, length: number): Promise<Result<void, DiskFault>>;
  /** Makes a file's bytes and its directory entry durable. */
  sync(path: string): Promise<Result<void, DiskFault>>;
  rename(from: string, to: string): Promise<Result<void, DiskFault>>;
  remove(path: string): Promise<Result<void, DiskFault>>;
  /** Bytes still free for this process on the file system that holds `path`. */
  freeBytes(path: string): Promise<Result<number, DiskFault>>;
  /** Size of that file system, used or not. */
  totalBytes(path: string): Promise<Result<number, DiskFault>>;
}
