// What brokers show to readers: whole, intact, committed bytes at their own offsets, and a high watermark that never goes
// back (P1, N5, N6 and N11).
import type { GroupId } from "../../../internal/model/ids.ts";
import { hasValidCrc, RecordBatchView } from "../../../internal/model/record-batch.ts";
import type { CommittedLog } from "./committed-log.ts";
import type { Verdict } from "./verdict.ts";

/** Who answered: a process, and whether as the leader. */
export interface Server {
  readonly who: string;
  readonly leads: boolean;
}

export interface ServedPartition {
  readonly group: GroupId;
  readonly fetchOffset: number;
  /** −1: the answer did not tell. */
  readonly highWatermark: number;
  readonly slices: readonly Uint8Array[];
}

export class ServedReads {
  readonly #verdict: Verdict;
  readonly #shown = new Map<GroupId, { offset: number; who: string }>();
  readonly #shownBy = new Map<string, number>();
  batches = 0;

  constructor(verdict: Verdict) {
    this.#verdict = verdict;
  }

  /** Returns the offset after the last batch served, or the fetch offset. */
  served(by: Server, answer: ServedPartition, log: CommittedLog): number {
    const { highWatermark } = answer;
    if (log.isForgiven) return answer.fetchOffset;
    if (highWatermark >= 0) this.shown(by, answer.group, highWatermark, log);
    let next = answer.fetchOffset;
    let isFirst = true;
    for (const slice of answer.slices) {
      for (let at = 0; at < slice.length;) {
        const end = this.#batch(by, answer.group, slice, at, next, isFirst, log);
        if (end === null) return next;
        next = end.nextOffset;
        at = end.at;
        isFirst = false;
      }
    }
    return next;
  }

  /** A broker says that a partition's high watermark is at `offset`. */
  shown(by: Server, group: GroupId, offset: number, log: CommittedLog): void {
    if (log.isForgiven) return;
    if (offset > log.end) {
      const detail = `${by.who} shows ${offset} for group ${group}, committed is ${log.end}`;
      this.#verdict.report("nothing above the high watermark is served", detail);
    }
    // A follower's own view may lag behind; it never goes back while its process lives (P8).
    const key = `${by.who} ${group}`;
    const own = this.#shownBy.get(key) ?? 0;
    if (offset < own) this.#back(by, group, offset, own, by.who);
    else this.#shownBy.set(key, offset);
    if (!by.leads) return;
    const shown = this.#shown.get(group);
    if (shown !== undefined && offset < shown.offset) {
      this.#back(by, group, offset, shown.offset, shown.who);
    } else this.#shown.set(group, { offset, who: by.who });
  }

  #back(by: Server, group: GroupId, offset: number, before: number, whoBefore: string): void {
    const detail = `group ${group}: ${by.who} shows ${offset} after ${whoBefore} showed ${before}`;
    this.#verdict.report("the high watermark never goes back", detail);
  }

  #batch(
    by: Server,
    group: GroupId,
    bytes: Uint8Array,
    at: number,
    next: number,
    isFirst: boolean,
    log: CommittedLog,
  ): { readonly nextOffset: number; readonly at: number } | null {
    const where = `${by.who} group ${group} offset ${next}`;
    if (bytes.length - at < 61) return this.#corrupt(`${where}: half a batch`);
    const header = new RecordBatchView(bytes, at);
    if (header.end > bytes.length) return this.#corrupt(`${where}: half a batch`);
    const { baseOffset, nextOffset, crc, leaderEpoch } = header;
    const isNext = isFirst ? baseOffset <= next && nextOffset > next : baseOffset === next;
    if (!isNext) return this.#corrupt(`${where}: the batch of ${baseOffset} to ${nextOffset}`);
    if (!hasValidCrc(bytes, at)) return this.#corrupt(`${where}: the checksum is wrong`);
    const committed = log.batchAt(baseOffset);
    if (committed === undefined) {
      const detail = `${where}: a batch at ${baseOffset}, committed is up to ${log.end}`;
      this.#verdict.report("nothing above the high watermark is served", detail);
      return null;
    }
    if (committed.checksum !== crc || committed.term !== leaderEpoch) {
      return this.#corrupt(`${where}: another batch than the committed one`);
    }
    this.batches++;
    return { nextOffset, at: header.end };
  }

  #corrupt(detail: string): null {
    this.#verdict.report("no corrupted byte is served", detail);
    return null;
  }
}
