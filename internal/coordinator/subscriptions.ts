// The topics that a group of consumers reads, where its members say so in the way that Kafka's clients do. To the
// protocol itself their metadata is opaque.
import { decodeSubscription } from "../schema/consumer-protocol.ts";
import type { ClassicGroup } from "./classic-group.ts";

const CONSUMER = "consumer";

/** Null: not known. */
export function subscribedTopics(group: ClassicGroup): ReadonlySet<string> | null {
  if (group.protocolType !== CONSUMER || group.protocol === null) return null;
  const topics = new Set<string>();
  for (const member of group.members.all()) {
    const subscription = decodeSubscription(member.metadata(group.protocol));
    if (!subscription.ok) return null;
    for (const topic of subscription.value.topics) topics.add(topic);
  }
  return topics;
}
