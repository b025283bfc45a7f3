// What a process promised its leaders binds the next one of its directory, also when that one would promise less (L5).
import { expect, test } from "vitest";
import { CONTROLLER_GROUP } from "../../internal/model/ids.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import type { SimBroker } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";

const LONG_MS = 2_000;
const SHORT_MS = 200;

test("a voter that starts with a shorter silence keeps quiet for the longest that was promised, and then for its own", async () => {
  const simulation = new Simulation({ seed: 61 });
  const settings = { "link.silence.ms": LONG_MS };
  const cluster = new SimCluster(simulation, { brokers: 3, settings });
  cluster.startAll();
  await simulation.until("the cluster is ready", () => cluster.isReady);
  const voter: SimBroker = cluster.at(3);
  const standing = () => voter.broker?.raft.replica(CONTROLLER_GROUP)?.machine.standing;
  const restart = async (): Promise<void> => {
    voter.crash("kill");
    voter.start(simulation.scheduler.nowUs);
    await simulation.until("it is up", () => standing() !== undefined);
  };
  voter.reconfigure({ "link.silence.ms": SHORT_MS });
  await restart();
  await simulation.runForMs(SHORT_MS + 100);
  expect(standing()).toBe("quiet");
  // A second start forgets nothing of it.
  await restart();
  await simulation.runForMs(LONG_MS - 200);
  expect(standing()).toBe("quiet");
  await simulation.until("it counts", () => standing() === "full");
  await restart();
  await simulation.runForMs(SHORT_MS + 400);
  expect(standing()).toBe("full");
});
