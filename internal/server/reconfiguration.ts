// Moves a group from its configuration to the controller's target (C4): the leader adds newcomers as learners, waits until
// they are caught up, changes the voters by joint consensus, and stops when its committed configuration carries the
// target's revision. Then it tells the controller, so that whoever left the group is dropped. One step at a time; the
// machine refuses what is not due yet.
import type { ControllerClient, ControllerRequest } from "../cluster/controller-requests.ts";
import type { MetadataImage } from "../cluster/image.ts";
import { isSettled } from "../cluster/records.ts";
import type { PartitionPlacement } from "../cluster/records.ts";
import type { GroupId, ReplicaId } from "../model/ids.ts";
import { CONTROLLER_GROUP } from "../model/ids.ts";
import type { Cancel, Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { MultiRaft } from "../replica/multi-raft.ts";
import type { Replica } from "../replica/replica.ts";
import { hasRoomForGroup } from "../replica/room.ts";
import { inSlices } from "../replica/slices.ts";
import type { MoveFaults } from "./move-faults.ts";

const SWEEP_MS = 200;
/** Of one request, and how long it may take. */
const SETTLED_MAX = 1_000;
const ANSWER_MS_MAX = 5_000;

type Settled = ControllerRequest<"settle-placements">["settled"][number];

/**
 * The revision of a configuration that is the controller's target (C4), and of the one on the way to it, in which the
 * newcomers are learners. Raft wants every configuration's revision above the last one's.
 */
export function reachedRevision(target: number): number {
  return target * 2;
}

function preparingRevision(target: number): number {
  return target * 2 - 1;
}

export interface ReconfigurationParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly image: MetadataImage;
  readonly raft: MultiRaft;
  readonly client: ControllerClient;
  readonly faults: MoveFaults;
}

export class Reconfiguration {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #image: MetadataImage;
  readonly #raft: MultiRaft;
  readonly #client: ControllerClient;
  readonly #faults: MoveFaults;
  #cancel: Cancel | null = null;
  /** What the last looks found and the controller does not know yet. */
  #settled: Settled[] = [];
  #isTelling = false;

  constructor(parts: ReconfigurationParts) {
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#image = parts.image;
    this.#raft = parts.raft;
    this.#client = parts.client;
    this.#faults = parts.faults;
  }

  start(): void {
    this.#cancel = this.#clock.after(SWEEP_MS, () => {
      this.#tell();
      inSlices(this.#clock, this.#raft.replicas(), (replica) => {
        if (replica.serves && replica.group !== CONTROLLER_GROUP) this.#look(replica);
      });
      this.start();
    });
  }

  /** What is not heard, or not wanted any more, is found again or not by the next look. */
  #tell(): void {
    const settled = this.#settled;
    this.#settled = [];
    if (this.#isTelling || settled.length === 0 || this.#faults.neverSettles === true) return;
    this.#isTelling = true;
    void this.#client
      .request<"settle-placements">({ kind: "settle-placements", settled }, ANSWER_MS_MAX)
      .then(() => (this.#isTelling = false));
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #look(replica: Replica): void {
    const target = this.#image.placementOfGroup(replica.group);
    const { configuration, configurationCommitted } = replica.machine;
    if (target === null || reachedRevision(target.revision) < configuration.revision) return;
    if (!configurationCommitted || configuration.votersOutgoing.length > 0) return;
    const revision = reachedRevision(target.revision);
    if (revision === configuration.revision) return this.#reached(replica.group, target);
    const { voters, learners } = configuration;
    const wanted = target.replicas.map((placed) => placed.replica).sort((a, b) => a - b);
    if (wanted.every((id) => voters.includes(id) || learners.includes(id))) {
      return this.#change(replica, { voters: wanted, learners: [], revision });
    }
    replica.learnMembers(target.replicas);
    const newcomers = wanted.filter((id) => !voters.includes(id));
    this.#change(replica, {
      voters,
      learners: newcomers,
      revision: preparingRevision(target.revision),
    });
  }

  #reached(group: GroupId, target: PartitionPlacement): void {
    if (isSettled(target) || this.#settled.length >= SETTLED_MAX) return;
    const topicId = this.#image.partitionOfGroup(group)?.topic.topicId;
    if (topicId === undefined) return;
    const { partition, revision } = target;
    this.#settled.push({ topicId, partition, revision });
  }

  #change(
    replica: Replica,
    target: {
      readonly voters: readonly ReplicaId[];
      readonly learners: readonly ReplicaId[];
      readonly revision: number;
    },
  ): void {
    // The change brings forth another, which leaves the joint configuration, and which cannot wait (J11).
    const hasRoom = hasRoomForGroup(this.#raft.journal);
    const refusal = replica.machine.changeRefusal(target) ?? (hasRoom ? null : "no-room");
    if (refusal !== null) {
      this.#log.debug({ group: replica.group, refusal, target }, "configuration-change-waits");
      return;
    }
    replica.handle({ on: "change", target });
    this.#log.info({ group: replica.group, target }, "configuration-change");
  }
}
