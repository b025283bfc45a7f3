// A leader that was deposed without hearing of it from its successor stops answering reads (L5): whoever took part in
// the election tells it that its term is over.
import { expect, test } from "vitest";
import { CONTROLLER_GROUP } from "../../internal/model/ids.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import type { SimBroker } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";

const NEW_TOPIC = { name: "t", partitions: 1, factor: 3, assignments: [], configs: [] };

function replicaAt({ broker }: SimBroker): Replica {
  const found = [...(broker?.raft.replicas() ?? [])].find(
    ({ group }) => group !== CONTROLLER_GROUP,
  );
  if (found === undefined) throw new Error("the broker has no replica");
  return found;
}

function serves(at: SimBroker): boolean {
  return at.broker?.raft.mayServe(replicaAt(at)) ?? false;
}

test("a leader whose successor cannot reach it is told by the voter that both can reach", async () => {
  const simulation = new Simulation({ seed: 5 });
  const cluster = new SimCluster(simulation, { brokers: 3 });
  cluster.startAll();
  await simulation.run({ until: () => cluster.isReady, untilUs: 20_000_000 });
  const services = cluster.at(1).broker?.services;
  await simulation.settle(
    services?.cluster.createTopics([NEW_TOPIC], false, 5_000) ?? Promise.reject(),
  );
  await simulation.runForMs(500);
  const leader = cluster.brokers.find(serves) as SimBroker;
  const [target] = cluster.brokers.filter((at) => at !== leader) as [SimBroker, SimBroker];

  // The target is told to campaign, and then cannot say so to the leader, only to the third.
  leader.broker?.raft.transfer(replicaAt(leader), replicaAt(target).self);
  await simulation.run({
    until: () => replicaAt(target).machine.role === "candidate",
    untilUs: simulation.scheduler.nowUs + 1_000_000,
  });
  simulation.network.links.cut(leader.node.name, target.node.name);
  await simulation.run({
    until: () => replicaAt(target).serves,
    untilUs: simulation.scheduler.nowUs + 1_000_000,
  });
  expect(replicaAt(target).serves).toBe(true);

  for (let waitedMs = 0; waitedMs < 3_000; waitedMs += 10) {
    expect([waitedMs, serves(leader)]).toEqual([waitedMs, false]);
    await simulation.runForMs(10);
  }
  expect(serves(target)).toBe(true);
  expect(replicaAt(leader).leads).toBe(false);
});
