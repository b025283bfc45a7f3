// Randomness from a seed. Every stream is a pure function of (seed, stream name, counter), so that
// removing one consumer of randomness, a fault for example, does not shift what the others draw.
import type { Entropy } from "../../../internal/ports/entropy.ts";
import { assert } from "../../../internal/base/assert.ts";

const TWO_32 = 0x1_0000_0000;
const TWO_53 = 0x20_0000_0000_0000;

/** One named stream of the seed. */
export class SeededEntropy implements Entropy {
  readonly #keyA: number;
  readonly #keyB: number;
  #counter = 0;

  constructor(seed: number, stream: string) {
    assert(Number.isSafeInteger(seed), "a seed is a safe integer");
    const low = seed >>> 0;
    const high = Math.floor(seed / TWO_32) | 0;
    const name = textHash(stream);
    this.#keyA = scramble(low ^ scramble(name ^ 0x51ed270b));
    this.#keyB = scramble(high ^ scramble(this.#keyA + 0x9e3779b9) ^ name);
  }

  /** 32 uniformly distributed bits, as an unsigned number. */
  bits(): number {
    const count = this.#counter++;
    const inner = scramble((count >>> 0) ^ this.#keyA);
    return scramble(inner + this.#keyB + Math.floor(count / TWO_32)) >>> 0;
  }

  below(limit: number): number {
    assert(Number.isSafeInteger(limit) && limit >= 1, "the limit of a random number is 1 or more");
    const fraction = ((this.bits() >>> 11) * TWO_32 + this.bits()) / TWO_53;
    return Math.floor(fraction * limit);
  }

  /** A uniformly distributed integer in [least, most]. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** True in `permille` of a thousand draws. Always draws, so that a rate can change without a shift. */
  chance(permille: number): boolean {
    return this.below(1000) < permille;
  }

  fill(into: Uint8Array): void {
    let word = 0;
    for (let at = 0; at < into.length; at++) {
      if ((at & 3) === 0) word = this.bits();
      into[at] = word & 0xff;
      word >>>= 8;
    }
  }
}

/** Mixes 32 bits so that every input bit changes about half of the output bits. */
export function scramble(bits: number): number {
  let mixed = bits | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return mixed ^ (mixed >>> 15);
}

/** A 32-bit hash of a short text. */
export function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return scramble(hash);
}

/** How long something takes: uniform in [minUs, maxUs], and in `tailPermille` up to `tailUsMax` more. */
export interface Latency {
  readonly minUs: number;
  readonly maxUs: number;
  readonly tailPermille: number;
  readonly tailUsMax: number;
}

/** Draws one latency, at least 1 µs: nothing in the simulated world takes no time. */
export function drawLatencyUs(latency: Latency, entropy: SeededEntropy): number {
  let delayUs = entropy.between(latency.minUs, latency.maxUs);
  if (entropy.chance(latency.tailPermille)) delayUs += entropy.below(latency.tailUsMax + 1);
  return Math.max(1, delayUs);
}
