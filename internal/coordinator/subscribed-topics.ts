// What members of consumer groups subscribe to, of the topics that there are now: by name, and by regular expressions,
// which are held against each topic once. A hash says whether anything has changed for a group. Every change of a group
// asks for all its members, most of whom subscribe to the same: equal subscriptions are one object until topics change.
import { crc32c } from "../bytes/crc32c.ts";
import type { TopicId } from "../model/ids.ts";
import type { ConsumerMember } from "./consumer-member.ts";
import { SUBSCRIPTIONS_MAX } from "./limits.ts";
import type { CatalogTopic, TopicCatalog } from "./topic-catalog.ts";
import { TopicMatches } from "./topic-matches.ts";

type Topics = ReadonlyMap<string, CatalogTopic>;
type Subscriber = Pick<ConsumerMember, "topics" | "regex">;

export interface Subscribed {
  /** By name. */
  readonly topics: Topics;
  /** False: some expression has topics left to look at, and there may be more. */
  readonly isComplete: boolean;
}

export interface Subscription extends Subscribed {
  /** Ascending. */
  readonly topicIds: readonly TopicId[];
}

const encoder = new TextEncoder();
const COUNT_SPAN = 1 << 20;

export class SubscribedTopics {
  readonly #catalog: TopicCatalog;
  readonly #matches: TopicMatches;
  /** By what they say. */
  readonly #subscriptions = new Map<string, Subscription>();
  /** Those of the decision that is being made which have topics left to look at. */
  readonly #unfinished = new Map<string, Subscription>();
  /** Members never change: another subscription is another member. */
  #known = new WeakMap<Subscriber, Subscription>();
  #hashes = new WeakMap<Topics, number>();
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
    this.#subscriptions.clear();
    this.#unfinished.clear();
    this.#known = new WeakMap();
    this.#hashes = new WeakMap();
  }

  /** The topics of one member that there are. */
  of(member: Subscriber): Subscription {
    const known = this.#known.get(member);
    if (known !== undefined) return known;
    const said = JSON.stringify([member.regex, ...member.topics]);
    const equal = this.#subscriptions.get(said);
    if (equal !== undefined) {
      this.#known.set(member, equal);
      return equal;
    }
    const unfinished = this.#unfinished.get(said);
    if (unfinished !== undefined) return unfinished;
    const found = this.#find(member);
    if (!found.isComplete) {
      this.#unfinished.set(said, found);
      return found;
    }
    if (this.#subscriptions.size >= SUBSCRIPTIONS_MAX) this.#subscriptions.clear();
    this.#subscriptions.set(said, found);
    this.#known.set(member, found);
    return found;
  }

  /** The topics of several members, as one decision finds them: expressions of theirs go on looking where they stopped. */
  ofAll(members: Iterable<Subscriber>): Subscribed {
    this.#matches.refill();
    this.#unfinished.clear();
    const subscriptions = new Set<Subscription>();
    for (const member of members) subscriptions.add(this.of(member));
    const [first, ...others] = subscriptions;
    if (first !== undefined && others.length === 0) return first;
    const topics = new Map(first?.topics);
    let isComplete = first?.isComplete !== false;
    for (const other of others) {
      for (const [name, topic] of other.topics) topics.set(name, topic);
      isComplete &&= other.isComplete;
    }
    return { topics, isComplete };
  }

  hashOf(topics: Topics): number {
    const hash = this.#hashes.get(topics) ?? metadataHash(topics);
    this.#hashes.set(topics, hash);
    return hash;
  }

  #find({ topics, regex }: Subscriber): Subscription {
    const match = regex === null ? null : this.#matches.of(regex);
    const isComplete = match?.isComplete !== false;
    // Whoever asks next goes on; for now the names stand for all, as if the others came later.
    if (!isComplete) this.#version++;
    const found = new Map<string, CatalogTopic>();
    for (const name of [...topics, ...(match?.names ?? [])]) {
      const topic = this.#catalog.topicNamed(name);
      if (topic !== null) found.set(name, topic);
    }
    const topicIds = Array.from(found.values(), ({ topicId }) => topicId).sort();
    return { topics: found, topicIds, isComplete };
  }
}

/** Never 0, which says that nobody looked. */
function metadataHash(topics: Topics): number {
  const lines = [...topics.values()].map(
    (topic) => `${topic.topicId} ${topic.partitions.length}\n`,
  );
  const text = encoder.encode(lines.sort().join(""));
  return crc32c(text, 0, text.length) * COUNT_SPAN + (lines.length % (COUNT_SPAN - 1)) + 1;
}
