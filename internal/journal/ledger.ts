// Which log entries are alive, and which journal file each of them pins (J5). Per group: where its log begins and ends
// and runs of entries of one term in one file. Groups without live entries cost nothing here once replay is over.
//
// A queued entry is booked to the file that is current when it is appended, although its batch may go to the next one.
// Files are recycled oldest first only, so booking an entry too low can keep a file too long and never too short.
import { assert } from "../base/assert.ts";

export interface Run {
  first: number;
  last: number;
  term: number;
  file: number;
}

export interface GroupLog {
  /** The log begins after this index. */
  base: number;
  /** -1 when not known. */
  baseTerm: number;
  last: number;
  /** By index, without holes between base and last. */
  runs: Run[];
  /** File that holds the payload of an install-base record which is not stored elsewhere yet; 0 for none. */
  baseFile: number;
}

export class Ledger {
  readonly #groups = new Map<number, GroupLog>();
  /** How many runs lie in each file. */
  readonly #pins = new Map<number, number>();

  get(group: number): GroupLog | undefined {
    return this.#groups.get(group);
  }

  /** The lowest file that something pins, Infinity for none. */
  get oldestPinned(): number {
    let oldest = Infinity;
    for (const file of this.#pins.keys()) oldest = Math.min(oldest, file);
    return oldest;
  }

  start(group: number, base: number, baseTerm: number): GroupLog {
    const log: GroupLog = { base, baseTerm, last: base, runs: [], baseFile: 0 };
    this.#groups.set(group, log);
    return log;
  }

  /** Books an entry. What the log had at or above its index is gone. False when it would leave a hole. */
  append(group: number, index: number, term: number, file: number): boolean {
    const log = this.#groups.get(group) ?? this.start(group, index - 1, -1);
    if (index <= log.last && index > log.base) this.#cut(log, index - 1);
    if (index !== log.last + 1) return false;
    const run = log.runs[log.runs.length - 1];
    if (run !== undefined && run.file === file && run.term === term) run.last = index;
    else {
      log.runs.push({ first: index, last: index, term, file });
      this.#pin(file);
    }
    log.last = index;
    return true;
  }

  truncate(group: number, last: number): void {
    const log = this.#groups.get(group);
    if (log === undefined || last >= log.last) return;
    this.#cut(log, Math.max(last, log.base));
  }

  termAt(group: number, index: number): number {
    const log = this.#groups.get(group);
    if (log === undefined) return -1;
    if (index === log.base) return log.baseTerm;
    for (const run of log.runs) if (index >= run.first && index <= run.last) return run.term;
    return -1;
  }

  /** J6: books a live entry to another file. False, with nothing changed, when it is not alive with that term. */
  relocate(group: number, index: number, term: number, file: number): boolean {
    const log = this.#groups.get(group);
    if (log === undefined) return false;
    const at = log.runs.findIndex((run) => index >= run.first && index <= run.last);
    const run = log.runs[at];
    if (run === undefined || run.term !== term) return false;
    if (run.file === file) return true;
    const pieces: Run[] = [];
    if (index > run.first) pieces.push({ ...run, last: index - 1 });
    const before = pieces.length === 0 ? log.runs[at - 1] : undefined;
    if (before !== undefined && before.file === file && before.term === term) before.last = index;
    else pieces.push({ first: index, last: index, term, file });
    if (index < run.last) pieces.push({ ...run, first: index + 1 });
    for (const piece of pieces) this.#pin(piece.file);
    this.#unpin(run.file);
    log.runs.splice(at, 1, ...pieces);
    return true;
  }

  /** Entries up to `index` are stored elsewhere. */
  release(group: number, index: number): void {
    const log = this.#groups.get(group);
    if (log === undefined) return;
    const baseTerm = this.termAt(group, index);
    while (log.runs.length > 0 && log.runs[0]!.first <= index) {
      const run = log.runs[0]!;
      if (run.last > index) {
        run.first = index + 1;
        break;
      }
      this.#unpin(run.file);
      log.runs.shift();
    }
    if (index > log.base) {
      log.base = index;
      log.baseTerm = baseTerm;
      log.last = Math.max(log.last, index);
    }
    if (log.baseFile !== 0 && index >= log.base) {
      this.#unpin(log.baseFile);
      log.baseFile = 0;
    }
    this.#forgetIdle(group, log);
  }

  /** The log begins after (`index`, `term`); a matching suffix stays (F10). */
  installBase(group: number, index: number, term: number, file: number): void {
    const log = this.#groups.get(group) ?? this.start(group, index, term);
    const matches = this.termAt(group, index) === term;
    this.release(group, index);
    if (!matches) this.#cut(log, index);
    log.base = index;
    log.baseTerm = term;
    log.last = Math.max(log.last, index);
    log.baseFile = file;
    this.#pin(file);
    this.#groups.set(group, log);
  }

  drop(group: number): void {
    const log = this.#groups.get(group);
    if (log === undefined) return;
    for (const run of log.runs) this.#unpin(run.file);
    if (log.baseFile !== 0) this.#unpin(log.baseFile);
    this.#groups.delete(group);
  }

  /** Terms of the live entries: each with the last index that has it. */
  epochs(group: number): { readonly term: number; readonly last: number }[] {
    const epochs: { term: number; last: number }[] = [];
    for (const run of this.#groups.get(group)?.runs ?? []) {
      const open = epochs[epochs.length - 1];
      if (open !== undefined && open.term === run.term) open.last = run.last;
      else epochs.push({ term: run.term, last: run.last });
    }
    return epochs;
  }

  /** Groups with something in `file` or below. */
  groupsUpTo(file: number): number[] {
    const groups: number[] = [];
    for (const [group, log] of this.#groups) {
      const pins =
        (log.baseFile !== 0 && log.baseFile <= file) || log.runs.some((run) => run.file <= file);
      if (pins) groups.push(group);
    }
    return groups;
  }

  /** Forgets the groups without live entries; replay, which needs to know them, is over. */
  forgetIdleGroups(): void {
    for (const [group, log] of this.#groups) this.#forgetIdle(group, log);
  }

  #forgetIdle(group: number, log: GroupLog): void {
    if (log.runs.length === 0 && log.baseFile === 0) this.#groups.delete(group);
  }

  #cut(log: GroupLog, last: number): void {
    while (log.runs.length > 0) {
      const run = log.runs[log.runs.length - 1]!;
      if (run.first <= last) {
        run.last = Math.min(run.last, last);
        break;
      }
      this.#unpin(run.file);
      log.runs.pop();
    }
    log.last = last;
  }

  #pin(file: number): void {
    this.#pins.set(file, (this.#pins.get(file) ?? 0) + 1);
  }

  #unpin(file: number): void {
    const count = this.#pins.get(file);
    assert(count !== undefined, "only what pins a file lets it go");
    if (count === 1) this.#pins.delete(file);
    else this.#pins.set(file, count - 1);
  }
}
