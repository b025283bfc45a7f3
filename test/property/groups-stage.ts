// Group coordinators as the replicas of one partition of __consumer_offsets, over command logs that are driven step by
// step: for transcripts and for the model test.
import { ASSIGNORS } from "../../internal/coordinator/assignors/assignors.ts";
import { GroupCoordinator } from "../../internal/coordinator/group-coordinator.ts";
import type { CoordinatorSettings } from "../../internal/coordinator/group-coordinator.ts";
import type { GroupFault } from "../../internal/coordinator/group-requests.ts";
import { TimerWheel } from "../../internal/coordinator/timer-wheel.ts";
import type { Entropy } from "../../internal/ports/entropy.ts";
import type { GroupFaults } from "../../internal/coordinator/group-faults.ts";
import { StageTopics } from "./stage-topics.ts";
import { CommandGroup, StepClock } from "./controller-group.ts";

type Changeable<T> = { -readonly [Name in keyof T]: T[Name] };

export const GROUP_SETTINGS: CoordinatorSettings = {
  initialDelayMs: 0,
  membersMax: 4,
  sessionMsMin: 6_000,
  sessionMsMax: 60_000,
  offsetMetadataBytesMax: 64,
  entryBytesMax: 8_000,
  offsetsRetentionMs: 3_600_000,
  consumer: {
    membersMax: 4,
    sessionMs: () => 45_000,
    heartbeatIntervalMs: () => 5_000,
    assignors: ASSIGNORS,
    migration: "bidirectional",
  },
};

export class GroupsStage {
  readonly clock = new StepClock();
  readonly topics = new StageTopics();
  readonly group = new CommandGroup();
  readonly coordinators: readonly GroupCoordinator[];
  readonly settings: Changeable<CoordinatorSettings>;
  groupsMax = 3;
  /** What the broker says of its right to answer (L5). */
  refusal: GroupFault | null = null;

  constructor(
    seats: number,
    entropy: Entropy,
    bugs: GroupFaults = {},
    settings: Partial<CoordinatorSettings> = {},
  ) {
    const { clock } = this;
    this.settings = { ...GROUP_SETTINGS, ...settings };
    const wheel = new TimerWheel(clock);
    this.coordinators = Array.from({ length: seats }, (_, seat) => {
      const coordinator: GroupCoordinator = new GroupCoordinator(
        this.group.log(seat),
        {
          clock,
          entropy,
          wheel,
          settings: this.settings,
          subscribed: this.topics.subscribed,
          refusal: () => (this.group.leader === seat ? this.refusal : "not-coordinator"),
          hasRoom: () => coordinator.groupCount < this.groupsMax,
          undecodable: (index, detail) => {
            throw new Error(`entry ${index}: ${detail}`);
          },
        },
        bugs,
      );
      return coordinator;
    });
  }

  get leader(): GroupCoordinator {
    return this.coordinators[Math.max(this.group.leader, 0)] as GroupCoordinator;
  }
}
