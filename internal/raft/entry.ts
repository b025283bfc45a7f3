// What Raft knows of a log entry: its term and its kind. Payload bytes never enter the machine,
// except that a configuration entry carries its decoded configuration.
import type { LogIndex, Term } from "../model/ids.ts";
import type { Configuration } from "./configuration.ts";

export const ENTRY_BATCH = 0;
export const ENTRY_NO_OP = 1;
export const ENTRY_CONFIGURATION = 2;
export const ENTRY_COMMAND = 3;
export type EntryKind = 0 | 1 | 2 | 3;

export interface EntryHead {
  readonly term: Term;
  readonly kind: EntryKind;
  /** Present exactly when `kind` is ENTRY_CONFIGURATION. */
  readonly configuration: Configuration | null;
}

/**
 * Where a log begins: everything up to and including `index` is committed and lives elsewhere
 * (F10).
 */
export interface LogBase {
  readonly index: LogIndex;
  readonly term: Term;
}
