// What one replica keeps of its group, as a driver would: the memory image at once, the disk image
// when a write becomes durable. Both are made by the same writes, so that a restart from the disk
// image is a replay.
import { assert } from "../../internal/base/assert.ts";
import type { LogIndex, ReplicaId, Term } from "../../internal/model/ids.ts";
import type { Configuration } from "../../internal/raft/configuration.ts";
import type { Effect } from "../../internal/raft/effect.ts";
import type { EntryHead, LogBase } from "../../internal/raft/entry.ts";
import type { Boot, Standing } from "../../internal/raft/event.ts";

/** An entry with a payload that names it: two entries with one payload were proposed once. */
export interface StoredEntry {
  readonly head: EntryHead;
  readonly payload: number;
}

type WriteEffect = Extract<Effect, { readonly write: number }>;

/** A write effect with the payloads of what it appends. */
export interface Write {
  readonly effect: WriteEffect;
  readonly payloads: readonly number[];
}

export class Store {
  term = 0 as Term;
  vote: ReplicaId | 0 = 0;
  base: LogBase = { index: 0 as LogIndex, term: 0 as Term };
  baseConfiguration: Configuration;
  /** The entries after the base. */
  entries: StoredEntry[] = [];

  constructor(configuration: Configuration) {
    this.baseConfiguration = configuration;
  }

  get last(): number {
    return this.base.index + this.entries.length;
  }

  at(index: number): StoredEntry | null {
    return this.entries[index - this.base.index - 1] ?? null;
  }

  termAt(index: number): number | null {
    return index === this.base.index ? this.base.term : (this.at(index)?.head.term ?? null);
  }

  apply({ effect, payloads }: Write): void {
    switch (effect.do) {
      case "append":
        assert(effect.first === this.last + 1, "an append continues the log");
        assert(effect.entries.length === payloads.length, "every entry has its payload");
        effect.entries.forEach((head, at) => {
          this.entries.push({ head, payload: payloads[at] as number });
        });
        break;
      case "truncate":
        assert(effect.from > this.base.index && effect.from <= this.last, "it drops something");
        this.entries.length = effect.from - this.base.index - 1;
        break;
      case "hard-state":
        this.term = effect.term;
        this.vote = effect.vote;
        break;
      case "install-base":
        // A checkpoint that was faster than this write has gone further already.
        if (effect.base.index <= this.base.index) break;
        this.entries.splice(0, effect.base.index - this.base.index);
        this.base = effect.base;
        this.baseConfiguration = effect.configuration;
        break;
    }
  }

  checkpoint(base: LogBase): void {
    assert(this.termAt(base.index) === base.term, "a checkpoint ends at an entry of the log");
    for (const { head } of this.entries.splice(0, base.index - this.base.index)) {
      if (head.configuration !== null) this.baseConfiguration = head.configuration;
    }
    this.base = base;
  }

  boot(self: ReplicaId, standing: Standing): Boot {
    const { base, entries } = this;
    const runs: { first: LogIndex; term: Term }[] = [];
    const configurations = [{ index: base.index, configuration: this.baseConfiguration }];
    entries.forEach(({ head }, at) => {
      const index = (base.index + 1 + at) as LogIndex;
      if (head.term !== (runs.at(-1)?.term ?? base.term))
        runs.push({ first: index, term: head.term });
      else if (at === 0) runs.push({ first: index, term: head.term });
      const { configuration } = head;
      if (configuration !== null) configurations.push({ index, configuration });
    });
    const last = this.last as LogIndex;
    return { self, term: this.term, vote: this.vote, base, runs, last, configurations, standing };
  }
}
