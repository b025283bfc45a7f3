// Which topics match the regular expressions of members. A name never changes, so each expression judges it once: when
// topics come or go only the new ones are looked at. All looks of one decision have one budget, so that no client holds the
// event loop; where it does not suffice, the look goes on in the next decision.
import { isInternalTopic } from "../model/internal-topics.ts";
import {
  PATTERN_COMPILE_COST,
  PATTERN_LOOK_COST_MAX,
  PATTERN_TOPIC_COST,
  PATTERNS_MAX,
} from "./limits.ts";
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

const NOTHING_YET: TopicMatch = { names: [], isComplete: false };
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
  /** What the decision that is being made may still take. */
  #left = PATTERN_LOOK_COST_MAX;

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

  /** Another decision begins. */
  refill(): void {
    this.#left = PATTERN_LOOK_COST_MAX;
  }

  /** No names for an expression that is not valid. Internal topics match none. */
  of(expression: string): TopicMatch {
    // Who finds the budget used up leaves no trace, or many of them would push each other out.
    if (this.#left <= 0) return this.#judged.get(expression)?.match ?? NOTHING_YET;
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
    this.#left -= instructions * PATTERN_COMPILE_COST;
    let isComplete = true;
    let topics = 0;
    for (const { name } of this.#catalog.topics()) {
      if (this.#left <= 0) {
        isComplete = false;
        break;
      }
      topics++;
      this.#left -= PATTERN_TOPIC_COST;
      if (isInternalTopic(name)) continue;
      const place = this.#placeOf(name, judged);
      if (judged.verdicts[place] === UNKNOWN) {
        this.#left -= instructions * name.length;
        this.#evaluated++;
        judged.verdicts[place] = matches(name) ? YES : NO;
      }
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
