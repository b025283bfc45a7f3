// Who leads each group, as gossiped over the broker links. Leadership is no metadata: no record of group 0 says who
// leads (a failover writes none), so every broker keeps this table and orders what it hears by (term, version).
import { assert } from "../base/assert.ts";
import type { BrokerId, GroupId, Term } from "../model/ids.ts";

export interface LeaderRow {
  readonly group: GroupId;
  readonly term: Term;
  /** Null: the leader of `term` is not known, or it resigned. */
  readonly leader: BrokerId | null;
  /** Brokers whose replicas are in sync, as the leader observes (P2). */
  readonly isr: readonly BrokerId[];
  /** Orders what one leader says within its term (P2). */
  readonly version: number;
}

export interface LeaderListener {
  /** `row.leader` or `row.isr` changed. */
  leaderChanged(row: LeaderRow, before: LeaderRow | null): void;
}

export class LeaderTable {
  readonly #rows = new Map<GroupId, LeaderRow>();
  readonly #highest = new Map<GroupId, Term>();
  readonly #listeners = new Set<LeaderListener>();

  /**
   * Takes a row that somebody said. False: it is older than, or the same as, what is known. A higher term always
   * wins; within a term, the higher version.
   */
  accept(row: LeaderRow): boolean {
    this.noteTerm(row.group, row.term);
    const before = this.#rows.get(row.group) ?? null;
    if (before !== null) {
      if (row.term < before.term) return false;
      if (row.term === before.term && row.version <= before.version) return false;
    }
    this.#rows.set(row.group, row);
    for (const listener of this.#listeners) listener.leaderChanged(row, before);
    return true;
  }

  /** A term was seen, led or not. What a deletion record carries (C6) is the highest of these. */
  noteTerm(group: GroupId, term: Term): void {
    const known = this.#highest.get(group);
    if (known === undefined || term > known) this.#highest.set(group, term);
  }

  row(group: GroupId): LeaderRow | null {
    return this.#rows.get(group) ?? null;
  }

  leaderOf(group: GroupId): BrokerId | null {
    return this.#rows.get(group)?.leader ?? null;
  }

  /** The highest term gossiped for the group; 0 when none was. */
  highestTerm(group: GroupId): Term {
    return this.#highest.get(group) ?? (0 as Term);
  }

  /** For gossip to a peer whose link just came up. */
  rows(): IterableIterator<LeaderRow> {
    return this.#rows.values();
  }

  get groupCount(): number {
    return this.#rows.size;
  }

  /** The group no longer exists in the image. Group ids are never reused, so nothing is forgotten that matters. */
  forget(group: GroupId): void {
    this.#rows.delete(group);
    this.#highest.delete(group);
  }

  listen(listener: LeaderListener): () => void {
    assert(!this.#listeners.has(listener), "a listener of the leader table registers once");
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
