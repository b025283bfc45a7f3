// A topic of a request as the services address it: by its name, or, in versions that know topic ids, by its id.
import type { TopicId } from "../model/ids.ts";

export interface TopicAddress {
  readonly name: string | null;
  readonly topicId: TopicId | null;
}

export function topicAddress(
  { name, topicId }: { readonly name: string; readonly topicId: TopicId },
  isById: boolean,
): TopicAddress {
  return isById ? { name: null, topicId } : { name, topicId: null };
}
