// Numbers of requests and answers are those of one process: what its last start asked for is no answer for a broker that has
// started again, although the link to the controller is there again (C9).
import { expect, test } from "vitest";
import { CONTROLLER_GROUP } from "../../internal/model/ids.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import type { SimBroker } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";

/** Both processes ask so often that some numbers meet, whatever else each has asked before. */
const NUMBERS = Array.from({ length: 16 }, (_, each) => each);

test("an answer for a broker's last start is not taken by the next one", async () => {
  const simulation = new Simulation({ seed: 8 });
  const cluster = new SimCluster(simulation, { brokers: 5 });
  cluster.startAll();
  await simulation.until("ready", () => cluster.isReady);
  const isController = (at: SimBroker): boolean =>
    at.broker?.raft.replica(CONTROLLER_GROUP)?.leads === true;
  const [asker, behind] = cluster.brokers.filter((at) => !isController(at)) as [
    SimBroker,
    SimBroker,
  ];
  // Nobody is told of a new topic while this broker does not know it.
  behind.node.freeze();
  const create = (name: string) => {
    const topic = { name, partitions: 1, factor: 1, assignments: [], configs: [] };
    return asker.broker!.services.cluster.createTopics([topic], false, 10_000);
  };
  for (const each of NUMBERS) void create(`first-${each}`);
  await simulation.runForMs(100);
  asker.crash("kill");
  asker.start(simulation.scheduler.nowUs);
  const knows = (): boolean =>
    asker.broker?.controller.image.topicNamed("first-0") !== null && asker.broker !== null;
  await simulation.until("started again", knows);
  const second = Promise.all(NUMBERS.map((each) => create(`second-${each}`)));
  await simulation.runForMs(50);
  behind.node.thaw();
  const answers = (await simulation.settle(second)).flat();
  expect(answers).toMatchObject(
    NUMBERS.map((each) => ({ name: `second-${each}`, outcome: { ok: true } })),
  );
  expect(simulation.fatals).toEqual([]);
});
