// Turns what node:fs throws into the typed fault of the Disk port.
import type { DiskFault } from "../ports/disk.ts";
import { failed } from "../base/result.ts";
import type { Failed } from "../base/result.ts";

export function diskFault(code: string, operation: string, path: string): DiskFault {
  return { kind: "disk", code, operation, path };
}

/** The fault for an exception of the file system. Anything else is a bug and is thrown on. */
export function faultOf(error: unknown, operation: string, path: string): Failed<DiskFault> {
  const code = systemCodeOf(error);
  if (code === null) throw error;
  return failed(diskFault(code, operation, path));
}

/** The system's code of an exception (ENOENT, EIO, …), or null for an exception that has none. */
export function systemCodeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error) || !("syscall" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}
