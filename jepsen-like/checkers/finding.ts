// What a checker says: the promise that it checked, on how much, and every way in which the promise was broken.

export interface Finding {
  /** A short name, e.g. `lost`. */
  readonly name: string;
  /** The promise, as a sentence. */
  readonly promise: string;
  /** How many things were compared: a check of nothing proves nothing. */
  readonly examined: number;
  readonly violations: number;
  /** The first few, in words. */
  readonly examples: readonly string[];
  /** Where in the history each of them lies; null where no moment is known. */
  readonly places: readonly (Place | null)[];
}

export interface Place {
  readonly atMs: number;
  readonly partition: number;
}

const EXAMPLES_MAX = 10;

/** Counts everything and keeps the words of the first few. */
export class FindingDraft {
  readonly #name: string;
  readonly #promise: string;
  readonly #examples: string[] = [];
  readonly #places: (Place | null)[] = [];
  #examined = 0;
  #violations = 0;

  constructor(name: string, promise: string) {
    this.#name = name;
    this.#promise = promise;
  }

  examined(count = 1): void {
    this.#examined += count;
  }

  violation(words: () => string, place: Place | null = null): void {
    this.#violations++;
    if (this.#examples.length >= EXAMPLES_MAX) return;
    this.#examples.push(words());
    this.#places.push(place);
  }

  all(words: readonly string[]): void {
    for (const text of words) this.violation(() => text);
  }

  finding(): Finding {
    return {
      name: this.#name,
      promise: this.#promise,
      examined: this.#examined,
      violations: this.#violations,
      examples: this.#examples,
      places: this.#places,
    };
  }
}
