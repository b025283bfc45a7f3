// A voter that has promised its loyalty is killed and back at once, and remembers no promise (L5): the leader that counts on it is
// cut off from it in that moment, and another candidate asks it for its vote.
import { CONTROLLER_GROUP } from "../../internal/model/ids.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import type { BrokerFaults } from "../../internal/server/broker.ts";
import { SimCluster } from "../sim/cluster/sim-cluster.ts";
import type { SimBroker } from "../sim/cluster/sim-cluster.ts";
import { Simulation } from "../sim/world/sim-world.ts";

const SEEDS = 12;
const LOOK_MS = 2;

function replicaAt({ broker }: SimBroker): Replica | undefined {
  return [...(broker?.raft.replicas() ?? [])].find(({ group }) => group !== CONTROLLER_GROUP);
}

function serves(at: SimBroker): boolean {
  const replica = replicaAt(at);
  return replica !== undefined && at.broker?.raft.mayServe(replica) === true;
}

/** Whether two brokers of the group were seen to serve at the same moment. */
async function twoServe(seed: number, faults: BrokerFaults): Promise<boolean> {
  const simulation = new Simulation({ seed });
  const cluster = new SimCluster(simulation, { brokers: 3, faults });
  cluster.startAll();
  await simulation.until("the cluster is ready", () => cluster.isReady);
  const assignments = [{ partition: 0, brokers: cluster.brokers.map(({ id }) => id) }];
  const topic = { name: "t", partitions: -1, factor: -1, assignments, configs: [] };
  const services = cluster.at(1).broker?.services;
  await simulation.settle(
    services?.cluster.createTopics([topic], false, 10_000) ?? Promise.reject(),
  );
  const [leader, voter, rival] = cluster.brokers as [SimBroker, SimBroker, SimBroker];
  await simulation.until("the first broker serves", () => serves(leader));
  await simulation.runForMs(1_000);
  const { links } = simulation.network;
  links.cut(leader.node.name, rival.node.name);
  await simulation.until(
    "the rival knows no leader",
    () => replicaAt(rival)?.machine.leader === null,
  );
  links.cut(leader.node.name, voter.node.name);
  voter.crash("kill");
  voter.start(simulation.scheduler.nowUs);
  for (let ms = 0; ms < 600; ms += LOOK_MS) {
    await simulation.runForMs(LOOK_MS);
    if (serves(leader) && (serves(rival) || serves(voter))) return true;
  }
  return false;
}

export async function restartVoters(faults: BrokerFaults): Promise<boolean> {
  for (let seed = 1; seed <= SEEDS; seed++) if (await twoServe(seed, faults)) return true;
  return false;
}
