// Turns changes of the metadata image into what one broker has to do about its own replicas. Nothing is deleted on the
// evidence of absence (C5): "gone" needs an image that knows the group's deletion, and a replica that the target
// excludes is only told so; it goes when its group's committed configuration says the same (C4).
import type { BrokerId, DirectoryId, GroupId, ReplicaId } from "../model/ids.ts";
import type { Topic } from "./cluster-state.ts";
import type { MetadataImage } from "./image.ts";
import type { PartitionPlacement } from "./records.ts";

export interface OwnReplica {
  readonly topic: Topic;
  readonly partition: number;
  readonly replica: ReplicaId;
  readonly placement: PartitionPlacement;
}

export interface OwnReplicaEvents {
  /** The target places a replica in this directory that it did not place there before. */
  assigned(own: OwnReplica): void;
  /** The target changed around a replica that stays. */
  retargeted(own: OwnReplica, before: PartitionPlacement): void;
  /** The target no longer holds this replica. */
  retiring(group: GroupId, replica: ReplicaId, placement: PartitionPlacement): void;
  /** The topic was deleted. */
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
  const ownIn = (placement: PartitionPlacement): ReplicaId | null => {
    const isOwn = (of: PartitionPlacement["replicas"][number]): boolean =>
      of.broker === broker && of.directory === directory;
    return placement.replicas.find(isOwn)?.replica ?? null;
  };
  const assign = (topic: Topic, first: number): void => {
    for (const placement of topic.partitions.slice(first)) {
      const replica = ownIn(placement);
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
        const replica = ownIn(placement);
        if (replica !== null) events.gone(placement.group, replica);
      }
    },
    placementChanged: (topic, before, placement) => {
      const [old, replica] = [ownIn(before), ownIn(placement)];
      const { group, partition } = placement;
      if (old !== null && old !== replica) events.retiring(group, old, placement);
      if (replica === null) return;
      const own = { topic, partition, replica, placement };
      if (old === replica) events.retargeted(own, before);
      else events.assigned(own);
    },
  });
}
