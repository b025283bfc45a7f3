// What one data directory is certain to hold after any crash: the records of the journal batches that the device has
// reported as written, replayed. It knows nothing of how the journal stores or reads them, so it can tell whether a
// promise outran its write, and whether recovery brought back everything and nothing else.
import type { GroupId, LogIndex, ReplicaId, Term } from "../../../internal/model/ids.ts";
import type { LogEnd } from "../../../internal/raft/state.ts";
import type { RecordHeader } from "../../../internal/record/record.ts";

/** One group of a directory. Entries begin after `base`. */
export class DurableGroup {
  readonly replica: ReplicaId;
  term = 0 as Term;
  vote = 0 as ReplicaId;
  base = 0;
  baseTerm = 0 as Term;
  terms: Term[] = [];
  sums: number[] = [];

  constructor(replica: ReplicaId) {
    this.replica = replica;
  }

  get last(): LogIndex {
    return (this.base + this.terms.length) as LogIndex;
  }

  termAt(index: LogIndex): Term | null {
    if (index === this.base) return this.baseTerm;
    return this.terms[index - this.base - 1] ?? null;
  }

  sumAt(index: LogIndex): number | null {
    return this.sums[index - this.base - 1] ?? null;
  }

  keepUpTo(index: number): void {
    const count = Math.max(0, index - this.base);
    if (count >= this.terms.length) return;
    this.terms.length = count;
    this.sums.length = count;
  }

  copy(): DurableGroup {
    const copy = new DurableGroup(this.replica);
    copy.term = this.term;
    copy.vote = this.vote;
    copy.base = this.base;
    copy.baseTerm = this.baseTerm;
    copy.terms = this.terms.slice();
    copy.sums = this.sums.slice();
    return copy;
  }
}

/** Groups, and the index and the term of their last entry. */
export type LogEnds = readonly (readonly [GroupId, LogIndex, Term | null])[];

/** A group as a start found it. */
export interface FoundGroup {
  readonly group: GroupId;
  readonly replica: ReplicaId;
  readonly term: Term;
  readonly vote: ReplicaId | 0;
  readonly base: LogIndex;
  readonly last: LogIndex;
  termAt(index: LogIndex): Term | null;
  sumAt(index: LogIndex): number;
}

interface Pending {
  readonly ticket: number;
  readonly header: RecordHeader;
}

export class DurableLog {
  /** A replica that was dropped here is made again: it has forgotten for whom it voted (F5). */
  readonly #remade: (group: GroupId, replica: ReplicaId) => void;
  groups = new Map<GroupId, DurableGroup>();
  /** Every term that was ever durable at an index of a group, for promises that are still under way. */
  readonly #history = new Map<GroupId, Map<number, Term | Term[]>>();
  #pending: Pending[] = [];
  /** The last batch that is on the platter. */
  durableTicket = 0;
  /** A write that a crash interrupted: it may have survived. */
  #doubtful: Pending[] = [];
  doubtfulTicket = 0;

  /** Pairs of start and ticket that were given to a write, whatever became of it; a backup does not take one back (D3). */
  readonly #given = new Set<string>();
  #dropped = new Set<string>();

  constructor(remade: (group: GroupId, replica: ReplicaId) => void) {
    this.#remade = remade;
  }

  /** A write is about to begin; false: its number was used before. */
  issued(start: number, ticket: number): boolean {
    const pair = `${start}/${ticket}`;
    if (this.#given.has(pair)) return false;
    this.#given.add(pair);
    return true;
  }

  /** A record joined the batch of `ticket`. */
  appended(ticket: number, header: RecordHeader): void {
    this.#pending.push({ ticket, header: { ...header } });
  }

  /** The batch of `ticket` is on the platter. */
  durable(ticket: number): void {
    this.durableTicket = ticket;
    let count = 0;
    for (const { ticket: of, header } of this.#pending) {
      if (of > ticket) break;
      count++;
      this.#apply(header);
    }
    this.#pending.splice(0, count);
  }

  /** The process is gone while the batch of `inFlight` was being written; 0: none was. */
  crashed(inFlight: number): void {
    this.#doubtful = this.#pending.filter(({ ticket }) => ticket === inFlight);
    this.doubtfulTicket = inFlight;
    this.#pending = [];
  }

  /** Recovery said that the doubtful write survived, or that it did not. */
  settle(survived: boolean): void {
    if (survived) {
      for (const { header } of this.#doubtful) this.#apply(header);
      this.durableTicket = this.doubtfulTicket;
    }
    this.#doubtful = [];
    this.doubtfulTicket = 0;
  }

  group(group: GroupId): DurableGroup | null {
    return this.groups.get(group) ?? null;
  }

  /** Whether the entry was durable here at some time. */
  everHeld(group: GroupId, index: LogIndex, term: Term): boolean {
    const known = this.#history.get(group)?.get(index);
    return typeof known === "object" ? known.includes(term) : known === term;
  }

  end(of: GroupId): LogEnd | null {
    const group = this.group(of);
    if (group === null) return null;
    return { lastIndex: group.last, lastTerm: group.termAt(group.last) ?? group.baseTerm };
  }

  /** What is there of a group is what it holds from now on. */
  adopt(found: FoundGroup): void {
    const held = new DurableGroup(found.replica);
    held.term = found.term;
    held.vote = found.vote as ReplicaId;
    held.base = found.base;
    held.baseTerm = found.termAt(found.base) ?? (0 as Term);
    for (let at = found.base + 1; at <= found.last; at++) {
      const index = at as LogIndex;
      held.terms.push(found.termAt(index) ?? (0 as Term));
      held.sums.push(found.sumAt(index));
    }
    this.groups.set(found.group, held);
  }

  /** Where each log ends. Null: a write is in doubt. */
  ends(): LogEnds | null {
    if (this.doubtfulTicket !== 0) return null;
    return [...this.groups].map(([id, group]) => [id, group.last, group.termAt(group.last)]);
  }

  /** Has what a log that ends so has. */
  holds([group, index, term]: LogEnds[number]): boolean {
    const own = this.group(group);
    if (own === null) return false;
    // One that begins later has everything before its base.
    return index < own.base || own.termAt(index) === term;
  }

  /** What a backup of the disk holds now, to be put back by `restore`. */
  snapshot(): () => void {
    const groups = new Map([...this.groups].map(([id, group]) => [id, group.copy()]));
    const { durableTicket, doubtfulTicket } = this;
    const doubtful = this.#doubtful;
    const dropped = new Set(this.#dropped);
    return () => {
      this.#dropped = new Set(dropped);
      this.groups = new Map([...groups].map(([id, group]) => [id, group.copy()]));
      this.durableTicket = durableTicket;
      this.doubtfulTicket = doubtfulTicket;
      this.#doubtful = doubtful;
      this.#pending = [];
    };
  }

  #apply(header: RecordHeader): void {
    const { type, term, index } = header;
    switch (type) {
      case "append": {
        const group = this.#of(header);
        group.keepUpTo(index - 1);
        group.terms.push(term);
        group.sums.push(header.checksum);
        if (term > group.term) {
          group.term = term;
          group.vote = 0 as ReplicaId;
        }
        this.#remember(header.group, index, term);
        return;
      }
      case "truncate":
        this.groups.get(header.group)?.keepUpTo(index);
        return;
      case "hard-state": {
        const group = this.#of(header);
        group.term = term;
        group.vote = header.vote;
        return;
      }
      case "configuration":
        this.#of(header);
        return;
      case "install-base": {
        const group = this.#of(header);
        const keeps = group.termAt(index) === term;
        const kept = keeps ? index - group.base : group.terms.length;
        group.terms.splice(0, kept);
        group.sums.splice(0, kept);
        group.base = index;
        group.baseTerm = term;
        this.#remember(header.group, index, term);
        return;
      }
      case "drop-group":
        this.#drop(header.group);
        return;
      default:
        return; // the journal's own, and copies of what is known
    }
  }

  #drop(group: GroupId): void {
    const known = this.groups.get(group);
    if (known !== undefined) this.#dropped.add(`${group}/${known.replica}`);
    this.groups.delete(group);
  }

  #of({ group, replica }: RecordHeader): DurableGroup {
    const known = this.groups.get(group);
    if (known !== undefined && known.replica === replica) return known;
    if (this.#dropped.has(`${group}/${replica}`)) this.#remade(group, replica);
    const made = new DurableGroup(replica);
    this.groups.set(group, made);
    return made;
  }

  #remember(group: GroupId, index: LogIndex, term: Term): void {
    let terms = this.#history.get(group);
    if (terms === undefined) this.#history.set(group, (terms = new Map()));
    const known = terms.get(index);
    if (known === undefined) terms.set(index, term);
    else if (typeof known === "object") known.push(term);
    else if (known !== term) terms.set(index, [known, term]);
  }
}
