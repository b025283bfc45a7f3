// Replicas that a change of placement excludes: they go when their group has settled without them, and a partition can come
// back to a broker, before that and after it (C4, C5).
import { beforeEach, expect, test } from "vitest";
import { CONTROLLER_GROUP } from "../../internal/model/ids.ts";
import type { BrokerId, ReplicaId } from "../../internal/model/ids.ts";
import type { PartitionPlacement } from "../../internal/cluster/records.ts";
import type { Broker } from "../../internal/server/broker.ts";
import { LATEST } from "../../internal/service/log-service.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";

let simulation: Simulation;
let cluster: SimCluster;

beforeEach(async () => {
  simulation = new Simulation({ seed: 3 });
  cluster = new SimCluster(simulation, { brokers: 4 });
  cluster.startAll();
  await simulation.until("ready", () => cluster.isReady);
});

async function create(brokers: readonly number[]): Promise<void> {
  const assignments = [{ partition: 0, brokers: brokers as BrokerId[] }];
  const topic = { name: "t", partitions: -1, factor: -1, assignments, configs: [] };
  await simulation.settle(running().services.cluster.createTopics([topic], false, 10_000));
}

/** Some broker that can be asked. */
function running(): Broker {
  const found = cluster.brokers.find(({ reachable }) => reachable !== null)?.reachable;
  if (found === null || found === undefined) throw new Error("no broker is up");
  return found;
}

function placement(): PartitionPlacement {
  const found = running().controller.image.partition("t", 0);
  if (found === null) throw new Error("the topic is gone");
  return found;
}

async function place(brokers: readonly number[]): Promise<void> {
  const { client, image } = running().controller;
  const topicId = image.topicNamed("t")!.topicId;
  const { revision } = placement();
  const change = { topicId, partition: 0, revision, brokers: brokers as BrokerId[] };
  const placed = client.request({ kind: "place-replicas", changes: [change] }, 5_000);
  const outcome = await simulation.settle(placed);
  expect(outcome).toMatchObject({ ok: true, value: { outcomes: [{ ok: true }] } });
}

function replicaAt(id: number) {
  const replicas = [...(cluster.at(id).broker?.raft.replicas() ?? [])];
  return replicas.find(({ group }) => group !== CONTROLLER_GROUP) ?? null;
}

/** The brokers of those whom the leader counts, as "voters/outgoing/learners". */
function counted(): string {
  const leader = [1, 2, 3, 4].map(replicaAt).find((replica) => replica?.serves === true);
  if (leader === null || leader === undefined) return "nobody leads";
  const { voters, votersOutgoing, learners } = leader.machine.configuration;
  const brokersOf = (ids: readonly ReplicaId[]): string =>
    ids
      .map((id) => leader.member(id)?.broker)
      .sort()
      .join("");
  return [voters, votersOutgoing, learners].map(brokersOf).join("/");
}

/** The group counts just these brokers, all others have dropped it, and the controller knows. */
async function settled(brokers: string): Promise<void> {
  const holders = (): string => [1, 2, 3, 4].filter((id) => replicaAt(id) !== null).join("");
  const isSo = (): boolean =>
    counted() === `${brokers}//` && holders() === brokers && placement().leaving.length === 0;
  await simulation.until(`settled on ${brokers}`, isSo);
  expect(simulation.fatals).toEqual([]);
}

test("a partition that was moved away can be moved back", async () => {
  await create([1, 2, 3]);
  const first = replicaAt(3)?.self;
  await place([1, 2, 4]);
  await settled("124");
  await place([1, 2, 3]);
  await settled("123");
  expect(replicaAt(3)?.self).not.toBe(first); // F5: what was dropped is never counted again.
});

test("a move that is taken back before the group has followed copies nothing", async () => {
  await create([3]);
  const first = replicaAt(3)?.self;
  cluster.at(4).crash("kill");
  await simulation.runForMs(100); // Not yet fenced, so it can be placed on.
  await place([4]);
  await simulation.runForMs(1_000);
  await place([3]);
  await settled("3");
  expect(replicaAt(3)?.self).toBe(first);
  cluster.at(4).start(simulation.scheduler.nowUs);
  await settled("3");
});

test("a broker that was down during several moves drops what it held, and takes part again", async () => {
  await create([1, 2, 3]);
  cluster.at(3).crash("kill");
  await place([1, 2, 4]);
  await simulation.until("moved", () => counted() === "124//" && placement().leaving.length === 0);
  await place([1, 4]);
  await simulation.until("shrunk", () => counted() === "14//");
  await place([1, 3, 4]);
  cluster.at(3).start(simulation.scheduler.nowUs);
  await settled("134");
});

test("what is dropped stays dropped when its broker starts again", async () => {
  await create([1, 2, 3]);
  await place([1, 2, 4]);
  await settled("124");
  const madeBefore = simulation.logs.find("replica-dropped").length;
  cluster.at(3).crash("power");
  cluster.at(3).start(simulation.scheduler.nowUs);
  await simulation.until("ready", () => cluster.isReady);
  await settled("124");
  expect(simulation.logs.find("replica-dropped").length).toBe(madeBefore);
  const address = { name: "t", topicId: null, partition: 0 };
  const asked = cluster.at(3).broker!.services.log.offset(address, -1, LATEST, false);
  expect(await simulation.settle(asked)).toMatchObject({
    ok: false,
    fault: { kind: "not-leader" },
  });
});

test("an excluded replica that hears of it late unseats nobody", async () => {
  await create([1, 2, 3]);
  const { links } = simulation.network;
  const others = [1, 2, 4].map((id) => cluster.at(id).node.name);
  for (const other of others) links.cut("broker-3", other);
  await place([1, 2, 4]);
  await simulation.until("moved", () => counted() === "124//");
  await simulation.runForMs(2_000);
  const { term } = replicaAt(1)!.machine;
  expect(cluster.at(3).broker!.raft.armedCount).toBeGreaterThan(0);
  links.healAll();
  await settled("124");
  expect(replicaAt(1)!.machine.term).toBe(term);
  expect(cluster.at(3).broker!.raft.armedCount).toBe(0);
});
