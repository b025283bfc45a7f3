// What is not as it should be in a cluster, from its own description.
import type { ClusterBroker } from "../../../pkg/client/kafka/admin.ts";
import type { PartitionMetadata, TopicMetadata } from "../../../pkg/client/kafka/kafka-client.ts";

export interface PartitionName {
  readonly topic: string;
  readonly partition: number;
}

export interface Health {
  readonly fencedBrokers: readonly number[];
  /** The cluster says that they serve, but they did not answer this client. */
  readonly silentBrokers: readonly number[];
  readonly underReplicated: readonly PartitionName[];
  readonly leaderless: readonly PartitionName[];
  /** Their leaders, or most of their replicas, are silent: what was heard of them last may be true no more. */
  readonly unknown: readonly PartitionName[];
}

export function isUnderReplicated({ replicaNodes, isrNodes }: PartitionMetadata): boolean {
  return isrNodes.length < replicaNodes.length;
}

export function healthOf(
  brokers: readonly ClusterBroker[],
  topics: readonly TopicMetadata[],
  silentBrokers: readonly number[],
): Health {
  const named = (isSick: (partition: PartitionMetadata) => boolean): PartitionName[] =>
    topics.flatMap(({ name, partitions }) =>
      partitions
        .filter(isSick)
        .map(({ partitionIndex }) => ({ topic: name ?? "", partition: partitionIndex })),
    );
  const isSilent = (broker: number): boolean => silentBrokers.includes(broker);
  const isUnknown = ({ leaderId, replicaNodes }: PartitionMetadata): boolean =>
    isSilent(leaderId) || replicaNodes.filter(isSilent).length * 2 > replicaNodes.length;
  return {
    fencedBrokers: brokers.filter(({ isFenced }) => isFenced).map(({ id }) => id),
    silentBrokers,
    underReplicated: named((one) => isUnderReplicated(one) && !isUnknown(one)),
    leaderless: named((one) => one.leaderId < 0 && !isUnknown(one)),
    unknown: named(isUnknown),
  };
}

export function isHealthy(health: Health): boolean {
  return Object.values(health).every((found: readonly unknown[]) => found.length === 0);
}
