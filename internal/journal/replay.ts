// Applies the records of a journal in log order: keeps the ledger and tells the visitor only what makes sense.
// A group that the group table has is in the state of its row until the row's moment (`asOf`): before it, records only
// say where the entries of the row's tail lie, and never extend, replace or truncate anything (J6). After it, and for
// groups without a row, each record does what it says.
import { assert } from "../base/assert.ts";
import type { GroupId, LogIndex, PayloadPosition, Term } from "../model/ids.ts";
import type { Log } from "../ports/log.ts";
import type { RecordHeader } from "../record/record.ts";
import type { GroupTable, TableRow } from "./group-table.ts";
import type { Ledger } from "./ledger.ts";
import type { DamagedEntry, RecoveryVisitor } from "./owner.ts";

/** A record as recovery found it. `payload` is null when it is damaged. */
export interface FoundRecord {
  readonly header: RecordHeader;
  readonly ordinal: number;
  readonly file: number;
  readonly position: PayloadPosition;
  readonly payload: Uint8Array | null;
}

/** A row whose tail is not found as a whole yet. */
interface OpenTail {
  readonly table: TableRow;
  /** Index of the next entry to hand on. */
  next: number;
  /** Entries found before their predecessors: some of those were copied forward. */
  readonly early: Map<number, FoundRecord>;
}

export class Replay {
  /** True when records are missing that must have been there. */
  incomplete = false;
  readonly #log: Log;
  readonly #ledger: Ledger;
  readonly #visitor: RecoveryVisitor;
  readonly #start: number;
  readonly #rows = new Map<number, OpenTail>();
  readonly #damage = new Map<string, DamagedEntry>();
  /** Null until a gap; then the groups that began after the last one. All others are suspect (D1). */
  #sound: Set<number> | null = null;

  constructor(log: Log, ledger: Ledger, visitor: RecoveryVisitor, table: GroupTable | null) {
    this.#log = log;
    this.#ledger = ledger;
    this.#visitor = visitor;
    this.#start = table?.header.start ?? 0;
    for (const each of table?.rows ?? []) {
      const { row } = each;
      visitor.groupRow(row);
      if (row.dropped) continue;
      this.#rows.set(row.group, { table: each, next: row.base.index + 1, early: new Map() });
      ledger.start(row.group, row.base.index, row.base.term);
    }
  }

  record(found: FoundRecord): void {
    const { header, ordinal } = found;
    const group = header.group;
    if (header.type === "seal" || header.type === "checkpoint") return;
    if (this.#sound !== null && !this.#staysSound(header)) return;
    const row = this.#rows.get(group);
    if (row === undefined) {
      // The group was dropped before the table was begun: its row would be there otherwise.
      if (ordinal >= this.#start) this.#apply(found);
    } else if (ordinal < row.table.asOf) this.#locate(found, row);
    else {
      if (row.next <= lastOf(row)) this.gap("an entry of the group table is missing");
      else this.#apply(found);
    }
  }

  /** Durable batches are missing here, as `reason` says. */
  gap(reason: string): void {
    this.incomplete = true;
    this.#log.error({ reason }, "journal has a gap");
    this.#sound = new Set();
    this.#visitor.gap();
  }

  /** Every record was handed over; returns the entries that live and are damaged. */
  end(): readonly DamagedEntry[] {
    const isMissing = [...this.#rows.values()].some((row) => row.next <= lastOf(row));
    if (isMissing && this.#sound === null) this.gap("an entry of the group table is missing");
    this.#ledger.forgetIdleGroups();
    return [...this.#damage.values()].filter(
      (entry) => this.#ledger.termAt(entry.group, entry.index) === entry.term,
    );
  }

  /** After a gap only what concerns groups that began after it is heard, and the end of the others. */
  #staysSound(header: RecordHeader): boolean {
    const sound = this.#sound;
    assert(sound !== null, "asked only after a gap");
    if (header.type === "drop-group") {
      this.#rows.delete(header.group);
      sound.delete(header.group);
      return true;
    }
    const isNew = this.#ledger.get(header.group) === undefined && !this.#rows.has(header.group);
    if (header.type === "configuration" && isNew) sound.add(header.group);
    return sound.has(header.group);
  }

  /** A record from before its group's row. */
  #locate(found: FoundRecord, row: OpenTail): void {
    const { header } = found;
    const { base } = row.table.row;
    if (header.type === "install-base") {
      if (header.index !== base.index || header.term !== base.term) return;
      this.#ledger.installBase(header.group, header.index, header.term, found.file);
      this.#visitor.installBase(header, found.payload);
      return;
    }
    if (header.type !== "append" && header.type !== "copy-forward") return;
    if (header.index <= base.index || termInTail(row, header.index) !== header.term) return;
    if (header.index < row.next) this.#relocate(found);
    else if (header.index > row.next) {
      row.early.set(header.index, { ...found, payload: found.payload?.slice() ?? null });
    } else {
      let next: FoundRecord | undefined = found;
      for (; next !== undefined; next = row.early.get(row.next)) {
        row.early.delete(row.next);
        this.#append(next);
        row.next++;
      }
    }
  }

  #apply(found: FoundRecord): void {
    const { header } = found;
    const { group } = header;
    switch (header.type) {
      case "append":
        return this.#append(found);
      case "copy-forward":
        return this.#relocate(found);
      case "hard-state":
        return this.#visitor.hardState(header);
      case "truncate":
        this.#ledger.truncate(group, header.index);
        return this.#visitor.truncate(header);
      case "configuration":
        if (this.#ledger.get(group) === undefined) this.#ledger.start(group, 0, 0);
        return this.#visitor.configuration(header, found.payload);
      case "install-base":
        this.#ledger.installBase(group, header.index, header.term, found.file);
        return this.#visitor.installBase(header, found.payload);
      case "drop-group":
        this.#ledger.drop(group);
        this.#rows.delete(group);
        return this.#visitor.dropGroup(header);
      case "checkpoint":
      case "seal":
        return;
    }
  }

  #append(found: FoundRecord): void {
    const { header } = found;
    const { group, index, term } = header;
    if (index <= (this.#ledger.get(group)?.base ?? 0)) return;
    if (this.#ledger.get(group) === undefined) this.#ledger.start(group, 0, 0);
    if (!this.#ledger.append(group, index, term, found.file))
      return this.gap("an entry has no predecessor");
    if (found.payload === null) this.#noteDamage(header);
    this.#visitor.append(header, found.position, found.payload);
  }

  #relocate(found: FoundRecord): void {
    const { header } = found;
    if (found.payload === null) return; // the entry stays where it was found before, which may be whole
    if (!this.#ledger.relocate(header.group, header.index, header.term, found.file)) return;
    this.#damage.delete(damageKey(header));
    this.#visitor.relocate(header, found.position, found.payload);
  }

  #noteDamage(header: RecordHeader): void {
    const { group, index, term } = header;
    this.#damage.set(damageKey(header), { group, index, term });
  }
}

function lastOf(row: OpenTail): number {
  const { tail, row: of } = row.table;
  return tail.length === 0 ? of.base.index : tail[tail.length - 1]!.last;
}

function termInTail(row: OpenTail, index: number): number {
  for (const epoch of row.table.tail) if (index <= epoch.last) return epoch.term;
  return -1;
}

function damageKey(entry: { group: GroupId; index: LogIndex; term: Term }): string {
  return `${entry.group}/${entry.index}/${entry.term}`;
}
