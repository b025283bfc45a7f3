// Who may answer readers (L5), told as stories: whatever happens to a leader and its voters, from the moment at which a
// successor has committed nobody else of the group serves.
import { expect, test } from "vitest";
import { CONTROLLER_GROUP } from "../../internal/model/ids.ts";
import type { BrokerId } from "../../internal/model/ids.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { LEADERLESS_MS_MAX } from "./checkers/led-groups.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import type { SimBroker, SimClusterOptions } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";

const FENCE_MS = 1_000;

function replicaAt({ broker }: SimBroker): Replica {
  const found = [...(broker?.raft.replicas() ?? [])].find(
    ({ group }) => group !== CONTROLLER_GROUP,
  );
  if (found === undefined) throw new Error("the broker has no replica");
  return found;
}

const serves = (at: SimBroker): boolean => at.broker?.raft.mayServe(replicaAt(at)) ?? false;

interface Stage {
  readonly simulation: Simulation;
  readonly cluster: SimCluster;
  readonly leader: SimBroker;
  readonly others: readonly SimBroker[];
}

/** A cluster with one partition on all its brokers, the first of which leads it. */
async function stage(
  seed: number,
  options: Partial<SimClusterOptions> = {},
  prepare: (cluster: SimCluster) => void = () => {},
): Promise<Stage> {
  const simulation = new Simulation({ seed });
  const settings = { "journal.stall.fence.ms": FENCE_MS, "journal.stall.transfer.ms": 200 };
  const cluster = new SimCluster(simulation, { brokers: 3, settings, ...options });
  prepare(cluster);
  cluster.startAll();
  await simulation.until("the cluster is ready", () => cluster.isReady);
  const assignments = [{ partition: 0, brokers: cluster.brokers.map(({ id }) => id) }];
  const topic = { name: "t", partitions: -1, factor: -1, assignments, configs: [] };
  const services = cluster.at(1).broker?.services;
  await simulation.settle(
    services?.cluster.createTopics([topic], false, 10_000) ?? Promise.reject(),
  );
  const [leader, ...others] = cluster.brokers as [SimBroker, ...SimBroker[]];
  await simulation.until("the first broker serves", () => serves(leader));
  await simulation.runForMs(1_000);
  return { simulation, cluster, leader, others };
}

/** Looks at every step: once one of the others serves, the old leader serves no more in its old term. */
async function watch({ simulation, leader, others }: Stage, forMs: number): Promise<boolean> {
  let hasSuccessor = false;
  const old = replicaAt(leader).machine.term;
  for (let ms = 0; ms < forMs; ms += 2) {
    await simulation.runForMs(2);
    hasSuccessor ||= others.some(serves);
    const isStale = hasSuccessor && replicaAt(leader).machine.term === old && serves(leader);
    expect([simulation.seed, ms, isStale]).toEqual([simulation.seed, ms, false]);
  }
  expect(simulation.fatals).toEqual([]);
  return hasSuccessor;
}

test.each([100, 700, 1_200])(
  "a leader that was left by a voter whose disk hung for %i ms, in a transfer that it gave up",
  async (stallMs) => {
    let succeeded = 0;
    for (let seed = 1; seed <= 4; seed++) {
      const told = await stage(seed);
      const { simulation, leader, others } = told;
      const [target, voter] = others as [SimBroker, SimBroker];
      leader.broker?.raft.transfer(replicaAt(leader), replicaAt(target).self);
      await simulation.run({
        until: () => replicaAt(target).machine.role === "candidate",
        untilUs: simulation.scheduler.nowUs + 1_000_000,
      });
      simulation.network.links.cut(leader.node.name, target.node.name);
      voter.node.disk.stall("journal", stallMs * 1_000);
      if (await watch(told, 4_000)) succeeded++;
    }
    expect(succeeded).toBeGreaterThan(0);
  },
);

test.each([
  [3_000, 400],
  [400, 3_000],
])("a leader with link.silence.ms=%i whose voters have %i", async (own, theirs) => {
  const told = await stage(3, {}, (cluster) => {
    for (const at of cluster.brokers) {
      at.reconfigure({ "link.silence.ms": at.id === (1 as BrokerId) ? own : theirs });
    }
  });
  const { simulation, leader, others } = told;
  simulation.network.links.partition(
    [leader.node.name],
    others.map(({ node }) => node.name),
  );
  expect(await watch(told, 6_000)).toBe(true);
});

test("a leader on a machine that was suspended knows when it wakes up that its clock stood still", async () => {
  const { simulation, leader, others } = await stage(5);
  leader.node.suspend();
  await simulation.until("a successor", () => others.some(serves));
  leader.node.thaw();
  expect(serves(leader)).toBe(false);
  expect(await watch({ simulation, cluster: null as never, leader, others }, 1_500)).toBe(true);
});

test("a leader whose disk hung comes back to a term that it has given up", async () => {
  const told = await stage(6);
  const { simulation, leader, others } = told;
  // Whom it would hand over to is away until it has given up, so nobody takes the term over.
  for (const { node } of others) node.disk.stall("journal", (FENCE_MS + 1_400) * 1_000);
  await simulation.runForMs(400);
  leader.node.disk.stall("journal", 2_500 * 1_000);
  expect(await watch(told, 6_000)).toBe(true);
});

test("a group whose leader gave up has a new one soon, however late what the old one had sent arrives", async () => {
  const { simulation, cluster, leader, others } = await stage(3, { brokers: 5 });
  const [two, three, four, five] = others as [SimBroker, SimBroker, SimBroker, SimBroker];
  for (const gone of [four, five]) gone.crash("kill");
  await simulation.runForMs(1_000);
  expect(serves(leader)).toBe(true);
  const { group, self, machine: old } = replicaAt(leader);
  const { term } = old;
  // One voter less, and it reaches no quorum.
  simulation.network.links.cut(leader.node.name, three.node.name);
  const { machine } = replicaAt(two);
  await simulation.until("it gives up", () => !replicaAt(leader).leads && machine.leader === null);
  // What it sent on another connection than the word took a little longer.
  const { lastIndex: prevIndex, commit } = machine;
  const prevTerm = machine.termAt(prevIndex) ?? term;
  const row = { group, to: replicaAt(two).self, from: self, term, prevIndex, prevTerm, commit };
  replicaAt(two).receive({ ...row, entries: [], payloadStart: [] }, [], new Uint8Array(0));
  expect(machine.leader).toBe(null);
  simulation.network.links.healAll();
  const isServed = (): boolean => cluster.brokers.some((at) => at.broker !== null && serves(at));
  expect(await simulation.until("a leader", isServed)).toBeLessThan(LEADERLESS_MS_MAX);
  expect(simulation.fatals).toEqual([]);
});
