// What the commands of the product printed and committed, as the checkers read it: plain values, so that a history can be
// written by hand.

export interface PrintedRecord {
  readonly partition: number;
  readonly offset: number;
  /** Who wrote the value, and the how-manieth of its writer it is. */
  readonly lane: number;
  readonly counter: number;
}

/** One life of a reading command. */
export interface PrintedLife {
  /** In the order in which they were printed. */
  readonly records: PrintedRecord[];
  /** Lines that hold no value of the run. */
  readonly strange: string[];
  /** Null while it runs. */
  exit: { readonly code: number | null; readonly signal: string | null } | null;
  wasKilled: boolean;
}

/** One command that reads all partitions by itself. */
export interface PlainReading {
  readonly name: string;
  readonly lives: readonly PrintedLife[];
}

/** Commands that share the partitions as members of one group. */
export interface GroupReading {
  readonly group: string;
  readonly members: readonly PlainReading[];
  /** What was committed in the end, by partition; null when nobody told. */
  readonly committed: ReadonlyMap<number, number> | null;
}

export interface Readings {
  readonly plain: readonly PlainReading[];
  readonly groups: readonly GroupReading[];
}

const UNREACHABLE = 3;

/** Whether a command ended because no broker answered it from the beginning: it is told apart by its exit code. */
export function foundNobody({ exit, records }: PrintedLife): boolean {
  return exit?.code === UNREACHABLE && records.length === 0;
}

/** Whether it was told to end while its process still started: it does not listen for signals then. */
export function hadNotBegun({ exit, records }: PrintedLife): boolean {
  return exit?.signal === "SIGTERM" && records.length === 0;
}
