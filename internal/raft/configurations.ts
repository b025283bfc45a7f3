// The configurations that the log holds: the one at its base and each one appended since. The
// newest is in force from the moment it is appended, and stops being so when it is truncated (F9).
import { assert } from "../base/assert.ts";
import type { LogIndex, ReplicaId } from "../model/ids.ts";
import type { Configuration } from "./configuration.ts";
import { ENTRY_CONFIGURATION } from "./entry.ts";
import type { EntryHead } from "./entry.ts";
import type { Boot } from "./event.ts";

interface Placed {
  readonly index: LogIndex;
  readonly configuration: Configuration;
}

export class Configurations {
  /** Oldest first, never empty. */
  #placed: Placed[];

  constructor(placed: Boot["configurations"]) {
    assert(placed.length > 0, "a replica starts with a configuration");
    this.#placed = [...placed];
  }

  get inForce(): Configuration {
    return this.#newest.configuration;
  }

  /** Where the configuration in force stands in the log. */
  get index(): LogIndex {
    return this.#newest.index;
  }

  /** The configuration that was in force at `index`, which is not below the log's base. */
  at(index: LogIndex): Configuration {
    for (let i = this.#placed.length - 1; i >= 0; i--) {
      const placed = this.#placed[i] as Placed;
      if (placed.index <= index) return placed.configuration;
    }
    assert(false, "the configuration at the base is known");
  }

  /** Notes the configurations among `entries` from number `skip` on; says whether there was one. */
  append(first: LogIndex, entries: readonly EntryHead[], skip: number): boolean {
    let found = false;
    for (let i = skip; i < entries.length; i++) {
      const entry = entries[i] as EntryHead;
      if (entry.kind !== ENTRY_CONFIGURATION) continue;
      assert(entry.configuration !== null, "a configuration entry carries its configuration");
      this.#placed.push({
        index: (first + i - skip) as LogIndex,
        configuration: entry.configuration,
      });
      found = true;
    }
    return found;
  }

  /** Whether the configuration at `index` is known, or stands below the base. */
  knows(index: LogIndex): boolean {
    return (
      index <= (this.#placed[0] as Placed).index ||
      this.#placed.some((placed) => placed.index === index)
    );
  }

  /** Puts in what the log holds at `index`; says whether it is in force now. */
  restore(index: LogIndex, configuration: Configuration): boolean {
    const { inForce } = this;
    this.#placed.push({ index, configuration });
    this.#placed.sort((a, b) => a.index - b.index);
    return inForce !== this.inForce;
  }

  /** Forgets those at or after `from`; says whether there was one. */
  truncate(from: LogIndex): boolean {
    const before = this.#placed.length;
    while (this.#newest.index >= from) {
      this.#placed.pop();
      assert(this.#placed.length > 0, "the configuration at the base is never truncated");
    }
    return this.#placed.length < before;
  }

  /** The log now begins after `index`, where `configuration` was in force. */
  install(index: LogIndex, configuration: Configuration): void {
    this.#placed = [
      { index, configuration },
      ...this.#placed.filter((placed) => placed.index > index),
    ];
  }

  checkpoint(index: LogIndex): void {
    this.install(index, this.at(index));
  }

  isVoter(id: ReplicaId): boolean {
    const { voters, votersOutgoing } = this.inForce;
    return voters.includes(id) || votersOutgoing.includes(id);
  }

  isLearner(id: ReplicaId): boolean {
    return this.inForce.learners.includes(id) && !this.isVoter(id);
  }

  get #newest(): Placed {
    return this.#placed[this.#placed.length - 1] as Placed;
  }
}
