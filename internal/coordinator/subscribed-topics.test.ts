import { expect, it } from "vitest";
import type { TopicId } from "../model/ids.ts";
import { SubscribedTopics } from "./subscribed-topics.ts";
import type { CatalogTopic, TopicCatalog } from "./topic-catalog.ts";

/** Topics by name with their numbers of partitions; counts what it is asked. */
class Catalog implements TopicCatalog {
  readonly partitions = new Map<string, number>();
  asked = 0;

  constructor(partitions: Readonly<Record<string, number>>) {
    for (const [name, count] of Object.entries(partitions)) this.partitions.set(name, count);
  }

  topicNamed(name: string): CatalogTopic | null {
    this.asked++;
    const length = this.partitions.get(name);
    return length === undefined ? null : { topicId: idOf(name), name, partitions: { length } };
  }

  isGone(): boolean {
    return false;
  }

  topic(): CatalogTopic | null {
    return null;
  }

  *topics(): Iterable<CatalogTopic> {
    for (const [name, length] of this.partitions) {
      yield { topicId: idOf(name), name, partitions: { length } };
    }
  }
}

function idOf(name: string): TopicId {
  return `id-of-${name}` as TopicId;
}

function reader(...topics: readonly string[]) {
  return { topics, regex: null };
}

it("equal subscriptions are one object, found once, until topics change", () => {
  const catalog = new Catalog({ b: 1, a: 2 });
  const subscribed = new SubscribedTopics(catalog);
  const members = Array.from({ length: 50 }, () => reader("b", "a", "missing"));
  const [first] = members.map((member) => subscribed.of(member));
  expect(first?.topicIds).toEqual([idOf("a"), idOf("b")]);
  for (const member of members) expect(subscribed.of(member)).toBe(first);
  expect(subscribed.ofAll(members)).toBe(first);
  expect(catalog.asked).toBe(3);
  catalog.partitions.set("missing", 7);
  expect(subscribed.of(members[0]!)).toBe(first);
  subscribed.changed();
  expect(subscribed.of(members[0]!).topicIds).toEqual([idOf("a"), idOf("b"), idOf("missing")]);
});

it("a group subscribes to what any of its members does, by name or by expression", () => {
  const subscribed = new SubscribedTopics(new Catalog({ a1: 1, a2: 1, b: 1, c: 1 }));
  const members = [reader("b"), { topics: ["a1"], regex: "a." }, { topics: [], regex: "(" }];
  expect([...subscribed.ofAll(members).topics.keys()]).toEqual(["b", "a1", "a2"]);
  expect([...subscribed.ofAll([]).topics.keys()]).toEqual([]);
});

it("names that only look like an expression, or like two names, are another subscription", () => {
  const subscribed = new SubscribedTopics(new Catalog({ a: 1, b: 1, "a,b": 1, "a.": 1 }));
  const ids = (member: Parameters<SubscribedTopics["of"]>[0]) => subscribed.of(member).topicIds;
  expect(ids(reader("a", "b"))).toEqual([idOf("a"), idOf("b")]);
  expect(ids(reader("a,b"))).toEqual([idOf("a,b")]);
  expect(ids(reader("a."))).toEqual([idOf("a.")]);
  expect(ids({ topics: [], regex: "a." })).toEqual([idOf("a.")]);
});

it("the hash tells topics that came, went or grew, and not in which order somebody names them", () => {
  const catalog = new Catalog({ a: 1, b: 1 });
  const subscribed = new SubscribedTopics(catalog);
  const hashOf = (members: readonly ReturnType<typeof reader>[]) =>
    subscribed.hashOf(subscribed.ofAll(members).topics);
  const both = hashOf([reader("a", "b")]);
  expect(hashOf([reader("b"), reader("a")])).toBe(both);
  expect(hashOf([reader("a")])).not.toBe(both);
  expect(both).not.toBe(0);
  const { version } = subscribed;
  catalog.partitions.set("b", 2);
  subscribed.changed();
  expect(subscribed.version).toBeGreaterThan(version);
  expect(hashOf([reader("a", "b")])).not.toBe(both);
});

it("while an expression has topics left to look at, the version grows and nothing is remembered", () => {
  const names = Array.from({ length: 2_000 }, (_, at) => `${"ab".repeat(117)}-${at}`);
  const subscribed = new SubscribedTopics(
    new Catalog(Object.fromEntries(names.map((name) => [name, 1]))),
  );
  const member = { topics: [], regex: "(a|b)*a(a|b){21}-.*" };
  let looks = 0;
  for (let before = -1; subscribed.version !== before; looks++) {
    before = subscribed.version;
    const { isComplete } = subscribed.ofAll([member]);
    expect(isComplete).toBe(subscribed.version === before);
  }
  expect(looks).toBeGreaterThan(5);
  expect(subscribed.of(member).topics.size).toBe(names.length);
});
