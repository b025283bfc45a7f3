// Clients that call the services of a broker directly: no protocol, no connection, so that most of a run's time goes into
// replication. A broker that dies answers nothing more; its callers learn it as a client does, by a lost connection.
import type { BrokerId } from "../../../internal/model/ids.ts";
import type { Broker } from "../../../internal/server/broker.ts";
import type { AppendFault } from "../../../internal/service/faults.ts";
import type { SimBroker, SimCluster } from "../cluster/sim-cluster.ts";
import { whoIs } from "../watch/cluster-watch.ts";
import { DELIVERY } from "../world/scheduler.ts";
import type { SeededEntropy } from "../world/seeded-entropy.ts";
import type { AppendAnswer, Gateway, ReadAnswer, Target } from "./gateway.ts";

/** Of a thousand requests, how many go to a leader that is not the newest, or to anybody. */
const STALE_PERMILLE = 150;
const ASTRAY_PERMILLE = 10;
const CLIENT_PATIENCE_MS = 400;

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
    const broker = at?.reachable ?? null;
    if (at === null || broker === null) {
      return Promise.resolve({ kind: "refused", why: "nobody leads" });
    }
    return new Promise((resolve) => {
      const lost: AppendAnswer = { kind: "unknown", why: "connection lost" };
      const settle = this.#call<AppendAnswer>(at, timeoutMs + CLIENT_PATIENCE_MS, resolve, lost);
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
        if (outcome.ok) settle({ kind: "acknowledged", offset: outcome.value.baseOffset });
        else settle(this.#answerOf(outcome.fault, to, broker));
      });
      if (taken === "busy") settle({ kind: "refused", why: "busy" });
    });
  }

  fetch(
    from: Target,
    offset: number,
    options: {
      readonly waitMs: number;
      readonly bytesMax: number;
      readonly broker: BrokerId | null;
    },
    take: (answer: ReadAnswer) => void,
  ): Promise<boolean> {
    const at = options.broker === null ? this.#leaderOf(from) : this.#cluster.at(options.broker);
    const broker = at?.reachable ?? null;
    if (at === null || broker === null) return Promise.resolve(false);
    // A replica that was moved away and back is another one, and knows nothing at first.
    const who = `${whoIs(at, broker)}/${broker.raft.replica(from.group)?.self ?? 0}`;
    return new Promise((resolve) => {
      const patienceMs = options.waitMs + CLIENT_PATIENCE_MS;
      let cancel = (): void => {};
      let gaveUp = false;
      const settle = this.#call<boolean>(at, patienceMs, resolve, false, () => {
        gaveUp = true;
        cancel();
      });
      const partition = {
        name: from.topic,
        topicId: null,
        partition: from.partition,
        fetchOffset: offset as never,
        leaderEpoch: -1,
        lastFetchedEpoch: -1,
        bytesMax: options.bytesMax,
      };
      const request = {
        partitions: [partition],
        waitMsMax: options.waitMs,
        bytesMin: 1,
        bytesMax: options.bytesMax,
        readCommitted: false,
        allowsFollower: options.broker !== null,
      };
      cancel = broker.services.log.fetch(request, (fetched) => {
        const [answer] = fetched.partitions;
        if (answer !== undefined && !gaveUp) {
          // Only a leader answers a request that allows no follower.
          const asLeader = options.broker === null;
          const leads = asLeader || broker.partitions.get(from.group)?.leads === true;
          const fault = answer.fault?.kind ?? null;
          const highWatermark = fault === null ? answer.highWatermark : -1;
          take({ by: { who, leads }, fault, highWatermark, slices: answer.slices });
        }
        fetched.release();
        settle(true);
      });
    });
  }

  async producerId(): Promise<number | null> {
    const reachable = this.#cluster.brokers.filter((at) => at.reachable !== null);
    const at = reachable[this.#entropy.below(Math.max(1, reachable.length))];
    const broker = at?.reachable ?? null;
    if (at === undefined || broker === null) return null;
    return new Promise((resolve) => {
      const settle = this.#call<number | null>(at, 2_000, resolve, null);
      void broker.services.cluster
        .allocateProducerId(1_500)
        .then((id) => settle(id.ok ? id.value : null));
    });
  }

  /** Makes a function that settles once: with what it is given, or with `lost` when the process ends or time is over. */
  #call<T>(
    at: SimBroker,
    patienceMs: number,
    resolve: (value: T) => void,
    lost: T,
    gaveUp: () => void = () => {},
  ): (value: T) => void {
    const { scheduler } = this.#cluster.simulation;
    const waiting = this.#waitingFor(at);
    let isOver = false;
    const settle = (value: T): void => {
      if (isOver) return;
      isOver = true;
      waiting.delete(hangUp);
      scheduler.cancel(timer);
      resolve(value);
    };
    const hangUp = (): void => settle(lost);
    waiting.add(hangUp);
    const timer = scheduler.at(patienceMs * 1000, null, DELIVERY, "client gives up", () => {
      gaveUp();
      settle(lost);
    });
    return settle;
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

  #leaderOf(target: Target): SimBroker | null {
    const { brokers } = this.#cluster;
    if (this.#entropy.chance(ASTRAY_PERMILLE)) {
      return brokers[this.#entropy.below(brokers.length)] as SimBroker;
    }
    const leaders = brokers.filter((at) => leadsHere(at, target));
    if (leaders.length > 1 && this.#entropy.chance(STALE_PERMILLE)) {
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

function leadsHere(at: SimBroker, { group }: Target): boolean {
  return at.reachable?.raft.replica(group)?.leads === true;
}

function termHere(at: SimBroker, { group }: Target): number {
  return at.broker?.raft.replica(group)?.machine.term ?? -1;
}
