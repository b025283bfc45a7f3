// One flush per connection and turn: connections that wrote something are remembered and flushed together when the turn
// ends, so that all answers of a turn leave in one system call each.
import type { Clock } from "../ports/clock.ts";

export interface Flushable {
  /** Invariant: true exactly while the flusher remembers it. */
  isDirty: boolean;
  flush(): void;
}

export class Flusher {
  readonly #clock: Clock;
  #dirty: Flushable[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  mark(one: Flushable): void {
    if (one.isDirty) return;
    one.isDirty = true;
    this.#dirty.push(one);
    if (this.#dirty.length === 1) this.#clock.turnEnd(() => this.#flush());
  }

  #flush(): void {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const one of dirty) {
      one.isDirty = false;
      one.flush();
    }
  }
}
