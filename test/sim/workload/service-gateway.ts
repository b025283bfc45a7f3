// Producers and consumers that call the services of a broker directly: no protocol, no connection, so that most of a
// run's time goes into replication.
import type { BrokerId, Offset } from "../../../internal/model/ids.ts";
import type { AppendFault } from "../../../internal/service/faults.ts";
import { LATEST } from "../../../internal/service/log-service.ts";
import type { FetchRequest } from "../../../internal/service/log-service.ts";
import type { Server } from "../checkers/served-reads.ts";
import type { Verdict } from "../checkers/verdict.ts";
import type { SimBroker, SimCluster } from "../cluster/sim-cluster.ts";
import { whoIs } from "../watch/cluster-watch.ts";
import type { SeededEntropy } from "../world/seeded-entropy.ts";
import { BrokerCalls } from "./broker-calls.ts";
import type { AppendAnswer, FetchOptions, Gateway, ReadAnswer, Target } from "./gateway.ts";

/** Of a thousand requests, how many go to a leader that is not the newest, or to anybody. */
const STALE_PERMILLE = 150;
const STALE_READ_PERMILLE = 500;
const ASTRAY_PERMILLE = 10;
const CLIENT_PATIENCE_MS = 400;

export class ServiceGateway implements Gateway {
  readonly #cluster: SimCluster;
  readonly #entropy: SeededEntropy;
  readonly #calls: BrokerCalls;

  constructor(cluster: SimCluster, entropy: SeededEntropy, verdict: Verdict) {
    this.#cluster = cluster;
    this.#entropy = entropy;
    this.#calls = new BrokerCalls(cluster, entropy);
    this.#calls.unanswered = (at, what) => {
      verdict.report("requests are answered", `broker ${at.id} has not answered ${what}`);
    };
  }

  append(to: Target, batch: Uint8Array, timeoutMs: number): Promise<AppendAnswer> {
    const at = this.#leaderOf(to);
    if (at === null) return Promise.resolve({ kind: "refused", why: "nobody leads" });
    return new Promise((resolve) => {
      const lost: AppendAnswer = { kind: "unknown", why: "connection lost" };
      const call = this.#calls.begin<AppendAnswer>(
        at,
        timeoutMs + CLIENT_PATIENCE_MS,
        resolve,
        lost,
        "an append",
      );
      this.#calls.deliver(at, call, (broker) => {
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
          else call.settle(answerOf(outcome.fault));
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
      const call = this.#calls.begin<boolean>(
        at,
        options.waitMs + CLIENT_PATIENCE_MS,
        resolve,
        false,
        "a fetch",
      );
      this.#calls.deliver(at, call, (broker) => {
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
    const call = this.#calls.begin<null>(at, CLIENT_PATIENCE_MS, () => {}, null);
    this.#calls.deliver(at, call, (broker) => {
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
      const call = this.#calls.begin<number | null>(at, 2_000, resolve, null);
      this.#calls.deliver(at, call, (broker) => {
        void broker.services.cluster
          .allocateProducerId(1_500)
          .then((id) => call.settle(id.ok ? id.value : null));
      });
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
}

function answerOf(fault: AppendFault): AppendAnswer {
  switch (fault.kind) {
    case "out-of-order-sequence":
      return { kind: "gap", expected: fault.expected };
    case "not-enough-replicas":
    case "unknown-topic":
    case "unknown-partition":
      return { kind: "refused", why: fault.kind };
    default:
      return { kind: "unknown", why: fault.kind };
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
