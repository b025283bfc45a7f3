// Members of consumer groups that call the services of a broker directly. Every answer that is no refusal is held against
// what is committed, at the moment at which the broker gives it.
import type { Result } from "../../../internal/base/result.ts";
import type {
  CommitRequest,
  ConsumerBeatAnswer,
  ConsumerBeatRequest,
  FetchClaim,
  FetchedOffset,
  GroupFault,
  GroupService,
  HeartbeatRequest,
  JoinAnswer,
  JoinRequest,
  LeaveRequest,
  SyncAnswer,
  SyncRequest,
} from "../../../internal/service/group-service.ts";
import type { BrokerId } from "../../../internal/model/ids.ts";
import type { Broker } from "../../../internal/server/broker.ts";
import type { Book } from "../checkers/book.ts";
import { partitionsOf } from "../checkers/group-partition-log.ts";
import type { SentCommit } from "../checkers/sent-commits.ts";
import type { SimBroker, SimCluster } from "../cluster/sim-cluster.ts";
import type { CoordinatorWatch } from "../watch/coordinator-watch.ts";
import type { SeededEntropy } from "../world/seeded-entropy.ts";
import { BrokerCalls } from "./broker-calls.ts";

/** What a client knows of a call whose answer never came. */
export type Lost = "lost";

const FIND_MS_MAX = 1_500;
const TOPIC_WITHIN_MS = 1_000;
const CALL_MS_MAX = 700;

/** Refusals that are made before anything is written. Any other fault may come after its record. */
const DEFINITE: ReadonlySet<GroupFault> = new Set([
  "unknown-member",
  "illegal-generation",
  "stale-epoch",
  "fenced-instance",
  "rebalance-in-progress",
  "group-not-found",
  "coordinator-loading",
  "unknown-topic",
]);

export class GroupGateway {
  readonly #cluster: SimCluster;
  readonly #book: Book;
  readonly #watch: CoordinatorWatch;
  readonly #entropy: SeededEntropy;
  readonly #calls: BrokerCalls;

  constructor(cluster: SimCluster, book: Book, watch: CoordinatorWatch, entropy: SeededEntropy) {
    this.#cluster = cluster;
    this.#book = book;
    this.#watch = watch;
    this.#entropy = entropy;
    this.#calls = new BrokerCalls(cluster, entropy);
  }

  /** FindCoordinator, of anybody. */
  coordinatorOf(group: string): Promise<BrokerId | null> {
    const reachable = this.#cluster.brokers.filter((at) => at.reachable !== null);
    const at = reachable[this.#entropy.below(Math.max(1, reachable.length))];
    if (at === undefined) return Promise.resolve(null);
    return new Promise((resolve) => {
      const call = this.#calls.begin<BrokerId | null>(at, FIND_MS_MAX, resolve, null);
      this.#calls.deliver(at, call, (broker) => {
        void broker.services.groups
          .coordinatorOf(group, TOPIC_WITHIN_MS)
          .then((found) => call.settle(found.ok ? found.value : null));
      });
    });
  }

  /** Everybody who holds itself for the group's coordinator now. */
  coordinators(group: string): readonly BrokerId[] {
    const replicas = this.#watch.groupAt(this.#watch.indexOf(group));
    if (replicas === null) return [];
    return this.#cluster.brokers
      .filter((at) => at.broker?.raft.replica(replicas)?.leads === true)
      .map(({ id }) => id);
  }

  join(to: BrokerId, request: JoinRequest, patienceMs: number): Promise<JoinAnswer | Lost> {
    return this.#ask(to, patienceMs, (broker, groups, settle) => {
      groups.join(request, (answer) => {
        if (answer.fault === null) this.#answers(broker, request.group, "JoinGroup");
        settle(answer);
      });
    });
  }

  sync(
    to: BrokerId,
    request: SyncRequest,
    client: string,
    patienceMs: number,
  ): Promise<SyncAnswer | Lost> {
    const { group, generation } = request;
    return this.#ask(to, patienceMs, (broker, groups, settle) => {
      groups.sync(request, (answer) => {
        if (answer.fault === null) {
          const index = this.#answers(broker, group, "SyncGroup")?.index ?? 0;
          const owned = partitionsOf(answer.assignment);
          this.#book.groups.partition(index).owns(group, generation, client, owned);
        }
        settle({ ...answer, assignment: answer.assignment.slice() });
      });
    });
  }

  heartbeat(to: BrokerId, request: HeartbeatRequest): Promise<GroupFault | null | Lost> {
    return this.#ask(to, CALL_MS_MAX, (broker, groups, settle) => {
      const fault = groups.heartbeat(request);
      if (fault === null) this.#answers(broker, request.group, "Heartbeat");
      settle(fault);
    });
  }

  consumerBeat(to: BrokerId, request: ConsumerBeatRequest): Promise<ConsumerBeatAnswer | Lost> {
    return this.#ask(to, CALL_MS_MAX, (broker, groups, settle) => {
      groups.consumerBeat(request, (answer) => {
        if (answer.fault === null) this.#answers(broker, request.group, "ConsumerGroupHeartbeat");
        settle(answer);
      });
    });
  }

  leave(to: BrokerId, request: LeaveRequest): Promise<GroupFault | null | Lost> {
    return this.#ask(to, CALL_MS_MAX, (broker, groups, settle) => {
      groups.leave(request, ({ fault }) => {
        if (fault === null) this.#answers(broker, request.group, "LeaveGroup");
        settle(fault);
      });
    });
  }

  /** The request commits one offset, whose metadata is the commit's tag. */
  async commit(to: BrokerId, request: CommitRequest): Promise<GroupFault | null | Lost> {
    const { group, memberId, generation, offsets } = request;
    const tag = offsets[0]?.metadata ?? "";
    const commit: SentCommit = {
      ...{ tag, group, memberId, generation },
      fate: "open",
      isCommitted: false,
    };
    const { sent } = this.#book.groups;
    sent.sent(commit);
    const answer = await this.#ask<GroupFault | null>(to, CALL_MS_MAX, (broker, groups, settle) => {
      groups.commit(request, ([fault = null]) => {
        if (fault === null) {
          this.#answers(broker, group, "OffsetCommit");
          sent.acknowledge(commit);
        } else if (DEFINITE.has(fault)) sent.refuse(commit);
        settle(fault);
      });
    });
    if (commit.fate === "open") commit.fate = "unknown";
    return answer;
  }

  /** OffsetFetch of everything that the group has committed. */
  async fetch(
    to: BrokerId,
    group: string,
    topic: string,
    partitions: readonly number[],
    by?: FetchClaim,
  ): Promise<readonly FetchedOffset[] | GroupFault | Lost> {
    const index = this.#watch.indexOf(group);
    const from = index < 0 ? 0 : this.#book.groups.partition(index).length;
    const asked = [{ name: topic, topicId: null, partitions }];
    return this.#ask<readonly FetchedOffset[] | GroupFault>(
      to,
      CALL_MS_MAX,
      (broker, groups, settle) => {
        const done = (outcome: Result<readonly FetchedOffset[], GroupFault>): void => {
          if (!outcome.ok) return settle(outcome.fault);
          this.#tells(broker, group, topic, from, outcome.value);
          settle(outcome.value);
        };
        groups.fetch(group, asked, done, by);
      },
    );
  }

  #tells(
    broker: Broker,
    group: string,
    topic: string,
    from: number,
    fetched: readonly FetchedOffset[],
  ): void {
    const { who, index } = this.#answers(broker, group, "OffsetFetch") ?? { who: "", index: -1 };
    if (index < 0) return;
    for (const { partition, committed } of fetched) {
      this.#book.groups.tells(who, index, from, { group, topic, partition }, committed);
    }
  }

  /** Who answers, if it may. */
  #answers(broker: Broker, group: string, what: string) {
    const index = this.#watch.indexOf(group);
    const watched = this.#watch.at(broker, index);
    const replicas = this.#watch.groupAt(index);
    if (watched === null || replicas === null) return null;
    const { who, partition, coordinator } = watched;
    const log = this.#book.settled(replicas);
    this.#book.groups.answers({ who, what: `${what} of ${group}`, partition, coordinator, log });
    return watched;
  }

  #ask<T>(
    to: BrokerId,
    patienceMs: number,
    ask: (broker: Broker, groups: GroupService, settle: (answer: T) => void) => void,
  ): Promise<T | Lost> {
    const at: SimBroker = this.#cluster.at(to);
    return new Promise((resolve) => {
      const call = this.#calls.begin<T | Lost>(at, patienceMs, resolve, "lost");
      this.#calls.deliver(at, call, (broker) => ask(broker, broker.services.groups, call.settle));
    });
  }
}
