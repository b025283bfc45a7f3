// Consumer groups on this broker: the coordinators beside the replicas of __consumer_offsets, and the use cases over them.
import { ASSIGNORS } from "../coordinator/assignors/assignors.ts";
import type { ConsumerSettings } from "../coordinator/consumer-settings.ts";
import { GroupCoordinators } from "../coordinator/group-coordinators.ts";
import type { CoordinatorsSettings } from "../coordinator/group-coordinators.ts";
import type { GroupFaults } from "../coordinator/group-faults.ts";
import { GroupSurveyor } from "../coordinator/group-survey.ts";
import type { EndsOfTopic, GroupSurvey } from "../coordinator/group-survey.ts";
import { ENTRY_BYTES_MAX } from "../coordinator/limits.ts";
import { CoordinatorProbe } from "../coordinator/probe.ts";
import { messageBytesLimit } from "../config/contradictions.ts";
import type { MetadataImage } from "../cluster/image.ts";
import type { GroupConfigName } from "../config/group-configs.ts";
import type { Settings } from "../config/settings.ts";
import type { SharedJournal } from "../journal/owner.ts";
import { CONSUMER_OFFSETS } from "../model/internal-topics.ts";
import type { Partitions } from "../partition/partitions.ts";
import type { World } from "../ports/world.ts";
import type { GroupService } from "../service/group-service.ts";
import { InternalTopics } from "../service/internal-topics.ts";
import { LocalGroupService } from "../service/local-group-service.ts";
import type { ControllerNode } from "./controller-node.ts";
import type { HostingObserver } from "./hosting.ts";

const MINUTE_MS = 60_000;
/** Replicas of an internal topic, where there are so many brokers (C7). */
const FACTOR_MAX = 3;

export interface GroupNodeOptions {
  readonly partitions: Partitions;
  readonly settings: Settings;
  readonly initialBrokers: number;
  readonly faults?: GroupFaults;
}

export class GroupNode {
  readonly service: GroupService;
  readonly observer: HostingObserver;
  readonly coordinators: GroupCoordinators;
  readonly #surveyor: GroupSurveyor;

  constructor(
    world: World,
    journal: SharedJournal,
    controller: ControllerNode,
    options: GroupNodeOptions,
  ) {
    const { settings, initialBrokers, partitions, faults } = options;
    const { image, leaders, client } = controller;
    const consumer = consumerSettingsOf(settings, image);
    const limits = settingsOf(settings, consumer);
    const coordinators = new GroupCoordinators(world, journal, image, limits, faults);
    this.coordinators = coordinators;
    const surveyor = new GroupSurveyor({
      clock: world.clock,
      get namedMax() {
        return settings.get("metrics.groups.max");
      },
      coordinators: () => coordinators.leading(),
      ends: (topic) => endsOf(topic, controller.image, partitions),
    });
    this.#surveyor = surveyor;
    coordinators.listen(new CoordinatorProbe(world.meter, world.clock, () => surveyor.latest));
    this.observer = {
      hosted: (topic, index, partition) => {
        if (topic.name === CONSUMER_OFFSETS) coordinators.hosted(index, partition);
      },
      dropped: (group) => coordinators.dropped(group),
    };
    image.listen({
      topicAdded: () => coordinators.topicsChanged(),
      partitionsAdded: () => coordinators.topicsChanged(),
      topicRemoved: ({ name }) => {
        coordinators.topicsChanged();
        coordinators.topicDeleted(name);
      },
    });
    const factorMin = Math.min(FACTOR_MAX, initialBrokers);
    const { entropy } = world;
    this.service = new LocalGroupService({
      image,
      leaders,
      coordinators,
      internalTopics: new InternalTopics({
        image,
        controller: client,
        entropy,
        factor: () => Math.max(factorMin, Math.min(FACTOR_MAX, image.unfencedBrokers().length)),
      }),
      limits,
      partitions: settings.get("offsets.topic.num.partitions"),
    });
  }

  /** How the groups that this broker coordinates were, a few seconds ago at most. */
  get survey(): GroupSurvey {
    return this.#surveyor.latest;
  }

  start(): void {
    this.#surveyor.start();
  }

  close(): void {
    this.#surveyor.close();
    this.coordinators.close();
  }
}

function endsOf(
  name: string,
  image: ControllerNode["image"],
  partitions: Partitions,
): EndsOfTopic | null {
  const topic = image.topicNamed(name);
  if (topic === null) return null;
  return (index) => {
    const placement = topic.partitions[index];
    if (placement === undefined) return null;
    return partitions.get(placement.group)?.highWatermark ?? null;
  };
}

/** Read anew each time: settings may change while the broker runs. */
function settingsOf(settings: Settings, consumer: ConsumerSettings): CoordinatorsSettings {
  return {
    get initialDelayMs() {
      return settings.get("group.initial.rebalance.delay.ms");
    },
    get membersMax() {
      return settings.get("group.max.size");
    },
    get groupsMax() {
      return settings.get("groups.max");
    },
    get sessionMsMin() {
      return settings.get("group.min.session.timeout.ms");
    },
    get sessionMsMax() {
      return settings.get("group.max.session.timeout.ms");
    },
    get offsetMetadataBytesMax() {
      return settings.get("offset.metadata.max.bytes");
    },
    entryBytesMax: Math.min(ENTRY_BYTES_MAX, messageBytesLimit(settings)),
    consumer,
    get offsetsRetentionMs() {
      return settings.get("offsets.retention.minutes") * MINUTE_MS;
    },
  };
}

function consumerSettingsOf(settings: Settings, image: MetadataImage): ConsumerSettings {
  /** What a group sets itself goes before the broker's setting. */
  const own = (group: string, name: GroupConfigName): number | null => {
    const config = image.groupConfigs(group).find((one) => one.name === name);
    return config === undefined ? null : Number(config.value);
  };
  const names = settings.get("group.consumer.assignors").split(",");
  const assignors = [...ASSIGNORS].filter(([name]) => names.includes(name));
  assignors.sort(([a], [b]) => names.indexOf(a) - names.indexOf(b));
  return {
    membersMax: settings.get("group.consumer.max.size"),
    sessionMs: (group) =>
      own(group, "consumer.session.timeout.ms") ??
      settings.get("group.consumer.session.timeout.ms"),
    heartbeatIntervalMs: (group) =>
      own(group, "consumer.heartbeat.interval.ms") ??
      settings.get("group.consumer.heartbeat.interval.ms"),
    assignors: new Map(assignors),
    migration: settings.get("group.consumer.migration.policy"),
  };
}
