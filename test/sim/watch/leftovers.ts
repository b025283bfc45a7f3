// What moves have left over: groups that do not count just the replicas of their target, replicas that nobody placed where
// they are, or that are missing where they should be. Sentences about all of them; none once everything has settled.
import type { MetadataImage } from "../../../internal/cluster/image.ts";
import { isSettled } from "../../../internal/cluster/records.ts";
import type { PartitionPlacement } from "../../../internal/cluster/records.ts";
import { CONTROLLER_GROUP } from "../../../internal/model/ids.ts";
import type { GroupId } from "../../../internal/model/ids.ts";
import type { SimBroker, SimCluster } from "../cluster/sim-cluster.ts";
import { GroupView } from "./group-view.ts";

/**
 * `isLost`: its disk lost something, so its replicas wait to be replaced and groups that count them cannot settle. `isForgiven`:
 * nobody else has what a group's only copy lost.
 */
export function leftovers(
  cluster: SimCluster,
  isLost: (at: SimBroker) => boolean,
  isForgiven: (group: GroupId) => boolean,
): string[] {
  const image = newestImage(cluster);
  if (image === null) return ["no broker knows the cluster"];
  const lost = new Set(cluster.brokers.filter(isLost).map(({ id }) => id));
  const placements = [...image.topics()].flatMap(({ partitions }) => partitions);
  const sound = placements.filter(
    ({ group, replicas, leaving }) =>
      !isForgiven(group) && [...replicas, ...leaving].every(({ broker }) => !lost.has(broker)),
  );
  const unsettled = sound.flatMap((placement) => unsettledIn(cluster, placement));
  const stuck = new Set(placements.filter((one) => !sound.includes(one)).map(({ group }) => group));
  const strays = cluster.brokers.flatMap((at) => (isLost(at) ? [] : straysAt(at, image, stuck)));
  return [...unsettled, ...strays];
}

function newestImage(cluster: SimCluster): MetadataImage | null {
  let newest: MetadataImage | null = null;
  for (const { broker } of cluster.brokers) {
    const image = broker?.controller.image;
    if (image !== undefined && image.version > (newest?.version ?? 0)) newest = image;
  }
  return newest;
}

function unsettledIn(cluster: SimCluster, placement: PartitionPlacement): string[] {
  const { group, replicas, leaving } = placement;
  const machine = new GroupView(cluster, group).leader?.replica.machine;
  if (machine === undefined) return [`group ${group} has no leader`];
  const { voters, votersOutgoing, learners } = machine.configuration;
  const counted = [voters, votersOutgoing, learners].map((ids) => ids.join(" ")).join("/");
  const wanted = replicas.map(({ replica }) => replica as number);
  const isReached = counted === `${wanted.sort((a, b) => a - b).join(" ")}//`;
  if (isReached && machine.configurationCommitted && isSettled(placement)) return [];
  const left = leaving.map(({ replica }) => replica).join(" ");
  return [`group ${group} counts ${counted}, its target is ${wanted.join(" ")}, leaving ${left}`];
}

/** In `stuck` groups nobody leaves before the lost disk is replaced. */
function straysAt(at: SimBroker, image: MetadataImage, stuck: ReadonlySet<GroupId>): string[] {
  if (at.broker === null) return [`broker ${at.id} is down`];
  const held = new Map<number, number>();
  for (const { group, self } of at.broker.raft.replicas()) {
    if (group !== CONTROLLER_GROUP) held.set(group, self);
  }
  const found: string[] = [];
  for (const { partitions } of image.topics()) {
    for (const { group, replicas } of partitions) {
      const placed = replicas.find(({ broker }) => broker === at.id)?.replica;
      if (held.get(group) !== placed && !stuck.has(group)) {
        found.push(`broker ${at.id} holds ${held.get(group)} of group ${group}, not ${placed}`);
      }
      held.delete(group);
    }
  }
  return [...found, ...[...held.keys()].map((group) => `broker ${at.id} holds group ${group}`)];
}
