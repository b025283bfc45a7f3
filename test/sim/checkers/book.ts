// All checkers of one run, and the committed log of every group that they share.
import type { GroupId } from "../../../internal/model/ids.ts";
import { CONTROLLER_GROUP } from "../../../internal/model/ids.ts";
import { CommittedGroups } from "./committed-groups.ts";
import { CommittedLog } from "./committed-log.ts";
import { DurabilityOrder } from "./durability-order.ts";
import { Once } from "./once.ts";
import { SentRecords } from "./sent-records.ts";
import { ServedReads } from "./served-reads.ts";
import { SingleLeader } from "./single-leader.ts";
import type { Verdict } from "./verdict.ts";

export class Book {
  readonly verdict: Verdict;
  readonly leaders: SingleLeader;
  readonly durability: DurabilityOrder;
  readonly sent: SentRecords;
  readonly reads: ServedReads;
  readonly groups: CommittedGroups;
  readonly once: Once;
  /** Groups of a single replica: if its disk loses something, nobody else has it. */
  readonly single = new Set<GroupId>();
  readonly #logs = new Map<GroupId, CommittedLog>();
  /** Brings the committed logs up to date with what the brokers did in the event under way. */
  settle: () => void = () => {};
  /** Whether brokers write the group's log themselves. */
  isInternal: (group: GroupId) => boolean = () => false;

  constructor(verdict: Verdict) {
    this.verdict = verdict;
    this.leaders = new SingleLeader(verdict);
    this.durability = new DurabilityOrder(verdict);
    this.sent = new SentRecords(verdict);
    this.reads = new ServedReads(verdict);
    this.groups = new CommittedGroups(verdict);
    this.once = new Once(verdict);
  }

  log(group: GroupId): CommittedLog {
    let log = this.#logs.get(group);
    if (log === undefined) {
      log = new CommittedLog(group, this.verdict);
      if (group !== CONTROLLER_GROUP) {
        log.onBatch = (batch) => {
          if (!this.isInternal(group)) this.sent.committed(group, batch);
        };
      }
      this.#logs.set(group, log);
    }
    return log;
  }

  /** Of this group's only copy something is gone: what it has left is judged in the end. */
  forgive(group: GroupId): void {
    if (this.single.has(group)) this.log(group).isForgiven = true;
  }

  /** The log as of this moment. */
  settled(group: GroupId): CommittedLog {
    this.settle();
    return this.log(group);
  }

  get logs(): IterableIterator<CommittedLog> {
    return this.#logs.values();
  }
}
