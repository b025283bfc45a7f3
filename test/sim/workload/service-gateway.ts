// Clients that call the services of a broker directly: no protocol, no connection, so that most of a run's time goes into
// replication. A broker that dies answers nothing more; its callers learn it as a client does, by a lost connection.
import type { BrokerId, Offset } from "../../../internal/model/ids.ts";
import type { Broker } from "../../../internal/server/broker.ts";
import type { AppendFault } from "../../../internal/service/faults.ts";
import { LATEST } from "../../../internal/service/log-service.ts";
import type { FetchRequest } from "../../../internal/service/log-service.ts";
import type { Server } from "../checkers/served-reads.ts";
import type { SimBroker, SimCluster } from "../cluster/sim-cluster.ts";
import { whoIs } from "../watch/cluster-watch.ts";
import { DELIVERY } from "../world/scheduler.ts";
import type { SeededEntropy } from "../world/seeded-entropy.ts";
import type { AppendAnswer, FetchOptions, Gateway, ReadAnswer, Target } from "./gateway.ts";

/** Of a thousand requests, how many go to a leader that is not the newest, or to anybody. */
const STALE_PERMILLE = 150;
const STALE_READ_PERMILLE = 500;
const ASTRAY_PERMILLE = 10;
const CLIENT_PATIENCE_MS = 400;
const REQUEST_US_MAX = 300;

interface Call<T> {
  isOver: boolean;
  /** What ends the request at the broker when the client waits no longer. */
  gaveUp: () => void;
  readonly settle: (value: T) => void;
}

export class ServiceGateway implements Gateway {
  readonly #cluster: SimCluster;
  readonly #entropy: SeededEntropy;
  /** Who waits for an answer of which process. */
  readonly #waiting = new Map<SimBroker, Set<() => void>>();

  constructor(cluster: SimCluster, entropy: SeededEntropy) {
    this.#cluster = cluster;
    this.#entropy = entropy;
    cluster.listen({ ended: (at) => this.#hangUp(at) });
  }

  append(to: Target, batch: Uint8Array, timeoutMs: number): Promise<AppendAnswer> {
    const at = this.#leaderOf(to);
    if (at === null) return Promise.resolve({ kind: "refused", why: "nobody leads" });
    return new Promise((resolve) => {
      const lost: AppendAnswer = { kind: "unknown", why: "connection lost" };
      const call = this.#call<AppendAnswer>(at, timeoutMs + CLIENT_PATIENCE_MS, resolve, lost);
      this.#deliver(at, call, (broker) => {
        const request = {
          name: to.topic,
          topicId: null,
          partition: to.partition,
          // A broker writes into what it takes.
          batch: { bytes: batch.slice(), start: 0, end: batch.length },
          acks: -1,
          timeoutMs,
          allowsZstd: true,
        };
        const taken = broker.services.log.append(request, (outcome) => {
          if (outcome.ok) call.settle({ kind: "acknowledged", offset: outcome.value.baseOffset });
          else call.settle(this.#answerOf(outcome.fault, to, broker));
        });
        if (taken === "busy") call.settle({ kind: "refused", why: "busy" });
      });
    });
  }

  fetch(
    from: Target,
    offset: number,
    options: FetchOptions,
    take: (answer: ReadAnswer) => void,
  ): Promise<boolean> {
    const { broker: asked } = options;
    const at = asked === null ? this.#leaderOf(from, STALE_READ_PERMILLE) : this.#cluster.at(asked);
    if (at === null || at.broker === null) return Promise.resolve(false);
    return new Promise((resolve) => {
      const call = this.#call<boolean>(at, options.waitMs + CLIENT_PATIENCE_MS, resolve, false);
      this.#deliver(at, call, (broker) => {
        // A replica that was moved away and back is another one, and knows nothing at first.
        const who = `${whoIs(at, broker)}/${broker.raft.replica(from.group)?.self ?? 0}`;
        const request = fetchRequest(from, offset, options);
        call.gaveUp = broker.services.log.fetch(request, (fetched) => {
          const [answer] = fetched.partitions;
          if (answer !== undefined && !call.isOver) {
            // Only a leader answers a request that allows no follower.
            const asLeader = options.broker === null;
            const leads = asLeader || broker.partitions.get(from.group)?.leads === true;
            const fault = answer.fault?.kind ?? null;
            const highWatermark = fault === null ? answer.highWatermark : -1;
            take({ by: { who, leads }, fault, highWatermark, slices: answer.slices });
          }
          fetched.release();
          call.settle(true);
        });
      });
    });
  }

  leaders(of: Target): readonly BrokerId[] {
    return this.#cluster.brokers.filter((at) => leadsHere(at, of)).map(({ id }) => id);
  }

  latest(of: Target, asked: BrokerId, take: (by: Server, highWatermark: number) => void): void {
    const at = this.#cluster.at(asked);
    const call = this.#call<null>(at, CLIENT_PATIENCE_MS, () => {}, null);
    this.#deliver(at, call, (broker) => {
      const who = `${whoIs(at, broker)}/${broker.raft.replica(of.group)?.self ?? 0}`;
      const address = { name: of.topic, topicId: null, partition: of.partition };
      void broker.services.log.offset(address, -1, LATEST, false).then((answer) => {
        if (answer.ok && !call.isOver) take({ who, leads: true }, answer.value.offset);
        call.settle(null);
      });
    });
  }

  async producerId(): Promise<number | null> {
    const reachable = this.#cluster.brokers.filter((at) => at.reachable !== null);
    const at = reachable[this.#entropy.below(Math.max(1, reachable.length))];
    if (at === undefined) return null;
    return new Promise((resolve) => {
      const call = this.#call<number | null>(at, 2_000, resolve, null);
      this.#deliver(at, call, (broker) => {
        void broker.services.cluster
          .allocateProducerId(1_500)
          .then((id) => call.settle(id.ok ? id.value : null));
      });
    });
  }

  /** A request reaches the process after a while; a frozen one when it goes on, and a dead one never. */
  #deliver<T>(at: SimBroker, call: Call<T>, ask: (broker: Broker) => void): void {
    const { world } = at.node;
    const { broker } = at;
    if (world === null || broker === null) return;
    const delayUs = this.#entropy.between(20, REQUEST_US_MAX);
    this.#cluster.simulation.scheduler.at(delayUs, world.life, DELIVERY, "client request", () => {
      if (!call.isOver) ask(broker);
    });
  }

  /** A call settles once: with what it is given, or with `lost` when the process ends or time is over. */
  #call<T>(at: SimBroker, patienceMs: number, resolve: (value: T) => void, lost: T): Call<T> {
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

  #leaderOf(target: Target, stalePermille = STALE_PERMILLE): SimBroker | null {
    const { brokers } = this.#cluster;
    if (this.#entropy.chance(ASTRAY_PERMILLE)) {
      return brokers[this.#entropy.below(brokers.length)] as SimBroker;
    }
    const leaders = brokers.filter((at) => leadsHere(at, target));
    if (leaders.length > 1 && this.#entropy.chance(stalePermille)) {
      return leaders[this.#entropy.below(leaders.length)] as SimBroker;
    }
    let best: SimBroker | null = null;
    for (const at of leaders) {
      if (best === null || termHere(at, target) > termHere(best, target)) best = at;
    }
    return best;
  }

  #isNewest(broker: Broker, target: Target): boolean {
    const term = broker.raft.replica(target.group)?.machine.term ?? -1;
    return this.#cluster.brokers.every((at) => termHere(at, target) <= term);
  }

  #answerOf(fault: AppendFault, to: Target, broker: Broker): AppendAnswer {
    switch (fault.kind) {
      case "out-of-order-sequence": {
        const definitive = this.#isNewest(broker, to);
        return { kind: "gap", expected: fault.expected, definitive };
      }
      case "not-enough-replicas":
      case "unknown-topic":
      case "unknown-partition":
        return { kind: "refused", why: fault.kind };
      default:
        return { kind: "unknown", why: fault.kind };
    }
  }
}

function fetchRequest(from: Target, fetchOffset: number, options: FetchOptions): FetchRequest {
  const { topic: name, partition } = from;
  const { waitMs, bytesMax, broker } = options;
  const of = {
    name,
    topicId: null,
    partition,
    fetchOffset: fetchOffset as Offset,
    leaderEpoch: -1,
    lastFetchedEpoch: -1,
    bytesMax,
  };
  return {
    partitions: [of],
    waitMsMax: waitMs,
    bytesMin: 1,
    bytesMax,
    readCommitted: false,
    allowsFollower: broker !== null,
  };
}

/** A frozen broker leads as far as anybody knows who asks it. */
function leadsHere(at: SimBroker, { group }: Target): boolean {
  return at.broker?.raft.replica(group)?.leads === true;
}

function termHere(at: SimBroker, { group }: Target): number {
  return at.broker?.raft.replica(group)?.machine.term ?? -1;
}
