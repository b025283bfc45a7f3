// What the machine knows of its log: where it begins, the term of every entry (as runs of equal
// terms), where it ends, and how much of it is durable. Payloads are elsewhere.
//
// Durability is told by write number, never by index (J4): each write remembers the index it makes
// durable, and a truncation lowers what the earlier writes remember, so a late completion cannot
// vouch for a rewritten entry.
import { assert } from "../base/assert.ts";
import type { LogIndex, Term } from "../model/ids.ts";
import type { EntryHead, LogBase } from "./entry.ts";
import type { Boot } from "./event.ts";

interface Run {
  readonly first: LogIndex;
  readonly term: Term;
}

export class Log {
  #base: LogBase;
  #runs: Run[];
  #last: LogIndex;
  #durable: LogIndex;
  /** Writes not yet durable, oldest first from `#head` on, and what each makes durable. */
  #writes: number[] = [];
  #lasts: LogIndex[] = [];
  #head = 0;
  readonly #staleTicketAccepted: boolean;

  constructor(boot: Pick<Boot, "base" | "runs" | "last">, staleTicketAccepted = false) {
    assert(boot.last >= boot.base.index, "a log ends at or after its base");
    let first = boot.base.index as number;
    let term = boot.base.term as number;
    for (const run of boot.runs) {
      assert(run.first > first && run.term >= term, "term runs ascend");
      first = run.first;
      term = run.term;
    }
    assert(boot.runs.length === 0 || first <= boot.last, "every run has an entry");
    assert(
      (boot.runs[0]?.first ?? boot.base.index + 1) === boot.base.index + 1,
      "runs start after the base",
    );
    assert(boot.runs.length > 0 || boot.last === boot.base.index, "every entry has a term");
    this.#base = boot.base;
    this.#runs = boot.runs.map((run) => ({ first: run.first, term: run.term }));
    this.#last = boot.last;
    this.#durable = boot.last;
    this.#staleTicketAccepted = staleTicketAccepted;
  }

  get base(): LogBase {
    return this.#base;
  }

  get last(): LogIndex {
    return this.#last;
  }

  get lastTerm(): Term {
    const runs = this.#runs;
    return runs.length === 0 ? this.#base.term : (runs[runs.length - 1] as Run).term;
  }

  /** Everything up to here is durable, in this log or (below the base) elsewhere. */
  get durable(): LogIndex {
    return this.#durable;
  }

  /** The term of the entry at `index`; null below the base and after the end. */
  termAt(index: LogIndex): Term | null {
    if (index > this.#last || index < this.#base.index) return null;
    const runs = this.#runs;
    for (let i = runs.length - 1; i >= 0; i--) {
      const run = runs[i] as Run;
      if (run.first <= index) return run.term;
    }
    return this.#base.term;
  }

  /**
   * The largest index at or below `index` whose entry has a term of at most `term`: two logs cannot
   * agree on anything between there and `index` if the other log holds `term` at `index`. Just
   * below the base if the log has none.
   */
  lastOfTermAtMost(index: LogIndex, term: Term): LogIndex {
    let at = index < this.#last ? index : this.#last;
    if (at < this.#base.index) return at;
    const runs = this.#runs;
    for (let i = runs.length - 1; i >= 0; i--) {
      const run = runs[i] as Run;
      if (run.first > at) continue;
      if (run.term <= term) return at;
      at = (run.first - 1) as LogIndex;
    }
    return this.#base.term <= term ? at : ((this.#base.index - 1) as LogIndex);
  }

  /** Appends `entries` from number `skip` on. */
  append(write: number, entries: readonly EntryHead[], skip: number): void {
    let term = this.lastTerm;
    for (let i = skip; i < entries.length; i++) {
      const entry = entries[i] as EntryHead;
      this.#last = (this.#last + 1) as LogIndex;
      if (entry.term === term) continue;
      assert(entry.term > term, "terms in a log never go back");
      term = entry.term;
      this.#runs.push({ first: this.#last, term });
    }
    this.#remember(write);
  }

  /** Drops the entries from `from` on. */
  truncate(from: LogIndex): void {
    assert(from > this.#base.index && from <= this.#last, "a truncation drops entries of this log");
    const last = (from - 1) as LogIndex;
    this.#last = last;
    const runs = this.#runs;
    while (runs.length > 0 && (runs[runs.length - 1] as Run).first > last) runs.pop();
    if (this.#durable > last) this.#durable = last;
    if (this.#staleTicketAccepted) return;
    const lasts = this.#lasts;
    for (let i = lasts.length - 1; i >= this.#head && (lasts[i] as number) > last; i--)
      lasts[i] = last; // J4
  }

  /**
   * Lets the log begin after `base`; entries above it stay. What they follow must already agree
   * with the base.
   */
  install(write: number, base: LogBase): void {
    if (base.index >= this.#last) {
      this.#runs = [];
      this.#base = base;
      this.#last = base.index;
      this.#remember(write);
    } else {
      assert(this.termAt(base.index) === base.term, "kept entries follow the installed base");
      this.#dropThrough(base);
    }
  }

  /** Committed entries through `base` now live elsewhere, durably. */
  checkpoint(base: LogBase): void {
    assert(this.termAt(base.index) === base.term, "a checkpoint ends at an entry of this log");
    this.#dropThrough(base);
    if (this.#durable < base.index) this.#durable = base.index;
  }

  /** Everything up to `write` is durable. */
  settle(write: number): void {
    const writes = this.#writes;
    let head = this.#head;
    while (head < writes.length && (writes[head] as number) <= write) {
      const last = this.#lasts[head] as LogIndex;
      if (last > this.#durable) this.#durable = last > this.#last ? this.#last : last;
      head++;
    }
    if (head === writes.length) {
      writes.length = 0;
      this.#lasts.length = 0;
      head = 0;
    } else if (head >= 1024 && head * 2 >= writes.length) {
      writes.splice(0, head);
      this.#lasts.splice(0, head);
      head = 0;
    }
    this.#head = head;
  }

  #remember(write: number): void {
    this.#writes.push(write);
    this.#lasts.push(this.#last);
  }

  #dropThrough(base: LogBase): void {
    const kept: Run[] = [];
    const runs = this.#runs;
    for (let i = 0; i < runs.length; i++) {
      const run = runs[i] as Run;
      const end = i + 1 < runs.length ? (runs[i + 1] as Run).first - 1 : this.#last;
      if (end <= base.index) continue;
      kept.push(
        run.first > base.index ? run : { first: (base.index + 1) as LogIndex, term: run.term },
      );
    }
    this.#runs = kept;
    this.#base = base;
  }
}
