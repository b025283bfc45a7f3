// One producer's stream of batches to one partition: which are out, which must be sent again, and in which order.
//
// An idempotent lane keeps at most five batches unanswered, as Kafka's protocol allows, and sends each again with the same
// sequence until a broker promises it; after a refusal everything unanswered goes again, in order. A plain lane sends each
// batch once and never again, because what a broker did with an unanswered one is unknown.
import type { History, Lane, SentBatch } from "../history.ts";
import type { Leadership } from "./leaders.ts";
import { encodeBatch, NO_PRODUCER } from "../wire/record-batch.ts";
import { CODE, endsSession, isDefiniteFailure } from "../wire/error-codes.ts";
import { encodeValue } from "./value.ts";

/** Brokers remember the last five batches of a producer. */
const UNANSWERED_MAX = 5;

export interface ProducerSession {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** A batch of a lane that has no answer yet. */
interface Open {
  readonly batch: SentBatch;
  readonly bytes: Buffer;
  /** Number of the attempt that is under way; an answer to an older one changes nothing but the history. */
  attempt: number;
  isFlying: boolean;
  /** Everything before it was promised when it was last sent. */
  wasFirst: boolean;
}

/** One sending of one batch. */
export interface Attempt {
  readonly flow: Flow;
  readonly open: Open;
  readonly attempt: number;
  readonly sentMs: number;
}

export interface FlowOptions {
  readonly run: string;
  readonly history: History;
  readonly isIdempotent: boolean;
  readonly producer: number;
  readonly partition: number;
  /** Compresses every so many batches with gzip; 0: none. */
  readonly gzipEvery: number;
}

export class Flow {
  readonly partition: number;
  readonly lane: Lane;
  readonly #options: FlowOptions;
  #open: Open[] = [];
  #session: ProducerSession | null = null;
  #sequence = 0;
  /** The leader knows this session: one of its batches was promised. */
  #isKnown = false;
  #leadership: Leadership | null = null;
  /** After a refusal: send again, but not before this moment, and only when nothing is flying. */
  #againAtMs = 0;
  #isStalled = false;

  constructor(options: FlowOptions) {
    this.#options = options;
    this.partition = options.partition;
    const { history, producer, partition, isIdempotent } = options;
    this.lane = history.openLane(producer, partition, isIdempotent);
  }

  get needsSession(): boolean {
    return this.#options.isIdempotent && this.#session === null;
  }

  /** What the lane sent before under another session stays as it is: unknown. */
  begin(session: ProducerSession): void {
    this.#session = session;
    this.#sequence = 0;
    this.#isKnown = false;
  }

  get unanswered(): number {
    return this.#open.length;
  }

  get isFlying(): boolean {
    return this.#open.some((open) => open.isFlying);
  }

  /** A leader of a higher epoch has taken over: what the old one holds will not be waited for. */
  follow(leadership: Leadership | null): void {
    if (leadership === null || leadership.epoch === this.#leadership?.epoch) return;
    this.#leadership = leadership;
    for (const open of this.#open) open.isFlying = false;
    if (this.#options.isIdempotent) {
      this.#isStalled = this.#open.length > 0;
      return;
    }
    for (const open of this.#open) this.#options.history.ended(open.batch, "unknown");
    this.#open = [];
  }

  /** Batches to send now, in order: everything again after a refusal, else a new one of `count` records. */
  take(nowMs: number, count: number): Attempt[] {
    if (this.#leadership === null || this.needsSession) return [];
    if (this.#isStalled) {
      if (nowMs < this.#againAtMs || this.isFlying) return [];
      this.#isStalled = false;
      return this.#open.map((open, k) => this.#launch(open, k === 0, nowMs));
    }
    // A broker accepts any sequence from a producer that it does not know, as Kafka does. Were the first batch refused and
    // the second one accepted, the first could never be sent again; so the first one goes alone.
    const isAlone = this.#options.isIdempotent && !this.#isKnown;
    if (count === 0 || this.#open.length >= (isAlone ? 1 : UNANSWERED_MAX)) return [];
    const open = this.#compose(count, nowMs);
    this.#open.push(open);
    return [this.#launch(open, this.#open.length === 1, nowMs)];
  }

  #compose(count: number, nowMs: number): Open {
    const { run, history, gzipEvery } = this.#options;
    const { lane } = this.lane;
    const values = Array.from({ length: count }, (_, k) => {
      const counter = this.lane.sent + k;
      return encodeValue(run, { lane, counter }, 20 + ((counter * 7) % 120));
    });
    const batch = history.sent(this.lane, count, nowMs);
    const producer =
      this.#session === null
        ? NO_PRODUCER
        : {
            id: this.#session.producerId,
            epoch: this.#session.producerEpoch,
            baseSequence: this.#sequence,
          };
    if (this.#session !== null) this.#sequence += count;
    const isPacked = gzipEvery > 0 && this.lane.batches.length % gzipEvery === 0;
    const bytes = encodeBatch(values, Date.now(), producer, isPacked ? "gzip" : "none");
    return { batch, bytes, attempt: 0, isFlying: false, wasFirst: false };
  }

  #launch(open: Open, isFirst: boolean, nowMs: number): Attempt {
    open.attempt++;
    open.batch.attempts++;
    open.isFlying = true;
    open.wasFirst = isFirst;
    return { flow: this, open, attempt: open.attempt, sentMs: nowMs };
  }

  /** A broker promised the batch. */
  acked(attempt: Attempt, baseOffset: number, nowMs: number): void {
    const { open } = attempt;
    this.#options.history.acked(this.lane, open.batch, baseOffset, attempt.sentMs, nowMs);
    open.isFlying = false;
    if (this.#open.includes(open)) this.#isKnown = true;
    this.#open = this.#open.filter((other) => other !== open);
    if (this.#open.length === 0) this.#isStalled = false;
  }

  /** A broker refused it, or (code null) no answer will come. */
  refused(attempt: Attempt, code: number | null, nowMs: number): void {
    const { open } = attempt;
    const isLate = open.attempt !== attempt.attempt || !this.#open.includes(open);
    if (isLate) return;
    open.isFlying = false;
    if (!this.#options.isIdempotent) {
      const isDefinite = code !== null && isDefiniteFailure(code);
      this.#options.history.ended(open.batch, isDefinite ? "failed" : "unknown");
      this.#open = this.#open.filter((other) => other !== open);
      return;
    }
    if (code !== null && this.#isSessionOver(open, code)) return this.#abandonSession(open, code);
    this.#isStalled = true;
    this.#againAtMs = nowMs + 20;
  }

  /** Nothing was sent after all: no connection. */
  unsent(attempt: Attempt): void {
    this.refused(attempt, null, attempt.sentMs);
  }

  #isSessionOver(open: Open, code: number): boolean {
    if (endsSession(code)) return true;
    // Its predecessors were promised before it was sent, and still the leader expects another sequence.
    return code === CODE.outOfOrderSequenceNumber && open.wasFirst && this.#open[0] === open;
  }

  #abandonSession(open: Open, code: number): void {
    const { history, producer } = this.#options;
    history.brokenSessions.push(
      `producer ${producer}, partition ${this.partition}, value ${open.batch.first}: error ${code}`,
    );
    for (const { batch } of this.#open) history.ended(batch, "unknown");
    this.#open = [];
    this.#session = null;
    this.#isStalled = false;
  }

  /** The run is over: what has no answer stays unknown. */
  giveUp(): number {
    const left = this.#open.length;
    for (const { batch } of this.#open) this.#options.history.ended(batch, "unknown");
    this.#open = [];
    return left;
  }
}
