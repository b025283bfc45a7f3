// A broker whose journal hangs while its links are well (L4): its leaderships go to others; what nobody can take is not
// served any more; and in the end the broker ends. A leader that writes nothing notices too.
import { beforeEach, expect, test } from "vitest";
import { CONTROLLER_GROUP } from "../../internal/model/ids.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";

const PARTITIONS = 6;
const TRANSFER_MS = 500;
const FENCE_MS = 4_000;
const EXIT_MS = 12_000;
const SICK = 1;
/** Longer than any of these stories. */
const FOR_GOOD_US = 3_600_000_000;

let simulation: Simulation;
let cluster: SimCluster;

beforeEach(async () => {
  simulation = new Simulation({ seed: 41 });
  cluster = new SimCluster(simulation, {
    brokers: 3,
    settings: {
      "journal.stall.transfer.ms": TRANSFER_MS,
      "journal.stall.fence.ms": FENCE_MS,
      "journal.stall.exit.ms": EXIT_MS,
    },
  });
  cluster.startAll();
  await simulation.until("the cluster is ready", () => cluster.isReady);
  const topic = { name: "t", partitions: PARTITIONS, factor: 3, assignments: [], configs: [] };
  const services = cluster.at(SICK).broker?.services;
  const [made] = (await simulation.settle(
    services?.cluster.createTopics([topic], false, 10_000) ?? Promise.reject(),
  )) as readonly { readonly outcome: { readonly ok: boolean } }[];
  expect(made?.outcome.ok).toBe(true);
  await simulation.until("it leads something", () => servedBy(SICK) > 0);
  await simulation.runForMs(1_500);
});

function replicasOf(broker: number): Replica[] {
  const replicas = [...(cluster.at(broker).broker?.raft.replicas() ?? [])];
  return replicas.filter(({ group }) => group !== CONTROLLER_GROUP);
}

function servedBy(broker: number): number {
  const raft = cluster.at(broker).broker?.raft;
  return replicasOf(broker).filter((replica) => raft?.mayServe(replica) === true).length;
}

function ledBy(broker: number): number {
  return replicasOf(broker).filter((replica) => replica.leads).length;
}

test("leaderships go to brokers that can write, though nobody writes, and nobody hands them back meanwhile", async () => {
  cluster.at(SICK).node.disk.stall("journal", FOR_GOOD_US);
  // An idle journal is tried once a second; then the write is as old as it may be, and the others take over.
  await simulation.runForMs(1_000 + TRANSFER_MS + 500);
  expect(ledBy(SICK)).toBe(0);
  await simulation.until("others serve", () => servedBy(2) + servedBy(3) === PARTITIONS);
  await simulation.runForMs(3_000);
  expect([ledBy(SICK), servedBy(2) + servedBy(3)]).toEqual([0, PARTITIONS]);
  expect(simulation.fatals).toEqual([]);
});

test("what nobody can take is not served once the journal hangs for too long, and then the broker ends", async () => {
  // The others are there for pings, and say with them that they cannot write.
  const others = cluster.brokers.filter(({ id }) => id !== SICK);
  for (const { node } of others) node.disk.stall("journal", FOR_GOOD_US);
  await simulation.runForMs(1_000 + TRANSFER_MS + 200);
  const served = servedBy(SICK);
  expect(served).toBeGreaterThan(0);
  cluster.at(SICK).node.disk.stall("journal", FOR_GOOD_US);
  await simulation.runForMs(FENCE_MS - 500);
  expect(servedBy(SICK)).toBe(served);
  await simulation.runForMs(2_000);
  expect([servedBy(1), servedBy(2), servedBy(3)]).toEqual([0, 0, 0]);
  // The others began to hang first, and a silent journal is tried once a second.
  await simulation.runForMs(EXIT_MS - FENCE_MS - 2_000 - 1_000 - TRANSFER_MS - 200);
  expect(simulation.fatals).toEqual([]);
  await simulation.runForMs(2_000 + 1_000 + TRANSFER_MS + 200);
  expect(simulation.fatals.map(({ reason }) => reason)).toEqual(
    Array.from({ length: 3 }, () => "journal-stalled"),
  );
});

test("a journal that goes on in time leads on as if nothing had happened", async () => {
  const before = ledBy(SICK);
  cluster.at(SICK).node.disk.stall("journal", (TRANSFER_MS - 200) * 1_000);
  await simulation.runForMs(3_000);
  expect([ledBy(SICK), servedBy(SICK)]).toEqual([before, before]);
  expect(simulation.fatals).toEqual([]);
});

test("who cannot write any more does not campaign either: its terms would fill the journal's memory", async () => {
  for (const { node } of cluster.brokers) node.disk.stall("journal", FOR_GOOD_US);
  await simulation.runForMs(FENCE_MS + 2_000);
  const terms = (): number[] =>
    [1, 2, 3].flatMap((id) => replicasOf(id).map((replica) => replica.machine.term));
  const before = terms();
  await simulation.runForMs(EXIT_MS - FENCE_MS - 3_000);
  expect(terms()).toEqual(before);
  expect(simulation.fatals).toEqual([]);
});
