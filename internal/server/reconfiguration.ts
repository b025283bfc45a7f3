// Moves a group from its configuration to the controller's target (C4): the leader adds newcomers as learners, waits until
// they are caught up, changes the voters by joint consensus, and stops when its committed configuration carries the
// target's revision. One step at a time; the machine refuses what is not due yet.
import type { MetadataImage } from "../cluster/image.ts";
import type { PartitionPlacement } from "../cluster/records.ts";
import type { ReplicaId } from "../model/ids.ts";
import { CONTROLLER_GROUP } from "../model/ids.ts";
import type { Cancel, Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { MultiRaft } from "../replica/multi-raft.ts";
import type { Replica } from "../replica/replica.ts";
import { inSlices } from "../replica/slices.ts";

const SWEEP_MS = 200;

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

export class Reconfiguration {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #image: MetadataImage;
  readonly #raft: MultiRaft;
  #cancel: Cancel | null = null;

  constructor(clock: Clock, log: Log, image: MetadataImage, raft: MultiRaft) {
    this.#clock = clock;
    this.#log = log;
    this.#image = image;
    this.#raft = raft;
  }

  start(): void {
    this.#cancel = this.#clock.after(SWEEP_MS, () => {
      inSlices(this.#clock, this.#raft.replicas(), (replica) => {
        if (replica.serves && replica.group !== CONTROLLER_GROUP) this.#look(replica);
      });
      this.start();
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #look(replica: Replica): void {
    const target = this.#image.placementOfGroup(replica.group);
    const { configuration, configurationCommitted } = replica.machine;
    if (target === null || reachedRevision(target.revision) <= configuration.revision) return;
    if (!configurationCommitted || configuration.votersOutgoing.length > 0) return;
    const wanted = target.replicas.map((placed) => placed.replica).sort((a, b) => a - b);
    const known = new Set([...configuration.voters, ...configuration.learners]);
    const newcomers = wanted.filter((id) => !known.has(id));
    if (newcomers.length > 0) return this.#addLearners(replica, target, known, newcomers);
    const revision = reachedRevision(target.revision);
    this.#change(replica, { voters: wanted, learners: [], revision });
  }

  #addLearners(
    replica: Replica,
    target: PartitionPlacement,
    known: ReadonlySet<ReplicaId>,
    newcomers: readonly ReplicaId[],
  ): void {
    replica.learnMembers(target.replicas);
    // A directory holds one replica of a group, so a newcomer waits until an older one of its broker is out of the
    // configuration and gone; to count both would starve the older one, which the quorum may need.
    const taken = new Set([...known].map((id) => replica.member(id)?.directory));
    const free = newcomers.filter((id) => !taken.has(replica.member(id)?.directory));
    if (free.length === 0) {
      return this.#log.debug(
        { group: replica.group, newcomers },
        "newcomers-wait-for-their-elders",
      );
    }
    const { voters, learners } = replica.machine.configuration;
    const revision = preparingRevision(target.revision);
    const all = [...learners, ...free].sort((a, b) => a - b);
    this.#change(replica, { voters, learners: all, revision });
  }

  #change(
    replica: Replica,
    target: {
      readonly voters: readonly ReplicaId[];
      readonly learners: readonly ReplicaId[];
      readonly revision: number;
    },
  ): void {
    const refusal = replica.machine.changeRefusal(target);
    if (refusal !== null) {
      this.#log.debug({ group: replica.group, refusal, target }, "configuration-change-waits");
      return;
    }
    replica.handle({ on: "change", target });
    this.#log.info({ group: replica.group, target }, "configuration-change");
  }
}
