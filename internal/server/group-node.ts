// Consumer groups on this broker: the coordinators beside the replicas of __consumer_offsets, and the use cases over them.
import { GroupCoordinators } from "../coordinator/group-coordinators.ts";
import type { CoordinatorsSettings } from "../coordinator/group-coordinators.ts";
import type { GroupFaults } from "../coordinator/group-faults.ts";
import { ENTRY_BYTES_MAX } from "../coordinator/limits.ts";
import { messageBytesLimit } from "../config/contradictions.ts";
import type { Settings } from "../config/settings.ts";
import type { SharedJournal } from "../journal/owner.ts";
import { CONSUMER_OFFSETS } from "../model/internal-topics.ts";
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
  readonly settings: Settings;
  readonly initialBrokers: number;
  readonly faults?: GroupFaults;
}

export class GroupNode {
  readonly service: GroupService;
  readonly observer: HostingObserver;
  readonly coordinators: GroupCoordinators;

  constructor(
    world: World,
    journal: SharedJournal,
    controller: ControllerNode,
    options: GroupNodeOptions,
  ) {
    const { settings, initialBrokers, faults } = options;
    const { image, leaders, client } = controller;
    const limits = settingsOf(settings);
    const coordinators = new GroupCoordinators(world, journal, limits, faults);
    this.coordinators = coordinators;
    this.observer = {
      hosted: (topic, index, partition) => {
        if (topic.name === CONSUMER_OFFSETS) coordinators.hosted(index, partition);
      },
      dropped: (group) => coordinators.dropped(group),
    };
    image.listen({ topicRemoved: ({ name }) => coordinators.topicDeleted(name) });
    const factor = Math.min(FACTOR_MAX, initialBrokers);
    const { entropy } = world;
    this.service = new LocalGroupService({
      image,
      leaders,
      coordinators,
      internalTopics: new InternalTopics({ image, controller: client, entropy, factor }),
      limits,
      partitions: settings.get("offsets.topic.num.partitions"),
    });
  }

  close(): void {
    this.coordinators.close();
  }
}

function settingsOf(settings: Settings): CoordinatorsSettings {
  return {
    initialDelayMs: settings.get("group.initial.rebalance.delay.ms"),
    membersMax: settings.get("group.max.size"),
    groupsMax: settings.get("groups.max"),
    sessionMsMin: settings.get("group.min.session.timeout.ms"),
    sessionMsMax: settings.get("group.max.session.timeout.ms"),
    offsetMetadataBytesMax: settings.get("offset.metadata.max.bytes"),
    entryBytesMax: Math.min(ENTRY_BYTES_MAX, messageBytesLimit(settings)),
    offsetsRetentionMs: settings.get("offsets.retention.minutes") * MINUTE_MS,
  };
}
