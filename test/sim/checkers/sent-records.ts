// Every batch that the workload has sent, and what became of it. Held against the committed log of its partition:
// acknowledged batches are there, at the offset that was told; nothing else is there, nothing twice, nothing out of
// order (N2 and N7).
import type { GroupId } from "../../../internal/model/ids.ts";
import type { CommittedBatch, CommittedLog } from "./committed-log.ts";
import type { Verdict } from "./verdict.ts";

/**
 * "open": no answer yet. "acknowledged": the broker said that it is committed. "unknown": the last answer leaves it open.
 * "refused": every attempt was answered with a refusal that excludes an append.
 */
export type Fate = "open" | "acknowledged" | "unknown" | "refused";

export interface SentBatch {
  readonly group: GroupId;
  /** One client in one session. */
  readonly producer: string;
  readonly idempotent: boolean;
  /** Counts the batches of this producer in this partition. */
  readonly number: number;
  /** Of the batch as it was encoded: Kafka's own, which also tells batches apart. */
  readonly checksum: number;
  readonly recordCount: number;
  fate: Fate;
  /** Where it was acknowledged. */
  offset: number | null;
  /** Where it was committed. */
  committedAt: number | null;
}

export class SentRecords {
  readonly #verdict: Verdict;
  readonly #batches = new Map<GroupId, Map<number, SentBatch>>();
  /** Of each idempotent producer and partition, the number of the batch committed last. */
  readonly #newest = new Map<string, number>();
  acknowledged = 0;

  constructor(verdict: Verdict) {
    this.#verdict = verdict;
  }

  sent(batch: SentBatch): void {
    this.#of(batch.group).set(batch.checksum, batch);
  }

  /** The broker acknowledged a batch at `offset`. */
  acknowledge(batch: SentBatch, offset: number, log: CommittedLog): void {
    const found = log.batchAt(offset);
    if (found?.checksum !== batch.checksum && !log.isForgiven) {
      const what =
        found === undefined
          ? batch.committedAt === null
            ? "where nothing is committed"
            : `and is committed at ${batch.committedAt}`
          : "where another batch is committed";
      const detail = `${this.#name(batch)} was acknowledged at offset ${offset}, ${what}`;
      this.#verdict.report("acknowledged records are committed", detail);
    }
    if (batch.fate !== "acknowledged") this.acknowledged++;
    batch.fate = "acknowledged";
    batch.offset = offset;
  }

  /** A batch joined the committed log of its partition. */
  committed(group: GroupId, batch: CommittedBatch): void {
    const sent = this.#batches.get(group)?.get(batch.checksum);
    const at = batch.baseOffset;
    if (sent === undefined || sent.recordCount !== batch.recordCount) {
      const detail = `group ${group} offset ${at}: a batch that nobody has sent`;
      this.#verdict.report("only what was sent is in the log", detail);
      return;
    }
    if (sent.committedAt !== null) {
      this.#disorder(sent, `is committed at ${sent.committedAt} and again at ${at}`);
      return;
    }
    sent.committedAt = at;
    if (sent.fate === "refused") {
      const detail = `${this.#name(sent)} was refused and is committed at ${at}`;
      this.#verdict.report("refused records do not appear", detail);
    }
    if (sent.idempotent) this.#inOrder(sent);
  }

  #inOrder(sent: SentBatch): void {
    const key = `${sent.producer} ${sent.group}`;
    const newest = this.#newest.get(key) ?? -1;
    if (sent.number !== newest + 1) this.#disorder(sent, `is committed after number ${newest}`);
    this.#newest.set(key, sent.number);
  }

  /** At the end: whatever was acknowledged is in the one log, where it was said to be. */
  review(logOf: (group: GroupId) => CommittedLog): void {
    for (const [group, batches] of this.#batches) {
      const log = logOf(group);
      if (log.isForgiven) continue;
      for (const batch of batches.values()) {
        if (batch.offset === null || log.batchAt(batch.offset)?.checksum === batch.checksum)
          continue;
        const detail = `${this.#name(batch)} was acknowledged at ${batch.offset} and is not there`;
        this.#verdict.report("acknowledged records are committed", detail);
      }
    }
  }

  /** What a disk that lost something has left of its only copy: batches that were sent, each once, in their order (N7). */
  remain(group: GroupId, checksums: readonly number[]): void {
    const seen = new Set<SentBatch>();
    const newest = new Map<string, number>();
    for (const checksum of checksums) {
      const sent = this.#batches.get(group)?.get(checksum);
      if (sent === undefined) {
        const detail = `group ${group}: a batch that nobody has sent is left`;
        return this.#verdict.report("only what was sent is in the log", detail);
      }
      if (seen.has(sent)) this.#disorder(sent, "is left twice");
      seen.add(sent);
      if (!sent.idempotent) continue;
      const before = newest.get(sent.producer) ?? -1;
      if (sent.number <= before) this.#disorder(sent, `is left behind number ${before}`);
      newest.set(sent.producer, sent.number);
    }
  }

  #disorder(sent: SentBatch, what: string): void {
    const detail = `${this.#name(sent)} ${what}`;
    this.#verdict.report("idempotent producers neither repeat nor reorder", detail);
  }

  #of(group: GroupId): Map<number, SentBatch> {
    let batches = this.#batches.get(group);
    if (batches === undefined) this.#batches.set(group, (batches = new Map()));
    return batches;
  }

  #name({ group, producer, number }: SentBatch): string {
    return `group ${group} ${producer} batch ${number}`;
  }
}
