// Leaders of many groups sleep through their succession and wake up to new links: for a moment they have echoes, and have
// not yet heard of their successors (L5). Looked at after every event.
import type { BrokerFaults } from "../../internal/server/broker.ts";
import { Book } from "../sim/checkers/book.ts";
import { Verdict } from "../sim/checkers/verdict.ts";
import type { Property } from "../sim/checkers/verdict.ts";
import { SimCluster } from "../sim/cluster/sim-cluster.ts";
import type { SimBroker } from "../sim/cluster/sim-cluster.ts";
import { ClusterWatch } from "../sim/watch/cluster-watch.ts";
import { Simulation } from "../sim/world/sim-world.ts";

const SEEDS = 12;
const PARTITIONS = 30;
const SLEEP_MS = 1_500;
const WATCHED_MS = 300;

/** What is found broken within a few seeds. */
export async function wakeLeaders(faults: BrokerFaults): Promise<readonly Property[]> {
  const verdict = new Verdict();
  for (let seed = 1; seed <= SEEDS && !verdict.failed; seed++) {
    const simulation = new Simulation({ seed });
    const cluster = new SimCluster(simulation, { brokers: 3, faults });
    const watch = new ClusterWatch(cluster, new Book(verdict), {
      moment: () => {},
      mayLack: () => false,
    });
    simulation.scheduler.tracer = () => watch.settle();
    cluster.startAll();
    await simulation.until("the cluster is ready", () => cluster.isReady);
    const [sleeper, ...others] = cluster.brokers as [SimBroker, ...SimBroker[]];
    const topic = { name: "t", partitions: PARTITIONS, factor: 3, assignments: [], configs: [] };
    const services = sleeper.broker?.services;
    await simulation.settle(
      services?.cluster.createTopics([topic], false, 10_000) ?? Promise.reject(),
    );
    await simulation.runForMs(1_000);
    sleeper.node.freeze();
    await simulation.runForMs(SLEEP_MS);
    for (const { node } of others) simulation.network.resetBetween(sleeper.node.name, node.name);
    sleeper.node.thaw();
    await simulation.runForMs(WATCHED_MS);
  }
  return verdict.broken;
}
