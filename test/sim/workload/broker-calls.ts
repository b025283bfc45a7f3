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

  /** Told of requests that a process in order left without an answer for longer than it may. */
  unanswered: (at: SimBroker, what: string) => void = () => {};

  /**
   * A call settles once: with what it is given, or with `lost` when the process ends or time is over. `owed` says what is
   * asked where an answer must come by then.
   */
  begin<T>(
    at: SimBroker,
    patienceMs: number,
    resolve: (value: T) => void,
    lost: T,
    owed: string | null = null,
  ): Call<T> {
    const { scheduler } = this.#cluster.simulation;
    const world = at.hasFrontEnds ? at.node.world : null;
    const askedUs = scheduler.nowUs;
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
      const isSame = world !== null && at.node.world === world && at.hasFrontEnds;
      const hasHadTime = isSame && wasInOrder(at, askedUs);
      if (owed !== null && hasHadTime) this.unanswered(at, `${owed} for ${patienceMs} ms`);
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

/** Its process ran all the while, and no file of it kept anybody waiting. */
function wasInOrder({ node }: SimBroker, sinceUs: number): boolean {
  const { world, disk } = node;
  if (world === null || node.frozen || world.life.thawedAtUs >= sinceUs) return false;
  return disk.stalledUntilUs("bulk") <= sinceUs;
}
