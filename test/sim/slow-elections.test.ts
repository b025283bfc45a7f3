// Elections where a journal write takes longer than ranks stand apart (L2, N15): candidates that do not wait for each other's
// votes to be durable unseat each other for many seconds.
import { expect, test } from "vitest";
import type { GroupId } from "../../internal/model/ids.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import { CALM_DISK } from "./world/sim-device.ts";
import { Simulation } from "./world/sim-world.ts";

const WRITE_US = 250_000;
const LEADERLESS_MS_MAX = 5_000;
const PARTITIONS = 12;
const SEEDS = 6;

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
