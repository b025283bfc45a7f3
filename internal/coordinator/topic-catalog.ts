// The topics that there are, as coordinators see them: what consumers subscribe to by name is owned by id.
import type { GroupId, TopicId } from "../model/ids.ts";

export interface CatalogTopic {
  readonly topicId: TopicId;
  readonly name: string;
  readonly partitions: { readonly length: number };
}

/** The metadata image is one. */
export interface TopicCatalog {
  topicNamed(name: string): CatalogTopic | null;
  topic(topicId: TopicId): CatalogTopic | null;
  topics(): Iterable<CatalogTopic>;
  /** Whether a partition's log was deleted, as far as this catalog is later than the log (C5). */
  isGone(log: GroupId): boolean;
}
