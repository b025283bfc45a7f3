// What a nemesis has done, as data: when, what, to whom, and each choice that was left open, so that it can be done again,
// and less of it. Choices are numbers from 0 on; a smaller one is a simpler one, as a rule.
import type { FaultKind, MomentFault } from "../plan.ts";
import type { SeededEntropy } from "../world/seeded-entropy.ts";

export type ActionKind = FaultKind | MomentFault;

export interface Action {
  /** Since the first moment at which there could be a fault. */
  readonly atMs: number;
  readonly kind: ActionKind;
  readonly broker: number;
  readonly choices: readonly number[];
}

export type Schedule = readonly Action[];

/** What is left open in one action. */
export class Choices {
  readonly made: number[] = [];
  readonly #next: (limit: number) => number;

  private constructor(next: (limit: number) => number) {
    this.#next = next;
  }

  static drawn(entropy: SeededEntropy): Choices {
    return new Choices((limit) => entropy.below(limit));
  }

  /** The same again; what is not said is 0. */
  static repeated(choices: readonly number[]): Choices {
    let at = 0;
    return new Choices((limit) => Math.min(choices[at++] ?? 0, limit - 1));
  }

  below(limit: number): number {
    const choice = this.#next(limit);
    this.made.push(choice);
    return choice;
  }

  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  chance(permille: number): boolean {
    return this.below(1000) < permille;
  }
}
