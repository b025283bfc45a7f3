// What clients are shown of a partition (C2): the placement from the image, the leader from gossip, and a leader only
// if its broker is unfenced.
import type { BrokerId, Term } from "../model/ids.ts";
import type { MetadataImage } from "./image.ts";
import type { LeaderTable } from "./leaders.ts";
import type { PartitionPlacement } from "./records.ts";

export interface PartitionView {
  readonly partition: number;
  /** Null: LEADER_NOT_AVAILABLE with leader id -1. */
  readonly leader: BrokerId | null;
  /** The highest term known of the group: a client ignores metadata whose epoch is older than what it knows. */
  readonly leaderEpoch: Term;
  /** Preferred leader first. */
  readonly replicas: readonly BrokerId[];
  readonly isr: readonly BrokerId[];
  /** Replicas on brokers that are fenced or unknown. */
  readonly offline: readonly BrokerId[];
}

export function partitionView(
  image: MetadataImage,
  leaders: LeaderTable,
  placement: PartitionPlacement,
): PartitionView {
  const row = leaders.row(placement.group);
  const alive = (broker: BrokerId): boolean => image.broker(broker)?.fenced === false;
  const replicas = placement.replicas.map((placed) => placed.broker);
  const leader = row?.leader ?? null;
  return {
    partition: placement.partition,
    leader: leader !== null && alive(leader) ? leader : null,
    leaderEpoch: Math.max(row?.term ?? 0, placement.firstTerm) as Term,
    replicas,
    isr: (row?.isr ?? []).filter(alive),
    offline: replicas.filter((broker) => !alive(broker)),
  };
}

/** Metadata's controllerId: group 0's leader if it is unfenced, else the broker that answers (C3). */
export function controllerShown(
  image: MetadataImage,
  leaders: LeaderTable,
  controllerGroup: PartitionPlacement["group"],
  answering: BrokerId,
): BrokerId {
  const leader = leaders.leaderOf(controllerGroup);
  return leader !== null && image.broker(leader)?.fenced === false ? leader : answering;
}
