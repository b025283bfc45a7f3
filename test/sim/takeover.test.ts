// A replica that is told to take over (a transfer) campaigns without having been armed. When its first try fails, it must
// try again: it may be the only one who can be elected (L2).
import { expect, test } from "vitest";
import { CONTROLLER_GROUP } from "../../internal/model/ids.ts";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { LEADERLESS_MS_MAX } from "./checkers/led-groups.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import type { SimBroker } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";

const TOPIC = "t";
const NEW_TOPIC = { name: TOPIC, partitions: 1, factor: 3, assignments: [], configs: [] };

function replicaAt({ broker }: SimBroker): Replica {
  const found = [...(broker?.raft.replicas() ?? [])].find(
    ({ group }) => group !== CONTROLLER_GROUP,
  );
  if (found === undefined) throw new Error("the broker has no replica");
  return found;
}

test("the target of a transfer whose first campaign failed campaigns again", async () => {
  const simulation = new Simulation({ seed: 5 });
  const cluster = new SimCluster(simulation, { brokers: 3 });
  cluster.startAll();
  await simulation.run({ until: () => cluster.isReady, untilUs: 20_000_000 });
  const services = cluster.at(1).broker?.services;
  await simulation.settle(
    services?.cluster.createTopics([NEW_TOPIC], false, 5_000) ?? Promise.reject(),
  );
  await simulation.runForMs(500);
  const leader = cluster.brokers.find((at) => replicaAt(at).serves) as SimBroker;
  const [target, straggler] = cluster.brokers.filter((at) => at !== leader) as [
    SimBroker,
    SimBroker,
  ];

  // The third replica misses an entry, so that it cannot be elected by the target.
  const { links } = simulation.network;
  for (const { node } of [leader, target]) links.cut(straggler.node.name, node.name);
  const bytes = encodeBatch([{ key: null, value: Uint8Array.of(1), timestampMs: 1_000 }]);
  const appended = new Promise<boolean>((resolve) => {
    const batch = { bytes, start: 0, end: bytes.length };
    const record = { name: TOPIC, topicId: null, partition: 0, batch, acks: -1 };
    leader.broker?.services.log.append(
      { ...record, timeoutMs: 5_000, allowsZstd: true },
      (outcome) => resolve(outcome.ok),
    );
  });
  expect(await simulation.settle(appended)).toBe(true);
  await simulation.runForMs(100);

  // The leader is gone before it can vote for its successor.
  const { raft } = leader.broker ?? {};
  raft?.transfer(replicaAt(leader), replicaAt(target).self);
  await simulation.run({
    until: () => replicaAt(target).machine.role === "candidate",
    untilUs: simulation.scheduler.nowUs + 1_000_000,
  });
  expect(replicaAt(target).machine.role).toBe("candidate");
  leader.crash("kill");
  // Long enough that what it asked for is lost with its connections.
  await simulation.runForMs(2_000);
  links.healAll();
  await simulation.runForMs(LEADERLESS_MS_MAX);
  expect(replicaAt(target).serves).toBe(true);
  expect(simulation.fatals).toEqual([]);
});
