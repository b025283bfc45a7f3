// A disk that goes back to a time at which its replica was the only voter (D3): by its own log it has nobody to ask, and the
// group has grown meanwhile and gone on without it.
import { afterEach, beforeEach, expect, test } from "vitest";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import { CONTROLLER_GROUP } from "../../internal/model/ids.ts";
import type { BrokerId } from "../../internal/model/ids.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";

let simulation: Simulation;
let cluster: SimCluster;

beforeEach(async () => {
  simulation = new Simulation({ seed: 41 });
  cluster = new SimCluster(simulation, { brokers: 3 });
  cluster.startAll();
  await simulation.until("the cluster is ready", () => cluster.isReady);
  const assignments = [{ partition: 0, brokers: [1] as BrokerId[] }];
  const topic = { name: "t", partitions: -1, factor: -1, assignments, configs: [] };
  const created = cluster.at(2).broker!.services.cluster.createTopics([topic], false, 3_000);
  await simulation.settle(created);
  await simulation.until("it is led", () => replica(1)?.serves === true);
});

afterEach(() => {
  expect(simulation.fatals).toEqual([]);
});

function replica(broker: number): Replica | undefined {
  const replicas = [...(cluster.at(broker).broker?.raft.replicas() ?? [])];
  return replicas.find(({ group }) => group !== CONTROLLER_GROUP);
}

async function append(broker: number): Promise<void> {
  const bytes = encodeBatch([{ key: null, value: Uint8Array.of(1), timestampMs: 1_000 }]);
  const batch = { bytes, start: 0, end: bytes.length };
  const record = { name: "t", topicId: null, partition: 0, batch, acks: -1 };
  const { log } = cluster.at(broker).broker!.services;
  const isCommitted = new Promise<boolean>((resolve) => {
    log.append({ ...record, timeoutMs: 5_000, allowsZstd: true }, ({ ok }) => resolve(ok));
  });
  expect(await simulation.settle(isCommitted)).toBe(true);
}

async function grow(): Promise<void> {
  const { client, image } = cluster.at(2).broker!.controller;
  const { topicId } = image.topicNamed("t")!;
  const { revision } = image.partition("t", 0)!;
  const change = { topicId, partition: 0, revision, brokers: [1, 2, 3] as BrokerId[] };
  await simulation.settle(client.request({ kind: "place-replicas", changes: [change] }, 5_000));
  const isGrown = (id: number): boolean => replica(id)?.machine.configuration.voters.length === 3;
  await simulation.until("it has grown", () => [1, 2, 3].every(isGrown));
}

function cutOff(): void {
  const [one, two, three] = cluster.brokers.map(({ node }) => node.name);
  simulation.network.links.cut(one!, two!);
  simulation.network.links.cut(one!, three!);
}

/** The first broker's machine loses power, and its disk comes back from when it was alone. */
async function comeBackAlone(): Promise<void> {
  await append(1);
  await simulation.runForMs(500);
  const image = cluster.at(1).node.disk.snapshot();
  await grow();
  await append(1);
  cluster.at(1).crash("power");
  cluster.at(1).node.disk.restore(image);
}

test("who was the only voter once does not lead without those who joined it", async () => {
  await comeBackAlone();
  cutOff();
  cluster.at(1).start(simulation.scheduler.nowUs);
  await simulation.until("the others go on", () => [2, 3].some((id) => replica(id)?.serves));
  await simulation.runForMs(3_000);
  expect(replica(1)?.machine.configuration.voters).toHaveLength(1);
  expect([replica(1)?.serves, replica(1)?.machine.standing]).toEqual([false, "recalling"]);
});

test("a group that never grew goes on when the controller has said so", async () => {
  await append(1);
  cluster.at(1).crash("power");
  cluster.at(1).start(simulation.scheduler.nowUs);
  await simulation.until("it is led again", () => replica(1)?.serves === true);
  await append(1);
});

test("the only voter of a cluster asks nobody", async () => {
  simulation = new Simulation({ seed: 42 });
  cluster = new SimCluster(simulation, { brokers: 1 });
  cluster.startAll();
  await simulation.until("the cluster is ready", () => cluster.isReady);
  cluster.at(1).crash("power");
  cluster.at(1).start(simulation.scheduler.nowUs);
  await simulation.until("it is ready again", () => cluster.isReady);
});

test("the only voter keeps quiet at first: it may have been loyal to the leader that left it alone", async () => {
  cluster.at(1).crash("kill");
  cluster.at(1).start(simulation.scheduler.nowUs);
  await simulation.until("it is up", () => replica(1) !== undefined);
  await simulation.runForMs(300);
  expect(replica(1)?.machine.standing).toBe("quiet");
  await simulation.until("it is led again", () => replica(1)?.serves === true);
});
