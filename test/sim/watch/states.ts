// Which states of brokers and groups a run has been in, and in which of them something died: a simulator that has ordered
// many faults has proved little if they all struck clusters at rest. Looked at now and then, and whenever a process ends.
import type { Replica } from "../../../internal/replica/replica.ts";
import type { Broker } from "../../../internal/server/broker.ts";
import type { SimBroker, SimCluster } from "../cluster/sim-cluster.ts";

/** What a replica, or its broker, may be in. */
const STATES = {
  "led and may not serve": (replica, { raft }) => replica.serves && !raft.mayServe(replica),
  "led and had not committed": ({ leads, serves }) => leads && !serves,
  "gave a leadership away": ({ machine }) => machine.transferTarget !== null,
  "had a joint configuration": ({ machine }) => machine.configuration.votersOutgoing.length > 0,
  "had a learner": ({ machine }) => machine.configuration.learners.length > 0,
  "had an uncommitted change": ({ machine }) => !machine.configurationCommitted,
  "was suspect": ({ machine }) => machine.standing === "suspect",
  "was quiet": ({ machine }) => machine.standing === "quiet",
  "had damaged entries": ({ damaged }) => damaged.size > 0,
  "knew no leader": ({ machine }) => machine.leader === null,
  "was a candidate": ({ machine }) => machine.role === "candidate",
  "had entries that may go": ({ machine }) => machine.lastIndex > machine.commit,
  "had entries that were not durable": ({ machine }) => machine.lastIndex > machine.durableIndex,
} as const satisfies Record<string, (replica: Replica, broker: Broker) => boolean>;

export type StateName = keyof typeof STATES;
export const STATE_NAMES = Object.keys(STATES) as readonly StateName[];

/** How often a state was entered, and how often a process ended in it. */
export type StateCounts = Record<`${StateName}${"" | ", and died"}`, number>;

export function noStates(): StateCounts {
  const names = STATE_NAMES.flatMap((name) => [name, `${name}, and died`]);
  return Object.fromEntries(names.map((name) => [name, 0])) as StateCounts;
}

export class StateWatch {
  readonly counts = noStates();
  readonly #cluster: SimCluster;
  /** The states that were seen at the last look. */
  #before = new Map<Replica, ReadonlySet<StateName>>();

  constructor(cluster: SimCluster) {
    this.#cluster = cluster;
    cluster.listen({ ended: (at, broker) => this.#ended(at, broker) });
  }

  look(): void {
    const now = new Map<Replica, ReadonlySet<StateName>>();
    for (const { broker } of this.#cluster.brokers) {
      for (const replica of broker?.raft.replicas() ?? []) {
        const states = statesOf(replica, broker as Broker);
        const before = this.#before.get(replica);
        for (const name of states) if (before?.has(name) !== true) this.counts[name]++;
        if (states.size > 0) now.set(replica, states);
      }
    }
    this.#before = now;
  }

  #ended(_: SimBroker, broker: Broker | null): void {
    if (broker === null) return;
    const all = new Set<StateName>();
    for (const replica of broker.raft.replicas()) {
      for (const name of statesOf(replica, broker)) all.add(name);
    }
    for (const name of all) this.counts[`${name}, and died`]++;
  }
}

function statesOf(replica: Replica, broker: Broker): Set<StateName> {
  return new Set(STATE_NAMES.filter((name) => STATES[name](replica, broker)));
}
