// Whether this broker's replicas have everything again after its start. Until their leaders count them as in sync, another
// broker that stops may take a quorum along: whoever restarts brokers one after another waits for this one to be ready.
// Once it was so it stays so: falling behind later is no reason to send clients away.
import type { LeaderTable } from "../cluster/leaders.ts";
import type { BrokerId } from "../model/ids.ts";
import type { Cancel, Clock } from "../ports/clock.ts";
import type { MultiRaft } from "../replica/multi-raft.ts";
import type { Replica } from "../replica/replica.ts";
import { inSlices } from "../replica/slices.ts";

const LOOK_MS = 200;

export class CatchUpWatch {
  readonly #self: BrokerId;
  readonly #clock: Clock;
  readonly #raft: MultiRaft;
  readonly #leaders: LeaderTable;
  readonly #isHosted: () => boolean;
  #hasCaughtUp = false;
  /** It has caught up, and its disk is trusted again (D3). */
  #isDone = false;
  #cancel: Cancel | null = null;

  /** `isHosted`: every replica that is placed here is here. */
  constructor(
    self: BrokerId,
    clock: Clock,
    raft: MultiRaft,
    leaders: LeaderTable,
    isHosted: () => boolean,
  ) {
    this.#self = self;
    this.#clock = clock;
    this.#raft = raft;
    this.#leaders = leaders;
    this.#isHosted = isHosted;
  }

  get hasCaughtUp(): boolean {
    return this.#hasCaughtUp;
  }

  /** From the moment on from which the image is known. */
  start(): void {
    if (this.#isDone || this.#cancel !== null) return;
    // One whose beginning the disk may have lost has to recall like the others (D3).
    let behind = this.#isHosted() ? 0 : 1;
    let recalling = 0;
    inSlices(this.#clock, this.#raft.replicas(), (replica) => {
      if (!this.#isInSync(replica)) behind++;
      if (!this.#raft.hasRecalled(replica)) recalling++;
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
    return this.#leaders.row(group)?.isr.includes(this.#self) ?? false;
  }
}
