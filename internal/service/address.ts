// From what a client names to what lives here: topic name or id, partition, leader epoch, and whether this broker may
// answer (C2, F7, L5, P8). The order of checks is Kafka's: existence, then leadership and epoch.
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { Topic } from "../cluster/cluster-state.ts";
import type { MetadataImage } from "../cluster/image.ts";
import type { LeaderTable } from "../cluster/leaders.ts";
import { partitionView } from "../cluster/metadata-view.ts";
import type { PartitionPlacement } from "../cluster/records.ts";
import type { Partition } from "../partition/partition.ts";
import type { Partitions } from "../partition/partitions.ts";
import type { AddressFault, LeaderHint } from "./faults.ts";
import type { PartitionAddress } from "./log-service.ts";

export interface Found {
  readonly topic: Topic;
  readonly placement: PartitionPlacement;
  /** Null when this broker has no replica of it. */
  readonly partition: Partition | null;
}

export class AddressBook {
  readonly image: MetadataImage;
  readonly #leaders: LeaderTable;
  readonly #partitions: Partitions;

  constructor(image: MetadataImage, leaders: LeaderTable, partitions: Partitions) {
    this.image = image;
    this.#leaders = leaders;
    this.#partitions = partitions;
  }

  find(address: PartitionAddress): Result<Found, AddressFault> {
    const { name, topicId } = address;
    const topic =
      name !== null
        ? this.image.topicNamed(name)
        : topicId !== null
          ? this.image.topic(topicId)
          : null;
    if (topic === null)
      return failed({ kind: name !== null ? "unknown-topic" : "unknown-topic-id" });
    const placement = topic.partitions[address.partition];
    if (placement === undefined) return failed({ kind: "unknown-partition" });
    const partition = this.#partitions.get(placement.group);
    return ok({ topic, placement, partition });
  }

  /** The partition if this broker leads it and the client's epoch agrees; -1: the client does not say. */
  leading(address: PartitionAddress, leaderEpoch: number): Result<Partition, AddressFault> {
    const found = this.find(address);
    if (!found.ok) return found;
    const { partition, placement } = found.value;
    if (partition === null || !partition.leads) {
      return failed({ kind: "not-leader", hint: this.hint(placement) });
    }
    const fault = this.epochFault(partition, placement, leaderEpoch);
    return fault === null ? ok(partition) : failed(fault);
  }

  epochFault(
    partition: Partition,
    placement: PartitionPlacement,
    leaderEpoch: number,
  ): AddressFault | null {
    if (leaderEpoch === -1) return null;
    if (leaderEpoch < partition.term) return { kind: "fenced-epoch", hint: this.hint(placement) };
    return leaderEpoch > partition.term ? { kind: "unknown-epoch" } : null;
  }

  hint(placement: PartitionPlacement): LeaderHint {
    const { leader, leaderEpoch } = partitionView(this.image, this.#leaders, placement);
    return { leader, leaderEpoch };
  }
}
