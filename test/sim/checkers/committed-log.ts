// The one log of a group that all its replicas agree on: what was committed first at an index stays there, at every
// replica, for ever (N2 to N4). Everything that is said to clients is held against it.
import type { GroupId, LogIndex, Offset, Term } from "../../../internal/model/ids.ts";
import { ENTRY_BATCH } from "../../../internal/raft/entry.ts";
import type { Verdict } from "./verdict.ts";

export interface CommittedEntry {
  readonly term: Term;
  readonly kind: number;
  /** Kafka's checksum for a batch. */
  readonly checksum: number;
  readonly baseOffset: Offset;
  readonly recordCount: number;
}

export interface CommittedBatch extends CommittedEntry {
  readonly index: LogIndex;
}

/** What a replica has at an index: its term, or null when it lies outside of its log. */
export type TermAt = (index: LogIndex) => Term | null;

export class CommittedLog {
  readonly group: GroupId;
  readonly #verdict: Verdict;
  readonly #entries: CommittedEntry[] = [];
  readonly #batches: CommittedBatch[] = [];
  readonly #byOffset = new Map<number, CommittedBatch>();
  /** Of each leader's term, the highest index that it committed. */
  readonly #heads = new Map<Term, LogIndex>();
  #end = 0;
  /** Its only copy lost something: what was committed may be gone, and something else in its place. */
  isForgiven = false;
  /** Told of every batch, once, in log order. */
  onBatch: (batch: CommittedBatch) => void = () => {};

  constructor(group: GroupId, verdict: Verdict) {
    this.group = group;
    this.#verdict = verdict;
  }

  get last(): LogIndex {
    return this.#entries.length as LogIndex;
  }

  /** First offset that nobody has committed. */
  get end(): Offset {
    return this.#end as Offset;
  }

  get batches(): readonly CommittedBatch[] {
    return this.#batches;
  }

  entry(index: LogIndex): CommittedEntry | undefined {
    return this.#entries[index - 1];
  }

  batchAt(baseOffset: number): CommittedBatch | undefined {
    return this.#byOffset.get(baseOffset);
  }

  /** The batch that holds an offset. */
  batchOf(offset: number): CommittedBatch | undefined {
    let low = 0;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const batch = this.#batches[middle] as CommittedBatch;
      if (batch.baseOffset + batch.recordCount <= offset) low = middle + 1;
      else high = middle;
    }
    return this.#batches[low];
  }

  holds(index: LogIndex, term: Term): boolean {
    return this.#entries[index - 1]?.term === term;
  }

  /** A replica says that `entry` is committed at `index`. Each replica says so in the order of the log. */
  committed(who: string, index: LogIndex, entry: CommittedEntry): void {
    if (this.isForgiven) return;
    const known = this.#entries[index - 1];
    if (known === undefined) {
      if (index !== this.#entries.length + 1) {
        this.#wrong(who, index, `leaves a gap behind index ${this.#entries.length}`);
      } else this.#append(index, entry, who);
      return;
    }
    const isSame =
      known.term === entry.term &&
      known.kind === entry.kind &&
      known.checksum === entry.checksum &&
      known.baseOffset === entry.baseOffset &&
      known.recordCount === entry.recordCount;
    if (!isSame)
      this.#wrong(who, index, `${JSON.stringify(known)} against ${JSON.stringify(entry)}`);
  }

  /** A leader of `term` moved its commit index to `index`. */
  leaderCommitted(term: Term, index: LogIndex): void {
    if ((this.#heads.get(term) ?? 0) < index) this.#heads.set(term, index);
  }

  /** A leader of `term` has this log; it must hold whatever leaders of earlier terms committed. */
  leads(who: string, term: Term, termAt: TermAt): void {
    if (this.isForgiven) return;
    for (const [earlier, index] of this.#heads) {
      if (earlier >= term) continue;
      const expected = this.#entries[index - 1]?.term;
      if (expected === undefined || termAt(index) === expected) continue;
      const detail =
        `group ${this.group}: ${who} leads term ${term} with term ${termAt(index)} at index ${index}, ` +
        `where a leader of term ${earlier} committed an entry of term ${expected}`;
      this.#verdict.report("leaders hold what is committed", detail);
    }
  }

  #append(index: LogIndex, entry: CommittedEntry, who: string): void {
    this.#entries.push(entry);
    if (entry.kind !== ENTRY_BATCH) return;
    if (entry.baseOffset !== this.#end) {
      this.#wrong(who, index, `begins at offset ${entry.baseOffset} and not at ${this.#end}`);
    }
    const batch = { ...entry, index };
    this.#batches.push(batch);
    this.#byOffset.set(entry.baseOffset, batch);
    this.#end = entry.baseOffset + entry.recordCount;
    this.onBatch(batch);
  }

  #wrong(who: string, index: LogIndex, what: string): void {
    const detail = `group ${this.group} index ${index} at ${who}: ${what}`;
    this.#verdict.report("committed entries do not change", detail);
  }
}
