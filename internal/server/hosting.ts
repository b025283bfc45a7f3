// The replicas that the image places in this directory: created when they are assigned, told their topic's configs, and
// dropped only when the image knows that they are gone for good (C5). An image that is older than this start of the broker
// creates and drops nothing: it may still speak of replicas that were here and are gone, and such a one, made anew, would
// have forgotten for whom it voted and what it acknowledged (F5).
import { assert } from "../base/assert.ts";
import type { Topic } from "../cluster/cluster-state.ts";
import type { MetadataImage } from "../cluster/image.ts";
import { followOwnReplicas } from "../cluster/own-replicas.ts";
import type { OwnReplica } from "../cluster/own-replicas.ts";
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

export class Hosting {
  readonly #image: MetadataImage;
  readonly #raft: MultiRaft;
  readonly #partitions: Partitions;
  readonly #settings: LiveSettings;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #faults: MoveFaults;
  readonly #observer: HostingObserver;
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
  }

  start(broker: BrokerId, directory: DirectoryId, incarnation: Incarnation): void {
    const follow = (): (() => void) =>
      followOwnReplicas(this.#image, broker, directory, {
        assigned: (own) => this.#assigned(own),
        retargeted: (own) => this.#configure(own.placement.group, own.topic),
        leaving: (group, replica) => {
          this.#log.info({ group, replica }, "replica-leaving");
          if (this.#faults.dropsExcluded === true) this.#drop(group, replica);
        },
        gone: (group, replica) => this.#drop(group, replica),
      });
    let unfollow = follow();
    const unlisten = this.#image.listen({
      topicConfigsChanged: (topic) => this.#configureAll(topic),
      advanced: () => {
        if (this.#isCurrent || this.#image.broker(broker)?.incarnation !== incarnation) return;
        this.#isCurrent = true;
        this.#dropStrays();
        unfollow();
        unfollow = follow();
      },
    });
    const unwatch = this.#settings.onChange(() => this.#configureEverything());
    this.#ends = [() => unfollow(), unlisten, unwatch];
  }

  stop(): void {
    for (const end of this.#ends) end();
    this.#ends = [];
  }

  #assigned(own: OwnReplica): void {
    const { group, firstTerm } = own.placement;
    const known = this.#raft.replica(group);
    if (known?.self !== own.replica) {
      if (!this.#isCurrent) return;
      assert(known === null, "a replica is gone before another of its group is assigned");
      const replica = this.#raft.create({
        group,
        partition: own.partition,
        self: own.replica,
        membership: membershipOf(own.placement, own.replica),
        rank: own.placement.replicas.findIndex((placed) => placed.replica === own.replica),
        firstTerm,
      });
      this.#partitions.of(group).bind(replica, this.#raft);
    }
    this.#configure(group, own.topic);
    this.#observer.hosted(own.topic, own.partition, this.#partitions.of(group));
  }

  /** What went while this broker was down (C5). */
  #dropStrays(): void {
    for (const replica of [...this.#raft.replicas()]) {
      if (replica.group === CONTROLLER_GROUP) continue;
      if (this.#image.standing(replica.group, replica.self) === "gone") {
        this.#drop(replica.group, replica.self);
      }
    }
  }

  #drop(group: GroupId, replica: ReplicaId): void {
    if (!this.#isCurrent || this.#raft.replica(group)?.self !== replica) return;
    this.#log.info({ group, replica }, "replica-dropped");
    this.#observer.dropped(group);
    this.#raft.drop(group);
    this.#partitions.retire(group);
  }

  #configureAll(topic: Topic): void {
    for (const { group } of topic.partitions) {
      if (this.#raft.replica(group) !== null) this.#configure(group, topic);
    }
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
 * The first placement is the group's first configuration. A replica that is placed later belongs to no configuration
 * until the log tells it, so that it neither votes nor campaigns for a group that it does not know (F9).
 */
function membershipOf(placement: PartitionPlacement, self: ReplicaId): Membership {
  const isFirst = placement.revision === 1;
  const voters = placement.replicas
    .map(({ replica }) => replica)
    .filter((replica) => isFirst || replica !== self)
    .sort((a, b) => a - b);
  const revision = isFirst ? reachedRevision(placement.revision) : 0;
  return {
    configuration: { voters, votersOutgoing: [], learners: [], revision },
    members: placement.replicas,
  };
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
