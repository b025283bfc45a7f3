// The replicas that the image places in this directory: created when they are assigned, told their topic's configs, and
// dropped only when the image knows that their group is gone (C5).
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
import type { BrokerId, DirectoryId, GroupId, ReplicaId } from "../model/ids.ts";
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
}

export class Hosting {
  readonly #image: MetadataImage;
  readonly #raft: MultiRaft;
  readonly #partitions: Partitions;
  readonly #settings: LiveSettings;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #observer: HostingObserver;
  #ends: (() => void)[] = [];

  constructor(parts: HostingParts, observer: HostingObserver) {
    this.#image = parts.image;
    this.#raft = parts.raft;
    this.#partitions = parts.partitions;
    this.#settings = parts.settings;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#observer = observer;
  }

  start(broker: BrokerId, directory: DirectoryId): void {
    const unfollow = followOwnReplicas(this.#image, broker, directory, {
      assigned: (own) => this.#assigned(own),
      retargeted: (own) => this.#configure(own.placement.group, own.topic),
      retiring: (group, replica) => this.#log.info({ group, replica }, "replica-retiring"),
      gone: (group, replica) => this.#drop(group, replica),
    });
    const unlisten = this.#image.listen({
      topicConfigsChanged: (topic) => this.#configureAll(topic),
      advanced: () => this.#dropStrays(),
    });
    const unwatch = this.#settings.onChange(() => this.#configureEverything());
    this.#ends = [unfollow, unlisten, unwatch];
  }

  stop(): void {
    for (const end of this.#ends) end();
    this.#ends = [];
  }

  #assigned(own: OwnReplica): void {
    const { group, firstTerm } = own.placement;
    const known = this.#raft.replica(group);
    if (known !== null && known.self !== own.replica) {
      // Its group may still count the old replica: the partition was moved away and back before the group followed. No
      // image proves otherwise (C5), so the old one stays, and the new one cannot be here beside it.
      this.#log.warn({ group, old: known.self, replica: own.replica }, "replica-not-replaced");
    }
    if (this.#raft.replica(group) === null) {
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

  /** Groups that this disk knows and that the image, later than they, does not (C5). */
  #dropStrays(): void {
    for (const replica of [...this.#raft.replicas()]) {
      if (replica.group === CONTROLLER_GROUP) continue;
      if (this.#image.standing(replica.group, replica.self) === "gone") {
        this.#drop(replica.group, replica.self);
      }
    }
  }

  #drop(group: GroupId, replica: ReplicaId): void {
    if (this.#raft.replica(group)?.self !== replica) return;
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
