// A small seeded generator (sfc32), so that one seed makes the same choices again. What the brokers do with them still
// depends on real time: a seed repeats the plan of a run and not the run.

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, stream = "") {
    let hash = 0x811c9dc5;
    for (const letter of `${seed}/${stream}`) {
      hash = Math.imul(hash ^ (letter.codePointAt(0) as number), 0x01000193);
    }
    this.#a = hash;
    this.#b = seed | 0;
    this.#c = 0x9e3779b9;
    for (let k = 0; k < 16; k++) this.#next();
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A fraction in [0, 1). */
  fraction(): number {
    return this.#next() / 2 ** 32;
  }

  /** A whole number in [low, high]. */
  between(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** @throws RangeError for an empty list. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("nothing to pick from");
    return items[this.between(0, items.length - 1)] as T;
  }

  shuffled<T>(items: readonly T[]): T[] {
    const mixed = [...items];
    for (let k = mixed.length - 1; k > 0; k--) {
      const other = this.between(0, k);
      [mixed[k], mixed[other]] = [mixed[other] as T, mixed[k] as T];
    }
    return mixed;
  }
}
