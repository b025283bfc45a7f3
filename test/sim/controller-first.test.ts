// After a restart of all brokers on slow disks the controller's group is the first to have a leader (L8): the campaigns of
// others put their writes before its own, though it is first in every line.
import { expect, test } from "vitest";
import { CONTROLLER_GROUP } from "../../internal/model/ids.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import { CALM_DISK } from "./world/sim-device.ts";
import { Simulation } from "./world/sim-world.ts";

const PARTITIONS = 400;
const WRITE_US = 250_000;
const SEEDS = 4;
const MS_MAX = 60_000;

test("all brokers restart, and the controller's group has a leader before 400 others", async () => {
  const writes = { minUs: WRITE_US, maxUs: 1.5 * WRITE_US, tailPermille: 0, tailUsMax: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const simulation = new Simulation({ seed, disk: { ...CALM_DISK, journal: writes } });
    const cluster = new SimCluster(simulation, { brokers: 3 });
    const served = () => {
      const replicas = cluster.brokers.flatMap(({ broker }) => [
        ...(broker?.raft.replicas() ?? []),
      ]);
      return replicas.filter(({ serves }) => serves).map(({ group }) => group);
    };
    const allServe = (): boolean => new Set(served()).size === PARTITIONS + 1;
    cluster.startAll();
    await simulation.until("the cluster is ready", () => cluster.isReady);
    const topic = { name: "t", partitions: PARTITIONS, factor: 3, assignments: [], configs: [] };
    const { services } = cluster.at(1).broker!;
    await simulation.settle(services.cluster.createTopics([topic], false, MS_MAX));
    await simulation.until("all have leaders", allServe);

    for (const at of cluster.brokers) at.crash("kill");
    await simulation.runForMs(200);
    for (const at of cluster.brokers) at.start(simulation.scheduler.nowUs);
    let first = served();
    for (let ms = 0; first.length === 0 && ms < MS_MAX; ms++) {
      await simulation.runForMs(1);
      first = served();
    }
    expect({ seed, first }).toEqual({ seed, first: [CONTROLLER_GROUP] });
    await simulation.until("all have leaders again", allServe);
    expect(simulation.fatals).toEqual([]);
  }
});
