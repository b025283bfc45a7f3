// The step before the sequence check: the records of a batch are looked through (P5). What is small is looked at inside
// the call; the rest is copied, waits for the pool of threads, and is appended in the order in which it came: whatever
// arrives behind it on the same partition waits too.
//
// The desk is shared by all partitions of a broker. It has an allowance for what is looked at in one turn, and a limit for
// the copies that wait; above it appends are "busy". Clients take turns in the pool, and whoever has batches waiting leaves
// as much of the limit free as it holds: who brings a few waits for none who brings many. What a batch may decompress to is
// limited as well, absolutely and by its ratio; each thread of the pool holds one opened batch.
import { assert } from "../base/assert.ts";
import { FairQueue } from "../base/fair-queue.ts";
import { decompress } from "../bytes/decompress.ts";
import type { ByteRange } from "../bytes/byte-range.ts";
import { RecordInspector } from "../model/inspect-records.ts";
import type { RecordRules, RecordsFault } from "../model/inspect-records.ts";
import { CODEC_NONE, RecordBatchView } from "../model/record-batch.ts";
import type { BatchFault } from "../model/validate-batch.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { COMPUTE_THREADS_MAX } from "../ports/tasks.ts";
import type { ComputeFault, Tasks } from "../ports/tasks.ts";
import type { AppendCommand, AppendOutcome } from "./append.ts";

/** Copies of batches that wait, of all partitions. */
export const WAITING_BYTES_MAX = 16 << 20;
/** What a batch that waits takes besides its bytes: the smallest are a hundredth of that. */
export const WAITING_BATCH_BYTES = 4 << 10;
/** Batches that wait before one partition. */
const WAITING_BATCHES_MAX = 256;
/** What is opened inside the call: so many bytes of compressed records, and so many of them opened. */
const INLINE_BYTES_MAX = 16 << 10;
const INLINE_OPENED_BYTES_MAX = 64 << 10;
/** Zstandard's window, as a power of two: memory of 128 MiB for a batch of some bytes takes a millisecond to come and go. */
const INLINE_WINDOW_LOG_MAX = 23;
/** Records and headers that are looked at in one turn (L7): a millisecond or two. */
export const TURN_STEPS_MAX = 50_000;
/** What it costs to open a small batch, in steps, and how many bytes come out of it for one more. */
const OPENING_STEPS = 1_000;
const OPENED_BYTES_PER_STEP = 10;
/** Nobody's records compress so well that they are worth a broker's memory. */
const RATIO_MAX = 200;
const RATIO_FREE_BYTES = 4 << 20;

/** Batches that the pool has at once: one that each thread opens, and the next. */
export const IN_POOL_MAX = 2 * COMPUTE_THREADS_MAX;

const UNREADABLE: RecordsFault = { kind: "unreadable", reason: "compression" };

type Codec = 0 | 1 | 2 | 3 | 4;

/** How much the records of a batch may be when they are opened. */
export function openedBytesMax(payloadBytes: number, settingBytes: number): number {
  return Math.min(settingBytes, Math.max(RATIO_FREE_BYTES, payloadBytes * RATIO_MAX));
}

export interface AdmissionDeskParts {
  readonly clock: Clock;
  readonly tasks: Tasks;
  readonly log: Log;
  /** `max.decompressed.bytes`, which may change. */
  readonly openedBytesMax: () => number;
  /** Appends that were "busy" may succeed now. */
  readonly roomAgain: () => void;
  /** Calls back when the journal has room again. */
  readonly whenRoom: (callback: () => void) => void;
}

/** The latest time of the records of a batch that is sound; "unjudged": it could not be found out. */
type Verdict = number | BatchFault | "unjudged";

/** Whose batches are shared fairly: a connection, or all who have none. */
type Client = object | undefined;

interface PoolJob {
  readonly batch: Uint8Array;
  readonly rules: RecordRules;
  /** Whether anybody still waits for the verdict. */
  readonly isWanted: () => boolean;
  /** Runs once, later. */
  readonly judged: (verdict: Verdict) => void;
}

export class AdmissionDesk {
  readonly parts: AdmissionDeskParts;
  readonly #inspector = new RecordInspector();
  readonly #batch = new RecordBatchView(new Uint8Array(0), 0);
  readonly #line = new FairQueue<Client, PoolJob>();
  readonly #heldBy = new Map<Client, number>();
  #inPool = 0;
  #waitingBytes = 0;
  #wasFull = false;
  /** Of this turn. */
  #stepsLeft = TURN_STEPS_MAX;

  constructor(parts: AdmissionDeskParts) {
    this.parts = parts;
  }

  /** Whether a copy of a batch of so many bytes may wait. */
  reserve(client: Client, batchBytes: number): boolean {
    const bytes = this.#waitingBytes + WAITING_BATCH_BYTES + batchBytes;
    const before = this.#heldBy.get(client) ?? 0;
    const held = before + WAITING_BATCH_BYTES + batchBytes;
    const isFair = before === 0 || held <= WAITING_BYTES_MAX - bytes;
    // One batch fits always, however large.
    const fits = this.#waitingBytes === 0 || (bytes <= WAITING_BYTES_MAX && isFair);
    if (!fits) {
      this.#wasFull = true;
      return false;
    }
    this.#waitingBytes = bytes;
    this.#heldBy.set(client, held);
    return true;
  }

  /** Nothing was done for this append: it hears when others have left. */
  turnAway(): "busy" {
    this.#wasFull = true;
    return "busy";
  }

  release(client: Client, batchBytes: number): void {
    const bytes = WAITING_BATCH_BYTES + batchBytes;
    this.#waitingBytes -= bytes;
    const left = (this.#heldBy.get(client) ?? 0) - bytes;
    assert(left >= 0, "a client gives back what it held");
    if (left === 0) this.#heldBy.delete(client);
    else this.#heldBy.set(client, left);
    if (!this.#wasFull) return;
    this.#wasFull = false;
    this.parts.roomAgain();
  }

  /** Null: there is too much to be looked at here and now. */
  inspectNow(bytes: Uint8Array, start: number, rules: RecordRules): Verdict | null {
    if (this.#stepsLeft <= 0) return null;
    const batch = this.#batch.moveTo(bytes, start);
    const { recordsStart, end, codec } = batch;
    if (codec === CODEC_NONE) return this.#look({ bytes, start: recordsStart, end }, batch, rules);
    if (end - recordsStart > INLINE_BYTES_MAX) return null;
    const packed = bytes.subarray(recordsStart, end);
    const opened = decompress(codec, packed, INLINE_OPENED_BYTES_MAX, INLINE_WINDOW_LOG_MAX);
    const openedBytes = opened.ok ? opened.value.length : INLINE_OPENED_BYTES_MAX;
    this.#spend(OPENING_STEPS + openedBytes / OPENED_BYTES_PER_STEP);
    if (!opened.ok) return opened.fault.kind === "too-large" ? null : UNREADABLE;
    return this.#look({ bytes: opened.value, start: 0, end: openedBytes }, batch, rules);
  }

  #look(payload: ByteRange, batch: RecordBatchView, rules: RecordRules): Verdict | null {
    const inspector = this.#inspector;
    const found = inspector.inspect(payload, batch, rules, Math.max(1, this.#stepsLeft));
    this.#spend(inspector.steps);
    if (found === "sound") return inspector.maxTimestampMs;
    return found === "too-long" ? null : found;
  }

  #spend(steps: number): void {
    if (this.#stepsLeft === TURN_STEPS_MAX) this.parts.clock.turnEnd(this.#turnEnded);
    this.#stepsLeft -= steps;
  }

  readonly #turnEnded = (): void => {
    this.#stepsLeft = TURN_STEPS_MAX;
  };

  inspect(client: Client, job: PoolJob): void {
    this.#line.push(client, job);
    this.#next();
  }

  #next(): void {
    while (this.#inPool < IN_POOL_MAX) {
      const job = this.#line.shift();
      if (job === null) return;
      const judged = (verdict: Verdict): void => {
        this.#inPool--;
        job.judged(verdict);
        this.#next();
      };
      this.#inPool++;
      if (job.isWanted()) this.#open(job, judged);
      // Not inside the call of who gave it up.
      else this.parts.clock.turnEnd(() => judged("unjudged"));
    }
  }

  #open({ batch, rules }: PoolJob, judged: (verdict: Verdict) => void): void {
    const { codec, recordsStart, recordCount, baseTimestampMs } = new RecordBatchView(batch, 0);
    const bytes = batch.slice(recordsStart);
    const bytesMax = openedBytesMax(bytes.length, this.parts.openedBytesMax());
    const claim = { recordCount, baseTimestampMs };
    this.parts.tasks
      .compute({ job: "inspect-records", codec: codec as Codec, bytes, bytesMax, claim, rules })
      .then(
        (outcome) => {
          if (!outcome.ok) judged(faultOf(outcome.fault, bytesMax));
          else judged(outcome.value.fault ?? outcome.value.maxTimestampMs);
        },
        (error: unknown) => {
          // A thread broke, or the broker stops.
          this.parts.log.error({ fault: error }, "batch-not-opened");
          judged("unjudged");
        },
      );
  }
}

/** Appends a batch of sound records, the latest of which has this time. */
type Append = (
  command: AppendCommand,
  maxTimestampMs: number,
  done: (outcome: AppendOutcome) => void,
) => "taken" | "busy";

interface Waiting {
  readonly command: AppendCommand;
  readonly done: (outcome: AppendOutcome) => void;
  readonly sinceMs: number;
  verdict: Verdict | null;
  /** It was answered, and waits no more. */
  isLate: boolean;
}

/** The batches that wait before one partition, in the order of their arrival. */
export class AdmissionQueue {
  readonly #desk: AdmissionDesk;
  readonly #append: Append;
  readonly #waiting: Waiting[] = [];
  #waitsForRoom = false;

  constructor(desk: AdmissionDesk, append: Append) {
    this.#desk = desk;
    this.#append = append;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  get count(): number {
    return this.#waiting.length;
  }

  /** Whoever waits for an answer gets one in time, though the journal may have no room for as long as its disk hangs. */
  expire(nowMs: number): void {
    const isLate = ({ command, sinceMs }: Waiting): boolean =>
      command.acks !== 0 && sinceMs + command.timeoutMs <= nowMs;
    const late = this.#waiting.filter(isLate);
    for (const waiting of late) {
      const at = this.#waiting.indexOf(waiting);
      if (at < 0) continue; // somebody's answer made room for it
      this.#waiting.splice(at, 1);
      waiting.isLate = true;
      // It counts until the pool is done with it, or passes it over.
      if (waiting.verdict !== null) this.#release(waiting);
      waiting.done({ ok: false, fault: { kind: "timed-out" } });
    }
    if (late.length > 0) this.#drain();
  }

  /** A batch whose header is sound. */
  offer(
    command: AppendCommand,
    rules: RecordRules,
    done: (outcome: AppendOutcome) => void,
  ): "taken" | "busy" {
    const { bytes, start, end } = command;
    // Before it is looked through, which would be in vain.
    if (this.#waiting.length >= WAITING_BATCHES_MAX) return this.#desk.turnAway();
    const verdict = this.#desk.inspectNow(bytes, start, rules);
    if (this.isEmpty && verdict !== null) {
      if (typeof verdict === "number") return this.#append(command, verdict, done);
      done(refusal(verdict));
      return "taken";
    }
    const length = end - start;
    if (!this.#desk.reserve(command.client, length)) return "busy";
    const own = { ...command, bytes: bytes.slice(start, end), start: 0, end: length };
    const waiting: Waiting = { command: own, done, sinceMs: this.#upMs(), verdict, isLate: false };
    this.#waiting.push(waiting);
    if (verdict === null) {
      const judged = (found: Verdict): void => {
        waiting.verdict = found;
        if (waiting.isLate) this.#release(waiting);
        else this.#drain();
      };
      const isWanted = (): boolean => !waiting.isLate;
      this.#desk.inspect(command.client, { batch: own.bytes, rules, isWanted, judged });
    }
    return "taken";
  }

  #release({ command }: Waiting): void {
    this.#desk.release(command.client, command.end);
  }

  #upMs(): number {
    return this.#desk.parts.clock.upMs();
  }

  #drain(): void {
    if (this.#waitsForRoom) return;
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (first.verdict === null) return;
      if (this.#settle(first, first.verdict) === "busy") {
        this.#waitsForRoom = true;
        this.#desk.parts.whenRoom(() => {
          this.#waitsForRoom = false;
          this.#drain();
        });
        return;
      }
      this.#waiting.shift();
      this.#release(first);
    }
  }

  #settle({ command, sinceMs, done }: Waiting, verdict: Verdict): "taken" | "busy" {
    if (typeof verdict !== "number") {
      done(refusal(verdict));
      return "taken";
    }
    const timeoutMs = command.timeoutMs - (this.#upMs() - sinceMs);
    if (timeoutMs <= 0 && command.acks !== 0) {
      done({ ok: false, fault: { kind: "timed-out" } });
      return "taken";
    }
    return this.#append({ ...command, timeoutMs: Math.max(0, timeoutMs) }, verdict, done);
  }
}

function refusal(verdict: BatchFault | "unjudged"): AppendOutcome {
  // Somebody else may be able to find it out; the client asks again.
  if (verdict === "unjudged") return { ok: false, fault: { kind: "not-leader" } };
  return { ok: false, fault: { kind: "batch", fault: verdict } };
}

function faultOf(fault: ComputeFault, bytesMax: number): BatchFault {
  return fault.kind === "too-large" ? { kind: "bomb", bytesMax } : UNREADABLE;
}
