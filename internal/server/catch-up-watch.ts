// Whether this broker's replicas have everything again after its start. Until their leaders count them as in sync, another
// broker that stops may take a quorum along: whoever restarts brokers one after another waits for this one to be ready.
// Once it was so it stays so: falling behind later is no reason to send clients away.
import type { Topic } from "../cluster/cluster-state.ts";
import type { LeaderTable } from "../cluster/leaders.ts";
import type { ReplicaPlacement } from "../cluster/records.ts";
import type { BrokerId, DirectoryId } from "../model/ids.ts";
import type { Cancel, Clock } from "../ports/clock.ts";
import type { MultiRaft } from "../replica/multi-raft.ts";
import type { Replica } from "../replica/replica.ts";
import { inSlices } from "../replica/slices.ts";

const LOOK_MS = 200;

/** What is placed on this broker. */
export interface HostedHere {
  /** Every replica that is placed in this directory is here. */
  readonly isDone: boolean;
  topics(): Iterable<Topic>;
}

export class CatchUpWatch {
  readonly #self: { readonly broker: BrokerId; readonly directory: DirectoryId };
  readonly #clock: Clock;
  readonly #raft: MultiRaft;
  readonly #leaders: LeaderTable;
  readonly #hosted: HostedHere;
  #hasCaughtUp = false;
  /** It has caught up, and its disk is trusted again (D3). */
  #isDone = false;
  #cancel: Cancel | null = null;

  constructor(
    self: { readonly broker: BrokerId; readonly directory: DirectoryId },
    clock: Clock,
    raft: MultiRaft,
    leaders: LeaderTable,
    hosted: HostedHere,
  ) {
    this.#self = self;
    this.#clock = clock;
    this.#raft = raft;
    this.#leaders = leaders;
    this.#hosted = hosted;
  }

  get hasCaughtUp(): boolean {
    return this.#hasCaughtUp;
  }

  /** From the moment on from which the image is known. */
  start(): void {
    if (this.#isDone || this.#cancel !== null) return;
    // One whose beginning the disk may have lost has to recall like the others (D3).
    let behind = this.#hosted.isDone ? 0 : 1;
    let recalling = 0;
    inSlices(this.#clock, this.#raft.replicas(), (replica) => {
      if (!this.#isInSync(replica)) behind++;
      if (!this.#raft.hasRecalled(replica)) recalling++;
    });
    inSlices(this.#clock, this.#hosted.topics(), (topic) => {
      if (this.#missesOldDisk(topic)) behind++;
    });
    // A look that went over several turns is counted by the next one.
    this.#cancel = this.#clock.after(LOOK_MS, () => {
      this.#cancel = null;
      if (behind === 0) this.#hasCaughtUp = true;
      if (this.#hasCaughtUp && recalling === 0) {
        this.#isDone = true;
        this.#raft.vouch();
      } else this.start();
    });
  }

  stop(): void {
    this.#cancel?.();
  }

  /** Learners, and replicas whose disk cannot be trusted, count nowhere: nobody waits for them. */
  #isInSync(replica: Replica): boolean {
    const { machine, group, self } = replica;
    if (!machine.isVoter(self) || machine.standing === "suspect") return true;
    if (replica.leads) return replica.serves;
    return this.#leaders.row(group)?.isr.includes(this.#self.broker) ?? false;
  }

  /**
   * Whether another directory of this broker is still wanted, or still counted instead of this one: what was there is here
   * when its groups have settled. A group without a leader may have gone with that directory: nobody waits for it.
   */
  #missesOldDisk({ partitions }: Topic): boolean {
    const { broker, directory } = this.#self;
    const isOld = (of: ReplicaPlacement): boolean =>
      of.broker === broker && of.directory !== directory;
    return partitions.some(
      ({ group, replicas, leaving }) =>
        replicas.some(isOld) || (leaving.some(isOld) && this.#leaders.leaderOf(group) !== null),
    );
  }
}
