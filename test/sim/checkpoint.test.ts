// Group tables of a whole broker's journal (J5): what happens to groups while one is being written.
import { expect, test } from "vitest";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import { CONTROLLER_GROUP } from "../../internal/model/ids.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";

test("a group that takes entries and is dropped while a table is written leaves a journal that can be read", async () => {
  const simulation = new Simulation({ seed: 7 });
  const cluster = new SimCluster(simulation, { brokers: 1 });
  cluster.startAll();
  await simulation.until("the cluster is ready", () => cluster.isReady);
  const { broker } = cluster.at(1);
  if (broker === null) throw new Error("the broker is up");
  const wanted = { name: "t", partitions: 1, factor: 1, assignments: [], configs: [] };
  await simulation.settle(broker.services.cluster.createTopics([wanted], false, 10_000));
  const group = [...broker.raft.replicas()].find((each) => each.group !== CONTROLLER_GROUP)?.group;
  if (group === undefined) throw new Error("the broker has the topic's partition");

  const append = (): void => {
    const timestampMs = broker.world.clock.nowMs();
    const bytes = encodeBatch([{ key: null, value: new Uint8Array(100), timestampMs }]);
    const batch = { bytes, start: 0, end: bytes.length };
    broker.services.log.append(
      {
        name: "t",
        topicId: null,
        partition: 0,
        batch,
        acks: -1,
        timeoutMs: 5_000,
        allowsZstd: true,
      },
      () => {},
    );
  };
  append();
  await simulation.runForMs(100);
  const written = broker.journal.checkpoint();
  append();
  broker.raft.drop(group);
  broker.partitions.retire(group);
  await simulation.settle(written);

  cluster.at(1).crash("power");
  await simulation.runForMs(100);
  cluster.at(1).start(simulation.scheduler.nowUs);
  await simulation.until("the broker is up again", () => cluster.at(1).broker !== null);
  expect(simulation.fatals).toEqual([]);
  expect(simulation.logs.find("journal has a gap")).toEqual([]);
});
