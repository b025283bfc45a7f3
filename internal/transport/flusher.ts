// One flush per connection and turn: lanes that queued something are remembered and flushed
// together when the turn ends, or earlier when a caller that runs in a turn end itself asks for it.
import type { Clock } from "../ports/clock.ts";

export interface Flushable {
  /** Invariant: true exactly while the flusher remembers it. */
  dirty: boolean;
  flush(): void;
}

export class Flusher {
  readonly #clock: Clock;
  #dirty: Flushable[] = [];
  #asked = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  mark(one: Flushable): void {
    if (one.dirty) return;
    one.dirty = true;
    this.#dirty.push(one);
    if (this.#asked) return;
    this.#asked = true;
    this.#clock.turnEnd(() => {
      this.#asked = false;
      this.flush();
    });
  }

  flush(): void {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const one of dirty) {
      one.dirty = false;
      one.flush();
    }
  }
}
