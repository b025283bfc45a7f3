import { describe, expect, it } from "vitest";
import type { TopicId } from "../model/ids.ts";
import { PATTERNS_MAX } from "./limits.ts";
import type { CatalogTopic, TopicCatalog } from "./topic-catalog.ts";
import { TopicMatches } from "./topic-matches.ts";

class Catalog implements TopicCatalog {
  readonly #topics = new Map<string, CatalogTopic>();

  constructor(...names: readonly string[]) {
    for (const name of names) this.add(name);
  }

  add(name: string): void {
    this.#topics.set(name, { topicId: name as TopicId, name, partitions: [] });
  }

  remove(name: string): void {
    this.#topics.delete(name);
  }

  topicNamed(name: string): CatalogTopic | null {
    return this.#topics.get(name) ?? null;
  }

  isGone(): boolean {
    return false;
  }

  topic(topicId: TopicId): CatalogTopic | null {
    return this.topicNamed(topicId);
  }

  topics(): Iterable<CatalogTopic> {
    return this.#topics.values();
  }
}

describe("TopicMatches", () => {
  it("holds an expression against each name once, whatever comes and goes", () => {
    const catalog = new Catalog("a1", "a2", "b1");
    const matches = new TopicMatches(catalog);
    expect(matches.of("a.*").names).toEqual(["a1", "a2"]);
    expect(matches.of("a.*").names).toEqual(["a1", "a2"]);
    expect(matches.evaluated).toBe(3);
    catalog.add("a3");
    expect(matches.of("a.*").names).toEqual(["a1", "a2"]);
    matches.changed();
    expect(matches.of("a.*").names).toEqual(["a1", "a2", "a3"]);
    expect(matches.evaluated).toBe(4);
    catalog.remove("a1");
    matches.changed();
    expect(matches.of("a.*").names).toEqual(["a2", "a3"]);
    expect(matches.evaluated).toBe(4);
  });

  it("internal topics match nothing, and expressions that are not valid match nothing", () => {
    const matches = new TopicMatches(new Catalog("__consumer_offsets", "mine"));
    expect(matches.of(".*")).toEqual({ names: ["mine"], isComplete: true });
    expect(matches.of("(")).toEqual({ names: [], isComplete: true });
  });

  it("names of topics that are gone are forgotten, and judged again if they come back", () => {
    const catalog = new Catalog("stays");
    const matches = new TopicMatches(catalog);
    for (let round = 0; round < 100; round++) {
      catalog.add(`goes-${round}`);
      matches.changed();
      expect(matches.of(".*-.*").names).toEqual([`goes-${round}`]);
      catalog.remove(`goes-${round}`);
      matches.changed();
      expect(matches.of(".*-.*").names).toEqual([]);
    }
    catalog.add("goes-0");
    matches.changed();
    expect(matches.of(".*-.*").names).toEqual(["goes-0"]);
    expect(matches.of("stays").names).toEqual(["stays"]);
  });

  it("a hostile expression takes several looks, none of them longer than its budget", () => {
    const names = Array.from({ length: 5_000 }, (_, at) => `${"ab".repeat(117)}-${at}`);
    const matches = new TopicMatches(new Catalog(...names));
    const hostile = "(a|b)*a(a|b){21}-.*";
    let looks = 0;
    for (let before = 0, isComplete = false; !isComplete; before = matches.evaluated) {
      matches.refill();
      ({ isComplete } = matches.of(hostile));
      expect(matches.evaluated - before).toBeLessThan(300);
      looks++;
    }
    expect(looks).toBeGreaterThan(17);
    expect(matches.of(hostile).names).toEqual(names);
    expect(matches.evaluated).toBe(names.length);
  });

  it("many hostile expressions take no longer than one, and all come to an end", () => {
    const names = Array.from({ length: 400 }, (_, at) => `${"ab".repeat(117)}-${at}`);
    const matches = new TopicMatches(new Catalog(...names));
    const hostile = Array.from({ length: PATTERNS_MAX + 10 }, (_, at) => `(a|b)*a(a|b){21}-${at}`);
    const open = new Set(hostile);
    for (let looks = 0; open.size > 0; looks++) {
      expect(looks).toBeLessThan(5 * hostile.length);
      const before = matches.evaluated;
      matches.refill();
      // What is complete is remembered by those who asked.
      for (const each of open) if (matches.of(each).isComplete) open.delete(each);
      expect(matches.evaluated - before).toBeLessThan(300);
    }
  });

  it("remembers a bounded number of expressions, the latest ones", () => {
    const matches = new TopicMatches(new Catalog("a"));
    for (let each = 0; each <= PATTERNS_MAX; each++) {
      matches.refill();
      matches.of(`a{${each}}`);
    }
    matches.refill();
    expect(matches.evaluated).toBe(PATTERNS_MAX + 1);
    matches.of(`a{${PATTERNS_MAX}}`);
    matches.of("a{1}");
    expect(matches.evaluated).toBe(PATTERNS_MAX + 1);
    matches.of("a{0}");
    expect(matches.evaluated).toBe(PATTERNS_MAX + 2);
  });
});
