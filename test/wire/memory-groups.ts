// Consumer groups without a cluster: the use cases over one coordinator whose log is a list in memory and commits at the
// end of the turn.
import { NO_LOG } from "../../internal/coordinator/group-requests.ts";
import { ASSIGNORS } from "../../internal/coordinator/assignors/assignors.ts";
import { GroupCoordinator } from "../../internal/coordinator/group-coordinator.ts";
import type { CoordinatorSettings } from "../../internal/coordinator/group-coordinator.ts";
import { metadataFault } from "../../internal/coordinator/group-limits.ts";
import { SubscribedTopics } from "../../internal/coordinator/subscribed-topics.ts";
import type { TopicCatalog } from "../../internal/coordinator/topic-catalog.ts";
import type { NamedCommitted } from "../../internal/coordinator/group-offsets.ts";
import { TimerWheel } from "../../internal/coordinator/timer-wheel.ts";
import { failed, ok } from "../../internal/base/result.ts";
import type { Result } from "../../internal/base/result.ts";
import type { BrokerId, LogIndex, Term } from "../../internal/model/ids.ts";
import type { Clock } from "../../internal/ports/clock.ts";
import type { World } from "../../internal/ports/world.ts";
import type { ClusterService } from "../../internal/service/cluster-service.ts";
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
  LeaveAnswer,
  LeaveRequest,
  OffsetOutcome,
  OffsetsAsked,
  SyncAnswer,
  SyncRequest,
  TopicName,
} from "../../internal/service/group-service.ts";
import type { CommandFollower, CommandLog } from "../../internal/statelog/command-log.ts";

const SETTINGS: CoordinatorSettings = {
  initialDelayMs: 0,
  membersMax: 100,
  sessionMsMin: 1_000,
  sessionMsMax: 1_800_000,
  offsetMetadataBytesMax: 4_096,
  entryBytesMax: 1_000_000,
  offsetsRetentionMs: 7 * 24 * 3_600_000,
  consumer: {
    membersMax: 100,
    sessionMs: () => 45_000,
    heartbeatIntervalMs: () => 5_000,
    assignors: ASSIGNORS,
    migration: "bidirectional",
  },
};

class TurnLog implements CommandLog {
  readonly #clock: Clock;
  #follower: CommandFollower | null = null;
  #index = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  attach(follower: CommandFollower): void {
    this.#follower = follower;
  }

  mayAnswer(): boolean {
    return true;
  }

  lead(): void {
    this.#follower?.leading(1 as Term);
  }

  propose(payload: Uint8Array): ReturnType<CommandLog["propose"]> {
    const index = ++this.#index as LogIndex;
    const term = 1 as Term;
    this.#clock.turnEnd(() => this.#follower?.applied(index, term, payload, 0, payload.length));
    return { ok: true, term, index };
  }
}

export class MemoryGroups implements GroupService {
  /** The internal topic cannot be made: whoever asks for a coordinator waits in vain, for as long as is listed here. */
  isFounding = false;
  readonly waitedMs: number[] = [];
  readonly #clock: Clock;
  readonly #cluster: ClusterService;
  readonly #coordinator: GroupCoordinator;
  readonly #subscribed: SubscribedTopics;

  constructor(world: World, cluster: ClusterService) {
    this.#clock = world.clock;
    this.#cluster = cluster;
    this.#subscribed = new SubscribedTopics(catalogOf(cluster));
    const log = new TurnLog(world.clock);
    this.#coordinator = new GroupCoordinator(log, {
      clock: world.clock,
      entropy: world.entropy,
      wheel: new TimerWheel(world.clock),
      settings: SETTINGS,
      subscribed: this.#subscribed,
      refusal: () => null,
      hasRoom: () => true,
      undecodable: (_index, detail) => world.fatal("undecodable", detail),
    });
    log.lead();
  }

  async coordinatorOf(group: string, withinMs: number): Promise<Result<BrokerId, GroupFault>> {
    if (this.isFounding) {
      this.waitedMs.push(withinMs);
      await new Promise<void>((resolve) => this.#clock.after(withinMs, resolve));
      return failed("coordinator-not-available");
    }
    return group === "" ? failed("invalid-group-id") : ok(this.#cluster.broker);
  }

  join(request: JoinRequest, done: (answer: JoinAnswer) => void): void {
    this.#coordinator.join(request, done);
  }

  sync(request: SyncRequest, done: (answer: SyncAnswer) => void): void {
    this.#coordinator.sync(request, done);
  }

  heartbeat(request: HeartbeatRequest): GroupFault | null {
    return this.#coordinator.heartbeat(request);
  }

  leave(request: LeaveRequest, done: (answer: LeaveAnswer) => void): void {
    this.#coordinator.leave(request, done);
  }

  consumerBeat(request: ConsumerBeatRequest, done: (answer: ConsumerBeatAnswer) => void): void {
    // Nobody tells when tests make topics.
    this.#subscribed.changed();
    this.#coordinator.consumerBeat(request, done);
  }

  commit(request: CommitRequest, done: (faults: readonly (GroupFault | null)[]) => void): void {
    const faults = request.offsets.map(
      (one) => this.#topicFault(one, one.partition) ?? metadataFault(one.metadata, SETTINGS),
    );
    const offsets = request.offsets
      .filter((_one, at) => faults[at] === null)
      .map((one) => ({ ...one, log: NO_LOG, topic: this.#nameOf(one) }));
    this.#coordinator.commit({ ...request, offsets }, (fault) =>
      done(faults.map((own) => own ?? fault)),
    );
  }

  #nameOf({ name, topicId }: TopicName): string {
    return name ?? (topicId === null ? null : this.#cluster.topicWithId(topicId)?.name) ?? "";
  }

  #topicFault(topic: TopicName, partition: number): GroupFault | null {
    const view = this.#cluster.topicNamed(this.#nameOf(topic));
    if (view === null) return topic.name === null ? "unknown-topic-id" : "unknown-topic";
    return view.partitions[partition] === undefined ? "unknown-topic" : null;
  }

  fetch(
    group: string,
    topics: readonly OffsetsAsked[] | null,
    done: (outcome: Result<readonly FetchedOffset[], GroupFault>) => void,
    claim?: FetchClaim,
  ): void {
    const asked = topics?.flatMap(({ name, topicId, partitions }) =>
      partitions.map((partition) => ({ name, topicId, partition })),
    );
    const wanted =
      asked?.map((one) => ({ topic: this.#nameOf(one), partition: one.partition })) ?? null;
    const answer = (outcome: Result<readonly NamedCommitted[], GroupFault>): void => {
      if (!outcome.ok) return done(outcome);
      done(
        ok(
          outcome.value.map(({ topic, partition, committed }, at): FetchedOffset => {
            const named = asked?.[at] ?? {
              name: topic,
              topicId: this.#cluster.topicNamed(topic)?.topicId ?? null,
            };
            const isUnknown = named.name === null && topic === "";
            const { name, topicId } = named;
            const fault = isUnknown ? "unknown-topic-id" : null;
            return { name, topicId, partition, fault, committed };
          }),
        ),
      );
    };
    this.#coordinator.fetch(group, wanted, answer, claim);
  }

  list(): ReturnType<GroupService["list"]> {
    return this.#coordinator.list();
  }

  describe(group: string): ReturnType<GroupService["describe"]> {
    return this.#coordinator.describe(group);
  }

  describeConsumer(...asked: Parameters<GroupService["describeConsumer"]>): void {
    this.#coordinator.describeConsumer(...asked);
  }

  deleteGroup(group: string, done: (fault: GroupFault | null) => void): void {
    this.#coordinator.deleteGroup(group, done);
  }

  deleteOffsets(
    group: string,
    topics: readonly OffsetsAsked[],
    done: (outcome: Result<readonly OffsetOutcome[], GroupFault>) => void,
  ): void {
    const asked = topics.flatMap(({ name, topicId, partitions }) =>
      partitions.map((partition) => ({ name, topicId, partition })),
    );
    const faults = asked.map((one) => this.#topicFault(one, one.partition));
    const wanted = asked
      .filter((_one, at) => faults[at] === null)
      .map((one) => ({ topic: this.#nameOf(one), partition: one.partition }));
    this.#coordinator.deleteOffsets(group, wanted, (outcome) => {
      if (!outcome.ok) return done(outcome);
      const rest = [...outcome.value];
      done(ok(asked.map((one, at) => ({ ...one, fault: faults[at] ?? rest.shift() ?? null }))));
    });
  }
}

function catalogOf(cluster: ClusterService): TopicCatalog {
  return {
    topicNamed: (name) => cluster.topicNamed(name),
    topic: (topicId) => cluster.topicWithId(topicId),
    topics: () => {
      const views = [...cluster.topicNames()].map((name) => cluster.topicNamed(name));
      return views.filter((view) => view !== null);
    },
    isGone: () => false,
  };
}
