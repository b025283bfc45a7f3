// One owner per data directory (J10): an exclusive transaction on `lock.db` that stays open. The kernel drops
// the record lock behind it with the process, however that ends, and sees it across network
// namespaces and containers that share the file system.
import { statSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { DiskFault, DiskLock } from "../ports/disk.ts";
import { diskFault, faultOf } from "./disk-fault.ts";

const SQLITE_BUSY = 5;

/** What is held now. A database that were only referred to by its lock could be collected, and with it the lock. */
const databases = new Set<DatabaseSync>();

/** Takes `directory`, which exists. */
export async function lockDirectory(
  directory: string,
): Promise<Result<DiskLock, DiskFault | { readonly kind: "held" }>> {
  const sqlite = await import("node:sqlite"); // only here: most uses of the host's disk need no lock
  const path = join(directory, "lock.db");
  let database: DatabaseSync | null = null;
  try {
    statSync(directory);
    const held = new sqlite.DatabaseSync(path, { timeout: 0 });
    database = held;
    held.exec("PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    databases.add(held);
    return ok({
      release: async () => {
        if (databases.delete(held)) held.close();
      },
    });
  } catch (error) {
    database?.close();
    if (!(error instanceof Error) || !("errcode" in error))
      return faultOf(error, "lock", directory);
    if (error.errcode === SQLITE_BUSY) return failed({ kind: "held" });
    return failed(diskFault(`SQLITE_${String(error.errcode)}`, "lock", directory));
  }
}
