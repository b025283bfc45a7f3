// A leader that slept through its succession (L5): whatever the links tell it when it wakes up, and however fast, it answers
// no reader before it has learnt that it leads no more.
import { expect, test } from "vitest";
import type { Partition } from "../../internal/partition/partition.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";

const SEEDS = 40;
const PARTITIONS = 30;
const SLEEP_MS = 1_500;
const WATCHED_MS = 300;

test.each(["wakes up on the old links", "wakes up to new links"])(
  "a leader that %s is silent",
  async (how) => {
    let succeeded = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const simulation = new Simulation({ seed });
      const cluster = new SimCluster(simulation, { brokers: 3 });
      cluster.startAll();
      await simulation.run({ until: () => cluster.isReady, untilUs: 20_000_000 });
      const [sleeper, ...others] = cluster.brokers;
      const services = sleeper!.broker!.services;
      const topic = { name: "t", partitions: PARTITIONS, factor: 3, assignments: [], configs: [] };
      await simulation.settle(services.cluster.createTopics([topic], false, 5_000));
      await simulation.runForMs(1_000);
      const partitionsOf = (at: typeof sleeper): Partition[] => [...at!.broker!.partitions.all()];
      const led = partitionsOf(sleeper).filter(({ mayServe }) => mayServe);
      expect(led.length).toBeGreaterThan(0);

      sleeper!.node.freeze();
      await simulation.runForMs(SLEEP_MS);
      const terms = new Map(
        others.flatMap((at) =>
          partitionsOf(at).flatMap(({ group, term, mayServe }) =>
            mayServe ? [[group, term]] : [],
          ),
        ),
      );
      if (how === "wakes up to new links") {
        for (const { node } of others)
          simulation.network.resetBetween(sleeper!.node.name, node.name);
      }
      sleeper!.node.thaw();
      for (let ms = 0; ms < WATCHED_MS; ms++) {
        for (const partition of led) {
          const successor = terms.get(partition.group);
          if (successor === undefined || partition.term >= successor) continue;
          succeeded++;
          expect({ seed, ms, serves: partition.mayServe }).toEqual({ seed, ms, serves: false });
        }
        await simulation.runForMs(1);
      }
      expect(simulation.fatals).toEqual([]);
    }
    expect(succeeded).toBeGreaterThan(SEEDS);
  },
);
