// Turns changes of the metadata image into what one broker has to do about its own replicas. Nothing is deleted on the
// evidence of absence (C5): "gone" needs an image that knows of the group's deletion, or that the group has settled
// without the replica; one that the target excludes stays until then (C4).
import type { BrokerId, DirectoryId, GroupId, ReplicaId } from "../model/ids.ts";
import type { Topic } from "./cluster-state.ts";
import type { MetadataImage } from "./image.ts";
import { foundersOf } from "./records.ts";
import type { PartitionPlacement, ReplicaPlacement } from "./records.ts";

export interface OwnReplica {
  readonly topic: Topic;
  readonly partition: number;
  readonly replica: ReplicaId;
  readonly placement: PartitionPlacement;
}

export interface OwnReplicaEvents {
  /**
   * The target places a replica in this directory that it did not place there before. Also of one that is leaving, at the
   * beginning, if it founded its group: that may wait for it to have its first leader.
   */
  assigned(own: OwnReplica): void;
  /** The target changed around a replica that stays. */
  retargeted(own: OwnReplica, before: PartitionPlacement): void;
  /** The target no longer holds this replica; its group may still count it. */
  leaving(group: GroupId, replica: ReplicaId, placement: PartitionPlacement): void;
  /** The topic was deleted, or its group has settled without this replica. Said before another is assigned. */
  gone(group: GroupId, replica: ReplicaId): void;
}

/**
 * Tells `events` of every replica that the image places in the directory now, then of every change. Returns what ends
 * it. Replicas that exist on disk and were told of neither way are judged with `MetadataImage.standing`.
 */
export function followOwnReplicas(
  image: MetadataImage,
  broker: BrokerId,
  directory: DirectoryId,
  events: OwnReplicaEvents,
): () => void {
  const ownIn = (replicas: readonly ReplicaPlacement[]): ReplicaId | null => {
    const own = replicas.find((of) => of.broker === broker && of.directory === directory);
    return own?.replica ?? null;
  };
  const heldIn = ({ replicas, leaving }: PartitionPlacement): ReplicaId | null =>
    ownIn(replicas) ?? ownIn(leaving);
  const assign = (topic: Topic, first: number): void => {
    for (const placement of topic.partitions.slice(first)) {
      const replica = ownIn(placement.replicas) ?? ownIn(foundersOf(placement));
      if (replica === null) continue;
      events.assigned({ topic, partition: placement.partition, replica, placement });
    }
  };
  for (const topic of image.topics()) assign(topic, 0);
  return image.listen({
    topicAdded: (topic) => assign(topic, 0),
    partitionsAdded: (topic, first) => assign(topic, first),
    topicRemoved: (topic) => {
      for (const placement of topic.partitions) {
        const replica = heldIn(placement);
        if (replica !== null) events.gone(placement.group, replica);
      }
    },
    placementChanged: (topic, before, placement) => {
      const { group, partition } = placement;
      const [old, now] = [heldIn(before), heldIn(placement)];
      if (old !== null && old !== now) events.gone(group, old);
      const replica = ownIn(placement.replicas);
      const wasPlaced = ownIn(before.replicas) === replica;
      if (replica !== null) {
        const own = { topic, partition, replica, placement };
        if (wasPlaced) events.retargeted(own, before);
        else events.assigned(own);
      } else if (now !== null && !wasPlaced) events.leaving(group, now, placement);
    },
  });
}
