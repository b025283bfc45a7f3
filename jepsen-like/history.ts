// What the clients of a run did and saw, on one monotonic clock: every batch with its outcome, every offset that a broker
// promised, every byte and every high watermark that one showed. The checkers read nothing else of the clients, so a
// history can be written by hand to test them.

/**
 * - `pending`: not answered yet. Counts as unknown when the run is over.
 * - `acked`: a broker promised it, at `baseOffset`.
 * - `failed`: certainly not appended; it must never appear.
 * - `unknown`: it may appear, once.
 */
export type Outcome = "pending" | "acked" | "failed" | "unknown";

/** Records that were sent together. Their values are numbered within the lane, from `first` on. */
export interface SentBatch {
  readonly first: number;
  readonly count: number;
  /** When it was first sent. */
  readonly sentMs: number;
  outcome: Outcome;
  /** Where the broker says the first record is; -1 while it did not. */
  baseOffset: number;
  /** When the first acknowledgement arrived, and when the attempt that earned it was sent. */
  ackedMs: number;
  ackedAttemptMs: number;
  attempts: number;
  /** The connection of the last attempt: a number that is never used again. */
  link: number;
}

/** One producer on one partition. */
export interface Lane {
  readonly lane: number;
  readonly producer: number;
  readonly partition: number;
  readonly isIdempotent: boolean;
  readonly batches: SentBatch[];
  /** Values sent so far: the next number. */
  sent: number;
}

/** A broker named two different offsets for one batch. */
export interface Contradiction {
  readonly lane: number;
  readonly first: number;
  readonly offsets: readonly [number, number];
}

/** The end of a partition as its leader told it (ListOffsets). */
export interface EndObservation {
  readonly partition: number;
  readonly broker: number;
  readonly leaderEpoch: number;
  readonly askedMs: number;
  readonly answeredMs: number;
  readonly end: number;
}

/** A high watermark in a fetch answer of one broker, which may be a follower. */
export interface WatermarkObservation {
  readonly partition: number;
  readonly broker: number;
  /** One life of the broker's process. */
  readonly incarnation: number;
  readonly highWatermark: number;
}

/** A batch that a broker served before the end of the run. */
export interface SeenBatch {
  readonly partition: number;
  readonly broker: number;
  readonly baseOffset: number;
  readonly crc: number;
}

export class History {
  readonly lanes: Lane[] = [];
  readonly contradictions: Contradiction[] = [];
  readonly ends: EndObservation[] = [];
  readonly seen = new Map<string, SeenBatch>();
  /** Two different batches at one offset, or a watermark that went back: kept as text when it happens. */
  readonly conflicts: string[] = [];
  readonly regressions: string[] = [];
  /** Answers that do not follow the protocol. */
  readonly malformed: string[] = [];
  /** Refusals that end an idempotent session although its producer did nothing wrong. */
  readonly brokenSessions: string[] = [];
  /** How often each error code was met. */
  readonly codes = new Map<string, number>();
  readonly #watermarks = new Map<string, number>();
  ackedRecords = 0;

  openLane(producer: number, partition: number, isIdempotent: boolean): Lane {
    const lane = {
      lane: this.lanes.length,
      producer,
      partition,
      isIdempotent,
      batches: [],
      sent: 0,
    };
    this.lanes.push(lane);
    return lane;
  }

  sent(lane: Lane, count: number, nowMs: number): SentBatch {
    const batch: SentBatch = {
      first: lane.sent,
      count,
      sentMs: nowMs,
      outcome: "pending",
      baseOffset: -1,
      ackedMs: Number.NaN,
      ackedAttemptMs: Number.NaN,
      attempts: 0,
      link: -1,
    };
    lane.sent += count;
    lane.batches.push(batch);
    return batch;
  }

  /** Whatever the client thought of the batch by then: a promise holds. */
  acked(lane: Lane, batch: SentBatch, baseOffset: number, attemptMs: number, nowMs: number): void {
    if (batch.outcome === "acked") {
      if (batch.baseOffset !== baseOffset) {
        const offsets = [batch.baseOffset, baseOffset] as const;
        this.contradictions.push({ lane: lane.lane, first: batch.first, offsets });
      }
      return;
    }
    batch.outcome = "acked";
    batch.baseOffset = baseOffset;
    batch.ackedMs = nowMs;
    batch.ackedAttemptMs = attemptMs;
    this.ackedRecords += batch.count;
  }

  /** An end without acknowledgement. An unknown outcome never becomes a definite failure again. */
  ended(batch: SentBatch, outcome: "failed" | "unknown"): void {
    if (batch.outcome === "pending") batch.outcome = outcome;
  }

  refused(code: number): void {
    this.countCode(`produce ${code}`);
  }

  countCode(what: string): void {
    this.codes.set(what, (this.codes.get(what) ?? 0) + 1);
  }

  sawBatch(batch: SeenBatch): void {
    const key = `${batch.partition}/${batch.baseOffset}`;
    const before = this.seen.get(key);
    if (before === undefined) this.seen.set(key, batch);
    else if (before.crc !== batch.crc) {
      this.conflicts.push(
        `partition ${batch.partition} offset ${batch.baseOffset}: broker ${before.broker} served ` +
          `${hex(before.crc)}, broker ${batch.broker} ${hex(batch.crc)}`,
      );
    }
  }

  /** Invariant: within one life of a broker no partition's high watermark goes back. */
  sawWatermark(seen: WatermarkObservation): void {
    const key = `${seen.partition}/${seen.broker}/${seen.incarnation}`;
    const before = this.#watermarks.get(key) ?? -1;
    if (seen.highWatermark < before) {
      this.regressions.push(
        `partition ${seen.partition} on broker ${seen.broker}: ${before}, then ${seen.highWatermark}`,
      );
    } else this.#watermarks.set(key, seen.highWatermark);
  }
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}
