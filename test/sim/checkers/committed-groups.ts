// What coordinators have committed and what they tell: the log of each partition of __consumer_offsets, and the answers
// of every broker held against it.
import type { CommittedOffset } from "../../../internal/coordinator/group-requests.ts";
import type { Partition } from "../../../internal/partition/partition.ts";
import type { GroupCoordinator } from "../../../internal/coordinator/group-coordinator.ts";
import type { CommittedLog } from "./committed-log.ts";
import { GroupPartitionLog, offsetKey } from "./group-partition-log.ts";
import { SentCommits } from "./sent-commits.ts";
import type { Verdict } from "./verdict.ts";

/** One broker's answer about a group, at the moment at which it gives it. */
export interface GroupAnswer {
  readonly who: string;
  readonly what: string;
  readonly partition: Partition;
  readonly coordinator: GroupCoordinator;
  /** Of the replicas of the partition. */
  readonly log: CommittedLog;
}

export class CommittedGroups {
  readonly #verdict: Verdict;
  readonly sent: SentCommits;
  readonly #partitions = new Map<number, GroupPartitionLog>();
  /** Coordinators that began to lead. */
  leaderships = 0;
  fetched = 0;

  constructor(verdict: Verdict) {
    this.#verdict = verdict;
    this.sent = new SentCommits(verdict);
  }

  partition(index: number): GroupPartitionLog {
    let log = this.#partitions.get(index);
    if (log === undefined) {
      log = new GroupPartitionLog(index, this.#verdict, this.sent);
      this.#partitions.set(index, log);
    }
    return log;
  }

  get partitions(): ReadonlyMap<number, GroupPartitionLog> {
    return this.#partitions;
  }

  get generations(): number {
    return [...this.#partitions.values()].reduce((sum, { generations }) => sum + generations, 0);
  }

  /** Only a leader answers, and only when all that earlier leaders committed is in its state (S1, F7). */
  answers({ who, what, partition, coordinator, log }: GroupAnswer): void {
    const { replica, term } = partition;
    const at = `${who} answers ${what} in term ${term}`;
    if (!partition.leads) return this.#early(`${at} and does not lead`);
    const known = log.batches.findLast((batch) => batch.term < term)?.baseOffset ?? -1;
    if (coordinator.appliedIndex > known && replica.serves) return;
    this.#early(
      `${at} when it has applied up to ${coordinator.appliedIndex}, and ${known + 1} is committed`,
    );
  }

  #early(detail: string): void {
    this.#verdict.report("coordinators answer when they lead and have loaded", detail);
  }

  /** A broker says what is committed; when it was asked, `from` entries were. */
  tells(
    who: string,
    index: number,
    from: number,
    where: { readonly group: string; readonly topic: string; readonly partition: number },
    committed: CommittedOffset | null,
  ): void {
    this.fetched++;
    const key = offsetKey(where.group, where.topic, where.partition);
    const possible = [...this.partition(index).committedSince(key, from)];
    const found = committed === null ? null : `${committed.offset} (${committed.metadata})`;
    const wanted = possible.map((one) => (one === null ? null : `${one.offset} (${one.tag})`));
    if (wanted.includes(found)) return;
    const detail = `${who} says ${found ?? "nothing"} of ${key}, committed is ${wanted.join(" then ")}`;
    this.#verdict.report("committed offsets are told", detail);
  }
}
