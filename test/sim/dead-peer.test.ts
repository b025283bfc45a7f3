// One broker dies (L6): the groups that it led elect somebody, together, with a few journal writes for all of them; the
// groups of other leaders do not even notice.
import { expect, test } from "vitest";
import type { GroupId, Term } from "../../internal/model/ids.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";

const PARTITIONS = 90;
const ALL = [1, 2, 3];

test("the death of a broker wakes the groups that it led, and those elect in rounds", async () => {
  const simulation = new Simulation({ seed: 17 });
  const cluster = new SimCluster(simulation, { brokers: 3 });
  const replicas = (broker: number): Replica[] => [
    ...(cluster.at(broker).broker?.raft.replicas() ?? []),
  ];
  const leadersOf = (brokers: readonly number[]): Map<GroupId, number> => {
    const leaders = new Map<GroupId, number>();
    for (const broker of brokers) {
      for (const { group, serves } of replicas(broker)) if (serves) leaders.set(group, broker);
    }
    return leaders;
  };
  const termsAt = (broker: number): Map<GroupId, Term> =>
    new Map(replicas(broker).map(({ group, machine }) => [group, machine.term]));

  cluster.startAll();
  await simulation.until("the cluster is ready", () => cluster.isReady);
  const topic = { name: "t", partitions: PARTITIONS, factor: 3, assignments: [], configs: [] };
  const services = cluster.at(1).broker?.services;
  await simulation.settle(
    services?.cluster.createTopics([topic], false, 10_000) ?? Promise.reject(),
  );
  await simulation.until("all have leaders", () => leadersOf(ALL).size === PARTITIONS + 1);
  await simulation.runForMs(2_000);
  const before = leadersOf(ALL);
  const terms = termsAt(2);
  const orphans = [...before].filter(([, leader]) => leader === 3).map(([group]) => group);
  expect(orphans.length).toBeGreaterThan(PARTITIONS / 5);

  const writes = new Map<number, number>([1, 2].map((broker) => [broker, 0]));
  for (const broker of [1, 2]) {
    const { disk } = cluster.at(broker).node;
    const journalIssued = (): void => void writes.set(broker, (writes.get(broker) ?? 0) + 1);
    disk.observer = { ...disk.observer, journalIssued };
  }
  cluster.at(3).crash("power");
  let armedMax = 0;
  await simulation.until("orphans have leaders", () => {
    for (const broker of [1, 2]) {
      armedMax = Math.max(armedMax, cluster.at(broker).broker?.raft.armedCount ?? 0);
    }
    const leaders = leadersOf([1, 2]);
    return orphans.every((group) => leaders.has(group));
  });
  expect(armedMax).toBe(orphans.length);
  // Votes, the first entry of each term and its commit, for both ranks; a write for each group would be far more.
  for (const broker of [1, 2]) expect(writes.get(broker)).toBeLessThan(orphans.length);
  await simulation.runForMs(3_000);
  const after = termsAt(2);
  for (const [group, term] of terms) {
    const isOrphan = orphans.includes(group);
    expect([group, (after.get(group) ?? 0) > term]).toEqual([group, isOrphan]);
    if (!isOrphan) expect(leadersOf([1, 2]).get(group)).toBe(before.get(group));
  }
  expect(simulation.fatals).toEqual([]);
});
