// The topics that there are, as coordinators see them: what consumers subscribe to by name is owned by id.
import type { TopicId } from "../model/ids.ts";

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
}
