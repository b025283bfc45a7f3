// Calls of simulated clients into the services of a broker, as if over a connection: a request takes its time, a frozen
// process takes it when it goes on, and a broker that dies answers nothing more; its callers learn it as a client does, by
// a lost connection.
import type { Broker } from "../../../internal/server/broker.ts";
import type { SimBroker, SimCluster } from "../cluster/sim-cluster.ts";
import { DELIVERY } from "../world/scheduler.ts";
import type { SeededEntropy } from "../world/seeded-entropy.ts";

const REQUEST_US_MAX = 300;

export interface Call<T> {
  isOver: boolean;
  /** What ends the request at the broker when the client waits no longer. */
  gaveUp: () => void;
  readonly settle: (value: T) => void;
}

export class BrokerCalls {
  readonly #cluster: SimCluster;
  readonly #entropy: SeededEntropy;
  /** Who waits for an answer of which process. */
  readonly #waiting = new Map<SimBroker, Set<() => void>>();

  constructor(cluster: SimCluster, entropy: SeededEntropy) {
    this.#cluster = cluster;
    this.#entropy = entropy;
    cluster.listen({ ended: (at) => this.#hangUp(at) });
  }

  /** A request reaches the process after a while; a frozen one when it goes on, and a dead one never. */
  deliver<T>(at: SimBroker, call: Call<T>, ask: (broker: Broker) => void): void {
    const { world } = at.node;
    const { broker } = at;
    if (world === null || broker === null) return;
    const delayUs = this.#entropy.between(20, REQUEST_US_MAX);
    this.#cluster.simulation.scheduler.at(delayUs, world.life, DELIVERY, "client request", () => {
      if (!call.isOver) ask(broker);
    });
  }

  /** A call settles once: with what it is given, or with `lost` when the process ends or time is over. */
  begin<T>(at: SimBroker, patienceMs: number, resolve: (value: T) => void, lost: T): Call<T> {
    const { scheduler } = this.#cluster.simulation;
    const waiting = this.#waitingFor(at);
    const call: Call<T> = {
      isOver: false,
      gaveUp: () => {},
      settle: (value) => {
        if (call.isOver) return;
        call.isOver = true;
        waiting.delete(hangUp);
        scheduler.cancel(timer);
        resolve(value);
      },
    };
    const hangUp = (): void => call.settle(lost);
    waiting.add(hangUp);
    const timer = scheduler.at(patienceMs * 1000, null, DELIVERY, "client gives up", () => {
      if (at.reachable !== null) call.gaveUp();
      call.settle(lost);
    });
    return call;
  }

  #waitingFor(at: SimBroker): Set<() => void> {
    let waiting = this.#waiting.get(at);
    if (waiting === undefined) this.#waiting.set(at, (waiting = new Set()));
    return waiting;
  }

  #hangUp(at: SimBroker): void {
    const waiting = [...this.#waitingFor(at)];
    if (waiting.length === 0) return;
    const delayUs = this.#entropy.between(50, 3_000);
    this.#cluster.simulation.scheduler.at(delayUs, null, DELIVERY, "connection lost", () => {
      for (const hangUp of waiting) hangUp();
    });
  }
}
