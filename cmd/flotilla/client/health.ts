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
  return {
    fencedBrokers: brokers.filter(({ isFenced }) => isFenced).map(({ id }) => id),
    silentBrokers,
    underReplicated: named(isUnderReplicated),
    leaderless: named(({ leaderId }) => leaderId < 0),
  };
}

export function isHealthy(health: Health): boolean {
  return Object.values(health).every((found: readonly unknown[]) => found.length === 0);
}
