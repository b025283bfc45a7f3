// Another disk stands in a broker's place, and then the first one again. A directory holds one replica of a group: who was
// leaving it is wanted again as itself (C4), and what stood in between counts for nothing and leaves.
import { afterEach, beforeEach, expect, test } from "vitest";
import type { PartitionPlacement } from "../../internal/cluster/records.ts";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import { CONTROLLER_GROUP } from "../../internal/model/ids.ts";
import type { BrokerId, ReplicaId } from "../../internal/model/ids.ts";
import type { Broker } from "../../internal/server/broker.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import type { SimBroker } from "./cluster/sim-cluster.ts";
import { leftovers } from "./watch/leftovers.ts";
import { Simulation } from "./world/sim-world.ts";

const IDS = [1, 2, 3] as BrokerId[];

let simulation: Simulation;
let cluster: SimCluster;

beforeEach(async () => {
  simulation = new Simulation({ seed: 31 });
  cluster = new SimCluster(simulation, { brokers: 3 });
  cluster.startAll();
  await simulation.until("the cluster is ready", () => cluster.isReady);
  const assignments = [{ partition: 0, brokers: IDS }];
  const topic = { name: "t", partitions: -1, factor: -1, assignments, configs: [] };
  await simulation.settle(askable().services.cluster.createTopics([topic], false, 3_000));
  await produce();
  await simulation.runForMs(500);
});

afterEach(() => {
  expect(simulation.fatals).toEqual([]);
});

/** Some broker that can be asked. */
function askable(): Broker {
  return cluster.brokers.find(({ reachable }) => reachable !== null)!.reachable!;
}

function partitionAt(id: number): ReplicaId | null {
  const replicas = [...(cluster.at(id).broker?.raft.replicas() ?? [])];
  return replicas.find(({ group }) => group !== CONTROLLER_GROUP)?.self ?? null;
}

function placement(): PartitionPlacement {
  return askable().controller.image.topicNamed("t")!.partitions[0]!;
}

/** Who leads the controller's group, or another one. */
function concerned(leads: boolean): SimBroker {
  const isIt = ({ broker }: SimBroker): boolean =>
    broker?.raft.replica(CONTROLLER_GROUP)?.serves === leads;
  return cluster.brokers.findLast(isIt)!;
}

/** Appends through whoever leads; resolves when it is committed. */
async function produce(): Promise<void> {
  const leader = (): Broker | undefined =>
    cluster.brokers.find(({ broker }) =>
      [...(broker?.raft.replicas() ?? [])].some((of) => of.group !== CONTROLLER_GROUP && of.serves),
    )?.broker ?? undefined;
  await simulation.until("somebody leads", () => leader() !== undefined);
  const bytes = encodeBatch([{ key: null, value: Uint8Array.of(1), timestampMs: 1_000 }]);
  const batch = { bytes, start: 0, end: bytes.length };
  const append = { name: "t", topicId: null, partition: 0, batch, acks: -1, allowsZstd: true };
  const { log } = leader()!.services;
  const isTaken = new Promise<boolean>((resolve) => {
    log.append({ ...append, timeoutMs: 5_000 }, ({ ok }) => resolve(ok));
  });
  expect(await simulation.settle(isTaken)).toBe(true);
}

/** Gives a broker another disk, an empty one unless it is told, and returns the one that it had. */
function swap(at: SimBroker, disk: ReturnType<typeof at.node.disk.snapshot> | null) {
  at.crash("kill");
  const before = at.node.disk.snapshot();
  if (disk === null) at.node.disk.wipe();
  else at.node.disk.restore(disk);
  at.start(simulation.scheduler.nowUs);
  return before;
}

/** Until a replica of the directory that the broker has now is wanted. */
async function placedAnew(revision: number): Promise<void> {
  await simulation.until("another is placed there", () => placement().revision === revision);
}

/** Groups count whom their targets name, and each can be written with any one broker away. */
async function settles(): Promise<void> {
  const none = (): boolean => false;
  await simulation.until("nothing is left over", () => leftovers(cluster, none, none).length === 0);
  const wanted = placement().replicas.map(({ replica }) => replica);
  expect(IDS.map(partitionAt)).toEqual(wanted);
  for (const at of cluster.brokers) {
    at.crash("kill");
    await produce();
    at.start(simulation.scheduler.nowUs);
    await simulation.until("the cluster is ready", () => cluster.isReady);
  }
}

test.each([
  ["a follower", false],
  ["the controller's leader", true],
])(
  "the disk of %s comes back while its group still counts it, as the replica that it was",
  async (_, leads) => {
    const at = concerned(leads);
    const first = partitionAt(at.id);
    const old = swap(at, null);
    await placedAnew(2);
    swap(at, old);
    await settles();
    expect(partitionAt(at.id)).toBe(first);
  },
);

test.each([
  ["a follower", false],
  ["the controller's leader", true],
])("the disk of %s comes back after two empty ones", async (_, leads) => {
  const at = concerned(leads);
  const old = swap(at, null);
  await placedAnew(2);
  swap(at, null);
  await placedAnew(3);
  swap(at, old);
  await settles();
});

test("the disk comes back after its group has settled without it, as another replica", async () => {
  const at = concerned(false);
  const first = partitionAt(at.id);
  const old = swap(at, null);
  await settles();
  swap(at, old);
  await settles();
  expect(partitionAt(at.id)).not.toBe(first);
});

test("a broker with an empty disk is not ready before its groups count what is on it", async () => {
  const at = concerned(false);
  swap(at, null);
  await simulation.until("it has started", () => at.broker?.controller.image.topicCount === 1);
  const lost = placement().replicas.some(({ replica }) => replica === partitionAt(at.id));
  expect([lost, at.broker?.hasCaughtUp]).toEqual([false, false]);
  await simulation.until("it says so", () => at.broker?.hasCaughtUp === true);
  expect(placement()).toMatchObject({ revision: 2, leaving: [] });
});

test("the empty disk loses its power before it has what its group has: nobody waits for the one before it", async () => {
  const at = concerned(false);
  swap(at, null);
  await placedAnew(2);
  await simulation.until("it is there", () => partitionAt(at.id) !== null, 1);
  at.crash("power");
  at.start(simulation.scheduler.nowUs);
  await settles();
});
