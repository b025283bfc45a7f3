import { expect, test } from "vitest";
import { SimCluster } from "../cluster/sim-cluster.ts";
import { Simulation } from "../world/sim-world.ts";
import { Supervisor } from "./supervisor.ts";

test("a directory stays spoiled until its broker begins anew on an empty disk", () => {
  const simulation = new Simulation({ seed: 5 });
  const cluster = new SimCluster(simulation, { brokers: 3 });
  const supervisor = new Supervisor(cluster, simulation.entropy("supervisor"));
  const [first, second, third] = [1, 2, 3].map((id) => cluster.at(id));
  supervisor.loses(first!);
  supervisor.damages(second!);
  expect(supervisor.spoiled).toEqual([first, second]);
  supervisor.wipes(third!);
  expect([supervisor.spoiled, supervisor.lost.has(third!)]).toEqual([[first, second], true]);
});
