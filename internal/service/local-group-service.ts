// Group use cases over the coordinators of this broker: finds the one that is meant, and gives topics their names.
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { Topic } from "../cluster/cluster-state.ts";
import type { MetadataImage } from "../cluster/image.ts";
import type { LeaderTable } from "../cluster/leaders.ts";
import { partitionView } from "../cluster/metadata-view.ts";
import { refusedJoin, refusedSync } from "../coordinator/classic-group.ts";
import type { GroupCoordinator } from "../coordinator/group-coordinator.ts";
import type { GroupCoordinators } from "../coordinator/group-coordinators.ts";
import { metadataFault } from "../coordinator/group-limits.ts";
import type { GroupLimits } from "../coordinator/group-limits.ts";
import { NO_MEMBER } from "../coordinator/group-offsets.ts";
import type {
  FetchClaim,
  NamedCommitted,
  NamedOffset,
  NamedPartition,
} from "../coordinator/group-offsets.ts";
import { groupPartition } from "../coordinator/group-partition.ts";
import type { BrokerId } from "../model/ids.ts";
import { CONSUMER_OFFSETS } from "../model/internal-topics.ts";
import type {
  CommitRequest,
  ConsumerBeatAnswer,
  ConsumerBeatRequest,
  ConsumerDescription,
  FetchedOffset,
  GroupDescription,
  GroupFault,
  GroupListing,
  GroupService,
  HeartbeatRequest,
  JoinAnswer,
  JoinRequest,
  LeaveAnswer,
  LeaveRequest,
  OffsetOutcome,
  OffsetsAsked,
  OffsetToCommit,
  SyncAnswer,
  SyncRequest,
  TopicName,
} from "./group-service.ts";
import type { InternalTopics } from "./internal-topics.ts";

export interface LocalGroupParts {
  readonly image: MetadataImage;
  readonly leaders: LeaderTable;
  readonly coordinators: GroupCoordinators;
  readonly internalTopics: InternalTopics;
  readonly limits: GroupLimits;
  /** Of __consumer_offsets, when it is made. */
  readonly partitions: number;
}

/** How long a request waits until it is known who leads: longer than a hand-over, shorter than any client's patience. */
const SETTLE_MS_MAX = 500;

type Asked = TopicName & { readonly partition: number };

export class LocalGroupService implements GroupService {
  readonly #parts: LocalGroupParts;

  constructor(parts: LocalGroupParts) {
    this.#parts = parts;
  }

  async coordinatorOf(group: string, withinMs: number): Promise<Result<BrokerId, GroupFault>> {
    const { image, leaders, internalTopics, partitions } = this.#parts;
    if (group === "") return failed("invalid-group-id");
    if (withinMs > 0) await internalTopics.ensure(CONSUMER_OFFSETS, partitions, withinMs);
    const topic = this.#topic();
    const placement = topic?.partitions[groupPartition(group, topic.partitions.length)];
    if (placement === undefined) return failed("coordinator-not-available");
    const { leader } = partitionView(image, leaders, placement); // C2
    return leader === null ? failed("coordinator-not-available") : ok(leader);
  }

  #topic(): Topic | null {
    return this.#parts.image.topicNamed(CONSUMER_OFFSETS);
  }

  #coordinator(group: string): Result<GroupCoordinator, GroupFault> {
    const topic = this.#topic();
    if (topic === null) return failed("coordinator-not-available");
    const index = groupPartition(group, topic.partitions.length);
    const coordinator = this.#parts.coordinators.at(index);
    return coordinator === null ? failed("not-coordinator") : ok(coordinator);
  }

  /**
   * The same, when it is decided whether this broker leads the group's partition. Not for requests with bytes, which are lent
   * to this call alone.
   */
  #settled(group: string, then: (found: Result<GroupCoordinator, GroupFault>) => void): void {
    const topic = this.#topic();
    const go = (): void => then(this.#coordinator(group));
    if (topic === null) return go();
    const index = groupPartition(group, topic.partitions.length);
    this.#parts.coordinators.whenSettled(index, SETTLE_MS_MAX, go);
  }

  join(request: JoinRequest, done: (answer: JoinAnswer) => void): void {
    const found = this.#coordinator(request.group);
    if (found.ok) found.value.join(request, done);
    else done(refusedJoin(found.fault, request.memberId));
  }

  sync(request: SyncRequest, done: (answer: SyncAnswer) => void): void {
    const found = this.#coordinator(request.group);
    if (found.ok) found.value.sync(request, done);
    else done(refusedSync(found.fault));
  }

  heartbeat(request: HeartbeatRequest): GroupFault | null {
    const found = this.#coordinator(request.group);
    return found.ok ? found.value.heartbeat(request) : found.fault;
  }

  leave(request: LeaveRequest, done: (answer: LeaveAnswer) => void): void {
    const found = this.#coordinator(request.group);
    if (found.ok) found.value.leave(request, done);
    else done({ fault: found.fault, members: [] });
  }

  consumerBeat(request: ConsumerBeatRequest, done: (answer: ConsumerBeatAnswer) => void): void {
    this.#settled(request.group, (found) => {
      if (found.ok) return found.value.consumerBeat(request, done);
      const { fault } = found;
      done({ fault, memberId: null, memberEpoch: 0, intervalMs: 0, assignment: null });
    });
  }

  commit(request: CommitRequest, done: (faults: readonly (GroupFault | null)[]) => void): void {
    // A name means what it means when the coordinator takes it: whose topic went meanwhile hears of it (C6).
    this.#settled(request.group, (found) => this.#commitAt(found, request, done));
  }

  #commitAt(
    found: Result<GroupCoordinator, GroupFault>,
    request: CommitRequest,
    done: (faults: readonly (GroupFault | null)[]) => void,
  ): void {
    const { group, memberId, instanceId, generation, retentionMs } = request;
    const faults = request.offsets.map((asked) => this.#commitFault(asked));
    const offsets: NamedOffset[] = [];
    request.offsets.forEach((asked, at) => {
      const topic = this.#topicOf(asked);
      const log = topic?.partitions[asked.partition]?.group;
      if (faults[at] !== null || topic === null || log === undefined) return;
      offsets.push({ ...asked, topic: topic.name, log });
    });
    if (offsets.length === 0 && faults.length > 0) return done(faults);
    const answer = (fault: GroupFault | null): void => done(faults.map((own) => own ?? fault));
    const claim = { group, memberId, instanceId, generation };
    if (found.ok) found.value.commit({ ...claim, retentionMs, offsets }, answer);
    else answer(found.fault);
  }

  #commitFault(asked: OffsetToCommit): GroupFault | null {
    return this.#topicFault(asked) ?? metadataFault(asked.metadata, this.#parts.limits);
  }

  #topicFault({ name, topicId, partition }: Asked): GroupFault | null {
    const topic = this.#topicOf({ name, topicId });
    if (topic === null) return name === null ? "unknown-topic-id" : "unknown-topic";
    return topic.partitions[partition] === undefined ? "unknown-topic" : null;
  }

  #topicOf({ name, topicId }: TopicName): Topic | null {
    const { image } = this.#parts;
    if (name !== null) return image.topicNamed(name);
    return topicId === null ? null : image.topic(topicId);
  }

  #nameOf(asked: TopicName): string {
    return asked.name ?? this.#topicOf(asked)?.name ?? "";
  }

  fetch(
    group: string,
    topics: readonly OffsetsAsked[] | null,
    done: (outcome: Result<readonly FetchedOffset[], GroupFault>) => void,
    claim: FetchClaim = NO_MEMBER,
  ): void {
    this.#settled(group, (found) => {
      if (!found.ok) done(found);
      else if (topics === null) this.#fetchAll(found.value, group, claim, done);
      else this.#fetchSome(found.value, group, topics, claim, done);
    });
  }

  #fetchSome(
    coordinator: GroupCoordinator,
    group: string,
    topics: readonly OffsetsAsked[],
    claim: FetchClaim,
    done: (outcome: Result<readonly FetchedOffset[], GroupFault>) => void,
  ): void {
    const asked = each(topics);
    // Offsets of a topic that is gone are still read by its name; an id that is not known has no name.
    const known = asked.filter((one) => one.name !== null || this.#topicOf(one) !== null);
    const wanted = known.map((one) => ({ topic: this.#nameOf(one), partition: one.partition }));
    const answer = (outcome: Result<readonly NamedCommitted[], GroupFault>): void => {
      if (!outcome.ok) return done(outcome);
      let at = 0;
      const fetched = asked.map((one): FetchedOffset => {
        if (known[at] !== one) return { ...one, fault: "unknown-topic-id", committed: null };
        return { ...one, fault: null, committed: outcome.value[at++]?.committed ?? null };
      });
      done(ok(fetched));
    };
    coordinator.fetch(group, wanted, answer, claim);
  }

  #fetchAll(
    coordinator: GroupCoordinator,
    group: string,
    claim: FetchClaim,
    done: (outcome: Result<readonly FetchedOffset[], GroupFault>) => void,
  ): void {
    const answer = (outcome: Result<readonly NamedCommitted[], GroupFault>): void => {
      if (!outcome.ok) return done(outcome);
      const { image } = this.#parts;
      const fetched = outcome.value.map(({ topic, partition, committed }) => {
        const topicId = image.topicNamed(topic)?.topicId ?? null;
        return { name: topic, topicId, partition, fault: null, committed };
      });
      done(ok(fetched));
    };
    coordinator.fetch(group, null, answer, claim);
  }

  list(): Result<readonly GroupListing[], GroupFault> {
    const listings: GroupListing[] = [];
    for (const coordinator of this.#parts.coordinators.leading()) {
      const listed = coordinator.list();
      if (listed.ok) for (const listing of listed.value) listings.push(listing);
      else if (listed.fault !== "not-coordinator") return listed;
    }
    return ok(listings);
  }

  describe(group: string): Result<GroupDescription, GroupFault> {
    const found = this.#coordinator(group);
    return found.ok ? found.value.describe(group) : found;
  }

  describeConsumer(
    group: string,
    done: (outcome: Result<ConsumerDescription, GroupFault>) => void,
  ): void {
    const found = this.#coordinator(group);
    if (found.ok) found.value.describeConsumer(group, done);
    else done(found);
  }

  deleteGroup(group: string, done: (fault: GroupFault | null) => void): void {
    const found = this.#coordinator(group);
    if (found.ok) found.value.deleteGroup(group, done);
    else done(found.fault);
  }

  deleteOffsets(
    group: string,
    topics: readonly OffsetsAsked[],
    done: (outcome: Result<readonly OffsetOutcome[], GroupFault>) => void,
  ): void {
    const found = this.#coordinator(group);
    if (!found.ok) return done(found);
    const asked = each(topics);
    const own = asked.map((one) => this.#topicFault(one));
    const wanted = asked.map((one): NamedPartition => ({
      topic: this.#nameOf(one),
      partition: one.partition,
    }));
    const known = wanted.filter((_one, at) => own[at] === null);
    found.value.deleteOffsets(group, known, (outcome) => {
      if (!outcome.ok) return done(outcome);
      let at = 0;
      const outcomes = asked.map((one, place): OffsetOutcome => {
        const fault = own[place] ?? null;
        return { ...one, fault: fault ?? outcome.value[at++] ?? null };
      });
      done(ok(outcomes));
    });
  }
}

function each(topics: readonly OffsetsAsked[]): readonly Asked[] {
  return topics.flatMap(({ name, topicId, partitions }) =>
    partitions.map((partition) => ({ name, topicId, partition })),
  );
}
