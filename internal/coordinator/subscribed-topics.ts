// What members of consumer groups subscribe to, of the topics that there are now: by name, and by regular expressions,
// which are held against each topic once. A hash says whether anything has changed for a group.
import { crc32c } from "../bytes/crc32c.ts";
import type { ConsumerMember } from "./consumer-member.ts";
import type { CatalogTopic, TopicCatalog } from "./topic-catalog.ts";
import { TopicMatches } from "./topic-matches.ts";

type Topics = ReadonlyMap<string, CatalogTopic>;

const encoder = new TextEncoder();
const COUNT_SPAN = 1 << 20;

export class SubscribedTopics {
  readonly #catalog: TopicCatalog;
  readonly #matches: TopicMatches;
  #version = 0;

  constructor(catalog: TopicCatalog) {
    this.#catalog = catalog;
    this.#matches = new TopicMatches(catalog);
  }

  /** Grows whenever a topic comes, goes or grows, and while expressions have topics left to look at. */
  get version(): number {
    return this.#version;
  }

  get catalog(): TopicCatalog {
    return this.#catalog;
  }

  changed(): void {
    this.#version++;
    this.#matches.changed();
  }

  /** The topics of one member that there are, by name. */
  of({ topics, regex }: Pick<ConsumerMember, "topics" | "regex">): Topics {
    const found = new Map<string, CatalogTopic>();
    for (const name of regex === null ? topics : [...topics, ...this.#matching(regex)]) {
      const topic = this.#catalog.topicNamed(name);
      if (topic !== null) found.set(name, topic);
    }
    return found;
  }

  ofAll(members: Iterable<ConsumerMember>): Topics {
    const found = new Map<string, CatalogTopic>();
    for (const member of members)
      for (const [name, topic] of this.of(member)) found.set(name, topic);
    return found;
  }

  #matching(regex: string): readonly string[] {
    const { names, isComplete } = this.#matches.of(regex);
    // Whoever asks next goes on; for now the names stand for all, as if the others came later.
    if (!isComplete) this.#version++;
    return names;
  }
}

/** Never 0, which says that nobody looked. */
export function metadataHash(topics: Topics): number {
  const lines = [...topics.values()].map(
    (topic) => `${topic.topicId} ${topic.partitions.length}\n`,
  );
  const text = encoder.encode(lines.sort().join(""));
  return crc32c(text, 0, text.length) * COUNT_SPAN + (lines.length % (COUNT_SPAN - 1)) + 1;
}
