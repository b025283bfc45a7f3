// Where the contracts of the use cases are held: a broker that is alone in its cluster, and the services in memory that tests
// of the front ends use. On both there is the topic `t`.
import type { TopicId } from "../../internal/model/ids.ts";
import type { Services } from "../../internal/server/broker.ts";
import { SimCluster } from "../sim/cluster/sim-cluster.ts";
import { Simulation } from "../sim/world/sim-world.ts";
import { MemoryCluster } from "../wire/memory-cluster.ts";
import { MemoryElections } from "../wire/memory-elections.ts";
import { MemoryGroups } from "../wire/memory-groups.ts";
import { MemoryInspection } from "../wire/memory-inspection.ts";
import { MemoryLog } from "../wire/memory-log.ts";

export interface ServiceStage extends Services {
  readonly topicId: TopicId;
  runForMs(durationMs: number): Promise<void>;
  /** Lets time pass until it is settled. */
  settle<T>(promise: Promise<T>): Promise<T>;
}

/** Of `t`. */
export const PARTITIONS = 2;
const READY_US_MAX = 5_000_000;
const SETTLED_MS = 500;

export async function openBrokerStage(): Promise<ServiceStage> {
  const simulation = new Simulation({ seed: 1 });
  const cluster = new SimCluster(simulation, { brokers: 1 });
  cluster.startAll();
  await simulation.run({ until: () => cluster.isReady, untilUs: READY_US_MAX });
  const { broker } = cluster.at(1);
  if (broker === null) throw new Error("the broker runs");
  const topic = { name: "t", partitions: PARTITIONS, factor: 1, assignments: [], configs: [] };
  const made = broker.services.cluster.createTopics([topic], false, 5_000);
  const [created] = await simulation.settle(made);
  if (created?.outcome.ok !== true) throw new Error("the topic is made");
  const stage = stageOf(simulation, broker.services, created.outcome.value.topicId);
  await stage.settle(broker.services.groups.coordinatorOf("g", 5_000));
  await stage.runForMs(SETTLED_MS);
  return stage;
}

export async function openMemoryStage(): Promise<ServiceStage> {
  const simulation = new Simulation({ seed: 1 });
  const world = simulation.node("broker").boot();
  const log = new MemoryLog(world.clock);
  const cluster = new MemoryCluster(world.clock, log);
  const groups = new MemoryGroups(world, cluster);
  const inspection = new MemoryInspection(log);
  const elections = new MemoryElections(cluster);
  const topicId = cluster.addTopic("t", PARTITIONS);
  return stageOf(simulation, { log, cluster, groups, inspection, elections }, topicId);
}

function stageOf(simulation: Simulation, services: Services, topicId: TopicId): ServiceStage {
  return {
    ...services,
    topicId,
    runForMs: (durationMs) => simulation.runForMs(durationMs),
    settle: (promise) => simulation.settle(promise),
  };
}
