// Which topic names are legal (1-249 of [a-zA-Z0-9._-], not "." or ".."), and topic ids.
import type { TopicId } from "../model/ids.ts";
import type { Entropy } from "../ports/entropy.ts";
import { randomId } from "./random-id.ts";

const TOPIC_NAME_LENGTH_MAX = 249;

/** Null: legal. Else a sentence saying why not. */
export function topicNameRefusal(name: string): string | null {
  if (name.length === 0) return "The topic name is empty.";
  if (name === "." || name === "..") return "A topic name is neither . nor ..";
  if (name.length > TOPIC_NAME_LENGTH_MAX) {
    return `The topic name is longer than ${TOPIC_NAME_LENGTH_MAX} characters.`;
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return "A topic name consists of ASCII letters, digits and the characters . _ -";
  }
  return null;
}

/** A fresh topic id, for NewTopic.topicId. */
export function newTopicId(entropy: Entropy): TopicId {
  return randomId(entropy) as TopicId;
}
