// Which topics match the regular expressions of members. A name never changes, so each expression judges it once: when
// topics come or go only the new ones are looked at. A look has a budget, which expressions that people write never
// exhaust; with one that does, the look goes on at the next one, so that no client holds the event loop.
import { isInternalTopic } from "../model/internal-topics.ts";
import { PATTERN_LOOK_COST_MAX, PATTERNS_MAX } from "./limits.ts";
import type { TopicCatalog } from "./topic-catalog.ts";
import { topicPattern } from "./topic-pattern.ts";

export interface TopicMatch {
  readonly names: readonly string[];
  /** False: some topics have not been looked at yet. */
  readonly isComplete: boolean;
}

interface Judged {
  /** Of each name, by its place: whether it matches. */
  verdicts: Uint8Array;
  /** Of the topics as they are now; null: not known. */
  match: TopicMatch | null;
}

const UNKNOWN = 0;
const NO = 1;
const YES = 2;

export class TopicMatches {
  readonly #catalog: TopicCatalog;
  /** By expression, those that were asked for least recently first. */
  readonly #judged = new Map<string, Judged>();
  /** Names that have been seen, topics that are gone among them, each with its place in the verdicts. */
  readonly #places = new Map<string, number>();
  #evaluated = 0;

  constructor(catalog: TopicCatalog) {
    this.#catalog = catalog;
  }

  /** How many times an expression was held against a name. */
  get evaluated(): number {
    return this.#evaluated;
  }

  /** Topics have come or gone. */
  changed(): void {
    for (const judged of this.#judged.values()) judged.match = null;
  }

  /** No names for an expression that is not valid. Internal topics match none. */
  of(expression: string): TopicMatch {
    const judged = this.#recent(expression);
    if (judged.match?.isComplete === true) return judged.match;
    return (judged.match = this.#look(expression, judged));
  }

  #recent(expression: string): Judged {
    const judged = this.#judged.get(expression) ?? { verdicts: new Uint8Array(0), match: null };
    this.#judged.delete(expression);
    this.#judged.set(expression, judged);
    if (this.#judged.size > PATTERNS_MAX) {
      const [oldest = expression] = this.#judged.keys();
      this.#judged.delete(oldest);
    }
    return judged;
  }

  #look(expression: string, judged: Judged): TopicMatch {
    const names: string[] = [];
    const pattern = topicPattern(expression);
    if (!pattern.ok) return { names, isComplete: true };
    const { instructions, matches } = pattern.value;
    let left = PATTERN_LOOK_COST_MAX;
    let isComplete = true;
    let topics = 0;
    for (const { name } of this.#catalog.topics()) {
      topics++;
      if (isInternalTopic(name)) continue;
      const place = this.#placeOf(name, judged);
      if (judged.verdicts[place] === UNKNOWN && left > 0) {
        left -= instructions * name.length;
        this.#evaluated++;
        judged.verdicts[place] = matches(name) ? YES : NO;
      }
      if (judged.verdicts[place] === UNKNOWN) isComplete = false;
      if (judged.verdicts[place] === YES) names.push(name);
    }
    // Topics that are gone would gather for ever. Forgetting all is simple, and rare.
    if (isComplete && this.#places.size > 2 * topics + 1) this.#forget();
    return { names, isComplete };
  }

  #placeOf(name: string, judged: Judged): number {
    const place = this.#places.get(name) ?? this.#places.size;
    if (place === this.#places.size) this.#places.set(name, place);
    if (place >= judged.verdicts.length) {
      const grown = new Uint8Array(2 * place + 16);
      grown.set(judged.verdicts);
      judged.verdicts = grown;
    }
    return place;
  }

  #forget(): void {
    this.#places.clear();
    for (const judged of this.#judged.values()) judged.verdicts = new Uint8Array(0);
  }
}
