// The Entropy port of the host: the operating system's random bytes, fetched a page at a time.
import { randomFillSync } from "node:crypto";
import { assert } from "../base/assert.ts";
import type { Entropy } from "../ports/entropy.ts";

const POOL_WORDS = 1024;
const TWO_32 = 2 ** 32;
const TWO_53 = 2 ** 53;

export class HostEntropy implements Entropy {
  readonly #pool = new Uint32Array(POOL_WORDS);
  #next = POOL_WORDS;

  below(limit: number): number {
    assert(Number.isSafeInteger(limit) && limit >= 1, "the limit of a random number is 1 or more");
    // Draws above the last whole multiple of the limit would favour small results.
    const fair = TWO_53 - (TWO_53 % limit);
    for (;;) {
      const drawn = (this.#word() >>> 11) * TWO_32 + this.#word();
      if (drawn < fair) return drawn % limit;
    }
  }

  fill(into: Uint8Array): void {
    randomFillSync(into);
  }

  #word(): number {
    if (this.#next === POOL_WORDS) {
      randomFillSync(this.#pool);
      this.#next = 0;
    }
    return this.#pool[this.#next++] as number;
  }
}
