// The replicas that the image places in this directory: created when they are assigned, told their topic's configs, and
// dropped only when the image knows that they are gone for good (C5). An image that is older than this start of the broker
// creates and drops nothing: it may still speak of replicas that were here and are gone, and such a one, made anew, would
// have forgotten for whom it voted and what it acknowledged (F5). The image says which groups have to be looked at; what is
// then done about one is what stands when its turn comes. Turns come in pieces of time (L7), at the pace of the journal (J11).
import { assert } from "../base/assert.ts";
import type { Topic } from "../cluster/cluster-state.ts";
import type { MetadataImage } from "../cluster/image.ts";
import { followOwnReplicas } from "../cluster/own-replicas.ts";
import type { OwnReplica } from "../cluster/own-replicas.ts";
import { foundersOf } from "../cluster/records.ts";
import type { PartitionPlacement } from "../cluster/records.ts";
import { messageBytesLimit } from "../config/contradictions.ts";
import type { LiveSettings } from "../config/live-settings.ts";
import type { SettingReader } from "../config/settings.ts";
import {
  batchBytesMax,
  isCompacted,
  minInsyncReplicas,
  topicConfig,
  topicNumber,
} from "../config/topic-configs.ts";
import type { BrokerId, DirectoryId, GroupId, Incarnation, ReplicaId } from "../model/ids.ts";
import { CONTROLLER_GROUP } from "../model/ids.ts";
import { isInternalTopic } from "../model/internal-topics.ts";
import type { PartitionRules } from "../partition/append.ts";
import type { Partition } from "../partition/partition.ts";
import type { Partitions } from "../partition/partitions.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Membership } from "../replica/membership.ts";
import type { MultiRaft } from "../replica/multi-raft.ts";
import { hasRoomForGroup } from "../replica/room.ts";
import { inSlices } from "../replica/slices.ts";
import type { MoveFaults } from "./move-faults.ts";
import { reachedRevision } from "./reconfiguration.ts";

/** Who keeps state beside the partitions of a topic. */
export interface HostingObserver {
  /** A replica of the partition lives here, on leaders and followers alike; may be told again. */
  hosted(topic: Topic, index: number, partition: Partition): void;
  /** The replica leaves now. */
  dropped(group: GroupId): void;
}

export interface HostingParts {
  readonly image: MetadataImage;
  readonly raft: MultiRaft;
  readonly partitions: Partitions;
  readonly settings: LiveSettings;
  readonly clock: Clock;
  readonly log: Log;
  readonly faults: MoveFaults;
}

/** Work without giving the event loop back (L7). */
const STRETCH_MS_MAX = 4;
/** Groups that begin or end here before a journal write has to be done with them. */
const CHANGES_PER_WRITE = 512;

export class Hosting {
  readonly #image: MetadataImage;
  readonly #raft: MultiRaft;
  readonly #partitions: Partitions;
  readonly #settings: LiveSettings;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #faults: MoveFaults;
  readonly #observer: HostingObserver;
  /** Groups to be looked at. */
  readonly #due = new Set<GroupId>();
  /** How a replica that is not here yet was placed when it was assigned: later targets are for its group to reach (F9). */
  readonly #assigned = new Map<GroupId, OwnReplica>();
  #state: "idle" | "working" | "stopped" = "idle";
  #ends: (() => void)[] = [];
  /** The image has seen this start of the broker. */
  #isCurrent: boolean;

  constructor(parts: HostingParts, observer: HostingObserver) {
    this.#image = parts.image;
    this.#raft = parts.raft;
    this.#partitions = parts.partitions;
    this.#settings = parts.settings;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#faults = parts.faults;
    this.#observer = observer;
    this.#isCurrent = this.#faults.trustsOldImages === true;
    this.#raft.isMissing = (group, replica) => this.#isMissing(group, replica);
  }

  start(broker: BrokerId, directory: DirectoryId, incarnation: Incarnation): void {
    const follow = (): (() => void) =>
      followOwnReplicas(this.#image, broker, directory, {
        assigned: (own) => this.#assign(own),
        retargeted: (own) => this.#look(own.placement.group),
        leaving: (group, replica) => {
          this.#log.info({ group, replica }, "replica-leaving");
          if (this.#faults.dropsExcluded === true) this.#drop(group);
        },
        gone: (group) => {
          this.#assigned.delete(group);
          this.#look(group);
        },
      });
    let unfollow = follow();
    const unlisten = this.#image.listen({
      topicConfigsChanged: (topic) => this.#configureAll(topic),
      advanced: () => {
        if (this.#isCurrent || this.#image.broker(broker)?.incarnation !== incarnation) return;
        this.#isCurrent = true;
        // What went while this broker was down (C5).
        for (const { group } of this.#raft.replicas()) this.#look(group);
        unfollow();
        unfollow = follow();
      },
    });
    const unwatch = this.#settings.onChange(() => this.#configureEverything());
    this.#ends = [() => unfollow(), unlisten, unwatch];
  }

  /** Every replica that an image of after this start places here is here. */
  get isDone(): boolean {
    return this.#isCurrent && this.#state === "idle";
  }

  topics(): Iterable<Topic> {
    return this.#image.topics();
  }

  /**
   * Asked of a replica that is not here. The target had excluded it before this broker heard of it, or the disk has lost it:
   * it is made no more, and nothing is known here that it may have promised.
   */
  #isMissing(group: GroupId, replica: ReplicaId): boolean {
    const place = this.#image.partitionOfGroup(group);
    if (!this.isDone || place === null) return false;
    const { leaving } = place.topic.partitions[place.partition]!;
    return leaving.some((of) => of.replica === replica);
  }

  stop(): void {
    this.#state = "stopped";
    for (const end of this.#ends) end();
    this.#ends = [];
  }

  #assign(own: OwnReplica): void {
    const { group } = own.placement;
    if (this.#isCurrent && this.#assigned.get(group)?.replica !== own.replica) {
      this.#assigned.set(group, own);
    }
    this.#look(group);
  }

  #look(group: GroupId): void {
    this.#due.add(group);
    if (this.#state !== "idle") return;
    this.#state = "working";
    if (this.#faults.trustsOldImages === true) this.#work();
    else this.#clock.turnEnd(() => this.#work());
  }

  /** Looks at groups as far as time, journal and pace allow, and comes back for the rest. */
  #work(): void {
    if (this.#state === "stopped") return;
    const untilMs = this.#clock.upMs() + STRETCH_MS_MAX;
    let changes = 0;
    for (const group of this.#due) {
      if (!hasRoomForGroup(this.#raft.journal)) {
        return this.#partitions.whenRoom(() => this.#work());
      }
      this.#due.delete(group);
      if (group !== CONTROLLER_GROUP && this.#settle(group)) changes++;
      if (changes >= CHANGES_PER_WRITE) return this.#raft.afterWrite(() => this.#work());
      if (this.#clock.upMs() >= untilMs) return this.#clock.turnEnd(() => this.#work());
    }
    this.#state = "idle";
  }

  /** Makes a group's replica here what the image says now. True when one began or ended. */
  #settle(group: GroupId): boolean {
    const known = this.#raft.replica(group)?.self ?? null;
    const isGone = known !== null && this.#image.standing(group, known) === "gone";
    const isDropped = isGone && this.#isCurrent;
    if (isDropped) this.#drop(group);
    const own = this.#assigned.get(group);
    this.#assigned.delete(group);
    const here = isDropped ? null : known;
    const isNew = own !== undefined && here !== own.replica;
    assert(!isNew || here === null, "a replica is gone before another of its group is assigned");
    if (isNew) this.#create(own);
    const place = this.#image.partitionOfGroup(group);
    if (place !== null && this.#raft.replica(group) !== null) {
      const { replicas, leaving } = place.topic.partitions[place.partition]!;
      if (this.#isCurrent) this.#raft.placed(group, [...replicas, ...leaving]);
      this.#configure(group, place.topic);
      this.#observer.hosted(place.topic, place.partition, this.#partitions.of(group));
    }
    return isNew || isDropped;
  }

  #create({ placement, partition, replica: self }: OwnReplica): void {
    const { group, firstTerm } = placement;
    const membership = membershipOf(placement, self);
    const rank = membership.members.findIndex((placed) => placed.replica === self);
    const replica = this.#raft.create({ group, partition, self, membership, rank, firstTerm });
    this.#partitions.of(group).bind(replica, this.#raft);
  }

  #drop(group: GroupId): void {
    const replica = this.#raft.replica(group)?.self;
    this.#log.info({ group, replica }, "replica-dropped");
    this.#observer.dropped(group);
    this.#raft.drop(group);
    this.#partitions.retire(group);
  }

  #configureAll(topic: Topic): void {
    inSlices(this.#clock, topic.partitions, ({ group }) => {
      if (this.#raft.replica(group) !== null) this.#configure(group, topic);
    });
  }

  /** The broker's settings are the defaults of topics. */
  #configureEverything(): void {
    inSlices(this.#clock, this.#partitions.all(), ({ group }) => {
      const topic = this.#image.partitionOfGroup(group)?.topic;
      if (topic !== undefined) this.#configure(group, topic);
    });
  }

  #configure(group: GroupId, topic: Topic): void {
    this.#partitions.get(group)?.setRules(rulesOf(topic, this.#settings));
  }
}

/**
 * The first placement is the group's first configuration, in which its replicas start however late they come. A replica that
 * is placed later belongs to no configuration until the log tells it, so that it does not campaign for a group that it does
 * not know (F9).
 */
function membershipOf(placement: PartitionPlacement, self: ReplicaId): Membership {
  const founders = foundersOf(placement);
  const isFounder = founders.some(({ replica }) => replica === self);
  const members = isFounder ? founders : placement.replicas;
  const voters = members
    .map(({ replica }) => replica)
    .filter((replica) => isFounder || replica !== self)
    .sort((a, b) => a - b);
  const revision = isFounder ? reachedRevision(1) : 0;
  return { configuration: { voters, votersOutgoing: [], learners: [], revision }, members };
}

function rulesOf(topic: Topic, settings: SettingReader): PartitionRules {
  const overrides = new Map(topic.configs.map(({ name, value }) => [name, value]));
  const factor = topic.partitions[0]?.replicas.length ?? 1;
  return {
    // A topic may allow more than this broker's journal takes: the limit is checked where the config is set.
    batchBytesMax: Math.min(
      batchBytesMax(overrides, settings.get("max.message.bytes")),
      messageBytesLimit(settings),
    ),
    timestampBeforeMsMax: topicNumber(overrides, "message.timestamp.before.max.ms"),
    timestampAfterMsMax: topicNumber(overrides, "message.timestamp.after.max.ms"),
    logAppendTime: topicConfig(overrides, "message.timestamp.type") === "LogAppendTime",
    minInSync: minInsyncReplicas(overrides, factor),
    needsKeys: isCompacted(overrides) && !isInternalTopic(topic.name),
    acksOneLeader: topicConfig(overrides, "acks.one") === "leader",
  };
}
