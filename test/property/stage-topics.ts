// Topics that tests make and take away at will, for coordinators without a cluster.
import { SubscribedTopics } from "../../internal/coordinator/subscribed-topics.ts";
import { NO_LOG } from "../../internal/coordinator/group-requests.ts";
import type { CatalogTopic, TopicCatalog } from "../../internal/coordinator/topic-catalog.ts";
import type { GroupId, TopicId } from "../../internal/model/ids.ts";

export class StageTopics implements TopicCatalog {
  readonly subscribed = new SubscribedTopics(this);
  readonly #topics = new Map<string, CatalogTopic>();
  readonly #logs = new Map<string, GroupId>();
  #made = 0;
  #lastLog = 0;

  topicNamed(name: string): CatalogTopic | null {
    return this.#topics.get(name) ?? null;
  }

  topic(topicId: TopicId): CatalogTopic | null {
    return [...this.#topics.values()].find((topic) => topic.topicId === topicId) ?? null;
  }

  topics(): Iterable<CatalogTopic> {
    return this.#topics.values();
  }

  /** Topics that nobody made have logs too; one for all partitions will do. */
  logOf(name: string): GroupId {
    const log = this.#logs.get(name) ?? (++this.#lastLog as GroupId);
    this.#logs.set(name, log);
    return log;
  }

  isGone(log: GroupId): boolean {
    return log !== NO_LOG && ![...this.#logs.values()].includes(log);
  }

  /** The logs of this name are deleted; what is made under it again has others. */
  forget(name: string): void {
    this.#logs.delete(name);
  }

  /** Makes a topic, or lets it grow. */
  put(name: string, partitions: number): void {
    const topicId = this.topicNamed(name)?.topicId ?? newTopicId(++this.#made);
    this.#topics.set(name, { topicId, name, partitions: { length: partitions } });
    this.subscribed.changed();
  }

  remove(name: string): void {
    this.#topics.delete(name);
    this.subscribed.changed();
  }
}

/** A number in the first digits; the last one of an id has two bits only. */
function newTopicId(number: number): TopicId {
  return `${String(number).padStart(21, "0")}A` as TopicId;
}
