// Elections where a journal write takes longer than ranks stand apart (L2, N15): candidates that do not wait for each other's
// votes to be durable unseat each other for many seconds.
import { expect, test } from "vitest";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import { CONTROLLER_GROUP } from "../../internal/model/ids.ts";
import type { GroupId } from "../../internal/model/ids.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import type { SimBroker } from "./cluster/sim-cluster.ts";
import { CALM_DISK } from "./world/sim-device.ts";
import { Simulation } from "./world/sim-world.ts";

const WRITE_US = 250_000;
const LEADERLESS_MS_MAX = 5_000;
const PARTITIONS = 12;
const SEEDS = 6;
const HANG_US = 1_100_000;
/** Connects are tried again within a second. */
const REACHED_MS_MAX = 2_000;

test("all brokers restart on a slow disk, and every group has a leader soon", async () => {
  const writes = { minUs: WRITE_US, maxUs: WRITE_US + 5_000, tailPermille: 0, tailUsMax: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const simulation = new Simulation({ seed, disk: { ...CALM_DISK, journal: writes } });
    const cluster = new SimCluster(simulation, { brokers: 3 });
    const ledGroups = (): ReadonlySet<GroupId> =>
      new Set(
        cluster.brokers.flatMap(({ broker }) =>
          [...(broker?.raft.replicas() ?? [])].flatMap(({ group, serves }) =>
            serves ? [group] : [],
          ),
        ),
      );
    const allAreLed = (): boolean => ledGroups().size === PARTITIONS + 1;
    cluster.startAll();
    await simulation.run({ until: () => cluster.isReady, untilUs: 60_000_000 });
    const topic = { name: "t", partitions: PARTITIONS, factor: 3, assignments: [], configs: [] };
    const { services } = cluster.at(1).broker!;
    await simulation.settle(services.cluster.createTopics([topic], false, 20_000));
    await simulation.run({ until: allAreLed, untilUs: simulation.scheduler.nowUs + 60_000_000 });

    for (const at of cluster.brokers) at.crash("kill");
    await simulation.runForMs(200);
    for (const at of cluster.brokers) at.start(simulation.scheduler.nowUs);
    const startMs = simulation.nowMs;
    while (!allAreLed() && simulation.nowMs < startMs + 60_000) await simulation.runForMs(50);
    expect({ seed, isSoon: simulation.nowMs - startMs < LEADERLESS_MS_MAX }).toEqual({
      seed,
      isSoon: true,
    });
    expect(simulation.fatals).toEqual([]);
  }
});

/** Partition 0 of the topic `t`. */
function replicaAt({ broker }: SimBroker): Replica {
  return [...broker!.raft.replicas()].find(({ group }) => group !== CONTROLLER_GROUP)!;
}

/** Broker `last` alone has everything that was acknowledged, reaches nobody, and its disk hangs. */
async function onlyOneCanWin(simulation: Simulation): Promise<SimBroker> {
  const cluster = new SimCluster(simulation, { brokers: 3 });
  cluster.startAll();
  await simulation.run({ until: () => cluster.isReady, untilUs: 20_000_000 });
  const topic = { name: "t", partitions: 1, factor: 3, assignments: [], configs: [] };
  const { services } = cluster.at(1).broker!;
  await simulation.settle(services.cluster.createTopics([topic], false, 5_000));
  await simulation.runForMs(500);
  const leader = cluster.brokers.find((at) => replicaAt(at).serves)!;
  const others = cluster.brokers.filter((at) => at !== leader);
  const [last, straggler] = others as [SimBroker, SimBroker];
  for (const { node } of [leader, last]) {
    simulation.network.links.cut(straggler.node.name, node.name);
  }
  const bytes = encodeBatch([{ key: null, value: Uint8Array.of(1), timestampMs: 1_000 }]);
  const batch = { bytes, start: 0, end: bytes.length };
  const request = { name: "t", topicId: null, partition: 0, batch, acks: -1 };
  const acked = new Promise<boolean>((resolve) => {
    const { log } = leader.broker!.services;
    log.append({ ...request, timeoutMs: 5_000, allowsZstd: true }, ({ ok }) => resolve(ok));
  });
  expect(await simulation.settle(acked)).toBe(true);
  await simulation.runForMs(100);
  leader.crash("kill");
  last.node.disk.stall("journal", HANG_US);
  return last;
}

test("who reaches a voter again wins soon, though its disk hung while it tried in vain", async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const simulation = new Simulation({ seed });
    const last = await onlyOneCanWin(simulation);
    await simulation.runForMs(6_000 + 500 * seed);
    expect(replicaAt(last).leads).toBe(false);
    simulation.network.links.healAll();
    await simulation.runForMs(REACHED_MS_MAX);
    expect({ seed, leads: replicaAt(last).leads }).toEqual({ seed, leads: true });
    expect(simulation.fatals).toEqual([]);
  }
});
