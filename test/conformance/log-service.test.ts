// The contract of the log service, held against that of a broker and against the one in memory.
import type { TopicId } from "../../internal/model/ids.ts";
import { SimCluster } from "../sim/cluster/sim-cluster.ts";
import { Simulation } from "../sim/world/sim-world.ts";
import { MemoryLog } from "../wire/memory-log.ts";
import { describeLogService } from "./log-service.ts";

const PARTITIONS = 2;

describeLogService("a broker", async () => {
  const simulation = new Simulation({ seed: 1 });
  const cluster = new SimCluster(simulation, { brokers: 1 });
  cluster.startAll();
  await simulation.run({ until: () => cluster.isReady, untilUs: 5_000_000 });
  const { broker } = cluster.at(1);
  if (broker === null) throw new Error("the broker runs");
  const topic = { name: "t", partitions: PARTITIONS, factor: 1, assignments: [], configs: [] };
  const made = broker.services.cluster.createTopics([topic], false, 5_000);
  const [created] = await simulation.settle(made);
  if (created?.outcome.ok !== true) throw new Error("the topic is made");
  await simulation.runForMs(500);
  const runForMs = (durationMs: number): Promise<void> => simulation.runForMs(durationMs);
  return { log: broker.services.log, topicId: created.outcome.value.topicId, runForMs };
});

describeLogService("tests", async () => {
  const simulation = new Simulation({ seed: 1 });
  const log = new MemoryLog(simulation.node("broker").boot().clock);
  const topicId = `${"C".repeat(21)}A` as TopicId;
  log.addTopic("t", topicId, PARTITIONS);
  return { log, topicId, runForMs: (durationMs) => simulation.runForMs(durationMs) };
});
