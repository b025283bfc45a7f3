// The step before the sequence check for which a batch has to be opened (P5): records of a compacted topic have keys.
// What is small is looked at inside the call; the rest is copied, waits for the pool of threads, and is appended in the
// order in which it came: whatever arrives behind it on the same partition waits too.
//
// The desk is shared by all partitions of a broker. It has one batch opened at a time, and a limit for the copies that
// wait; above it appends are "busy". What a batch may decompress to is limited as well, absolutely and by its ratio.
import { decompress } from "../bytes/decompress.ts";
import { readI32 } from "../bytes/integers.ts";
import { keylessRecords } from "../model/decode-batch.ts";
import { CODEC_NONE, RecordBatchView } from "../model/record-batch.ts";
import type { BatchFault } from "../model/validate-batch.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { ComputeFault, Tasks } from "../ports/tasks.ts";
import type { AppendCommand, AppendOutcome } from "./append.ts";

/** Copies of batches that wait, of all partitions. */
export const WAITING_BYTES_MAX = 16 << 20;
/** Batches that wait before one partition. */
const WAITING_BATCHES_MAX = 256;
/** What is looked at inside the call: so many bytes of records, and so many of them decompressed (L7). */
const INLINE_BYTES_MAX = 16 << 10;
const INLINE_OPENED_BYTES_MAX = 64 << 10;
/** Nobody's records compress so well that they are worth a broker's memory. */
const RATIO_MAX = 200;
const RATIO_FREE_BYTES = 4 << 20;
/** Records at fault that are named. */
const KEYLESS_NAMED_MAX = 1_000;

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

type Verdict = BatchFault | "sound" | "unjudged";

export class AdmissionDesk {
  readonly parts: AdmissionDeskParts;
  #waitingBytes = 0;
  #wasFull = false;
  #isOpening = false;
  readonly #waiting: { readonly batch: Uint8Array; readonly done: (verdict: Verdict) => void }[] =
    [];

  constructor(parts: AdmissionDeskParts) {
    this.parts = parts;
  }

  /** Whether a copy of so many bytes may wait. */
  reserve(bytes: number): boolean {
    // One batch fits always, however large.
    const fits = this.#waitingBytes === 0 || this.#waitingBytes + bytes <= WAITING_BYTES_MAX;
    if (fits) this.#waitingBytes += bytes;
    else this.#wasFull = true;
    return fits;
  }

  release(bytes: number): void {
    this.#waitingBytes -= bytes;
    if (!this.#wasFull) return;
    this.#wasFull = false;
    this.parts.roomAgain();
  }

  /** Null: the batch is too large to be looked at here and now. */
  inspectNow(bytes: Uint8Array, start: number): Verdict | null {
    const batch = new RecordBatchView(bytes, start);
    const { recordsStart, end, codec, recordCount } = batch;
    if (end - recordsStart > INLINE_BYTES_MAX) return null;
    if (codec === CODEC_NONE) return verdictOn({ bytes, start: recordsStart, end }, recordCount);
    const opened = decompress(codec, bytes.subarray(recordsStart, end), INLINE_OPENED_BYTES_MAX);
    if (opened.ok) {
      const payload = { bytes: opened.value, start: 0, end: opened.value.length };
      return verdictOn(payload, recordCount);
    }
    return opened.fault.kind === "too-large" ? null : { kind: "unreadable" };
  }

  /** `done` runs later. "unjudged": it could not be found out. */
  inspect(batch: Uint8Array, done: (verdict: Verdict) => void): void {
    this.#waiting.push({ batch, done });
    this.#openNext();
  }

  #openNext(): void {
    if (this.#isOpening) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#isOpening = true;
    const { codec, recordsStart, recordCount } = new RecordBatchView(next.batch, 0);
    const bytes = next.batch.slice(recordsStart);
    const bytesMax = openedBytesMax(bytes.length, this.parts.openedBytesMax());
    const finish = (verdict: Verdict): void => {
      this.#isOpening = false;
      next.done(verdict);
      this.#openNext();
    };
    this.parts.tasks
      .compute({
        job: "keyless-records",
        codec: codec as Codec,
        bytes,
        bytesMax,
        recordCount,
        countMax: KEYLESS_NAMED_MAX,
      })
      .then(
        (outcome) =>
          finish(
            outcome.ok ? verdictOf(placesIn(outcome.value)) : faultOf(outcome.fault, bytesMax),
          ),
        (error: unknown) => {
          // A thread broke, or the broker stops.
          this.parts.log.error({ fault: error }, "batch-not-opened");
          finish("unjudged");
        },
      );
  }
}

interface Waiting {
  readonly command: AppendCommand;
  readonly done: (outcome: AppendOutcome) => void;
  readonly sinceMs: number;
  verdict: Verdict | null;
}

/** The batches that wait before one partition, in the order of their arrival. */
export class AdmissionQueue {
  readonly #desk: AdmissionDesk;
  readonly #append: (
    command: AppendCommand,
    done: (outcome: AppendOutcome) => void,
  ) => "taken" | "busy";
  readonly #waiting: Waiting[] = [];
  #waitsForRoom = false;

  constructor(
    desk: AdmissionDesk,
    append: (command: AppendCommand, done: (outcome: AppendOutcome) => void) => "taken" | "busy",
  ) {
    this.#desk = desk;
    this.#append = append;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** A batch whose form is sound. `needsKeys` false: it only keeps its place behind the others. */
  offer(
    command: AppendCommand,
    needsKeys: boolean,
    done: (outcome: AppendOutcome) => void,
  ): "taken" | "busy" {
    const { bytes, start, end } = command;
    const verdict = needsKeys ? this.#desk.inspectNow(bytes, start) : "sound";
    if (this.isEmpty && verdict !== null) {
      if (verdict === "sound") return this.#append(command, done);
      done(refusal(verdict));
      return "taken";
    }
    const length = end - start;
    if (this.#waiting.length >= WAITING_BATCHES_MAX || !this.#desk.reserve(length)) return "busy";
    const own = { ...command, bytes: bytes.slice(start, end), start: 0, end: length };
    const waiting: Waiting = { command: own, done, sinceMs: this.#upMs(), verdict };
    this.#waiting.push(waiting);
    if (verdict === null) {
      this.#desk.inspect(own.bytes, (found) => {
        waiting.verdict = found;
        this.#drain();
      });
    }
    return "taken";
  }

  #upMs(): number {
    return this.#desk.parts.clock.upMs();
  }

  #drain(): void {
    if (this.#waitsForRoom) return;
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (first.verdict === null) return;
      if (this.#settle(first) === "busy") {
        this.#waitsForRoom = true;
        this.#desk.parts.whenRoom(() => {
          this.#waitsForRoom = false;
          this.#drain();
        });
        return;
      }
      this.#waiting.shift();
      this.#desk.release(first.command.end);
    }
  }

  #settle({ command, verdict, sinceMs, done }: Waiting): "taken" | "busy" {
    if (verdict !== "sound" && verdict !== null) {
      done(refusal(verdict));
      return "taken";
    }
    const timeoutMs = command.timeoutMs - (this.#upMs() - sinceMs);
    if (timeoutMs <= 0 && command.acks !== 0) {
      done({ ok: false, fault: { kind: "timed-out" } });
      return "taken";
    }
    return this.#append({ ...command, timeoutMs: Math.max(0, timeoutMs) }, done);
  }
}

function refusal(verdict: Exclude<Verdict, "sound">): AppendOutcome {
  // Somebody else may be able to find it out; the client asks again.
  if (verdict === "unjudged") return { ok: false, fault: { kind: "not-leader" } };
  return { ok: false, fault: { kind: "batch", fault: verdict } };
}

function verdictOn(
  payload: { readonly bytes: Uint8Array; readonly start: number; readonly end: number },
  recordCount: number,
): Verdict {
  const places = keylessRecords(payload, recordCount, KEYLESS_NAMED_MAX);
  return places === null ? { kind: "unreadable" } : verdictOf(places);
}

function verdictOf(places: readonly number[]): Verdict {
  return places.length === 0 ? "sound" : { kind: "keyless", records: places };
}

function placesIn(bytes: Uint8Array): readonly number[] {
  return Array.from({ length: bytes.length / 4 }, (_, at) => readI32(bytes, at * 4));
}

function faultOf(fault: ComputeFault, bytesMax: number): BatchFault {
  return fault.kind === "too-large" ? { kind: "bomb", bytesMax } : { kind: "unreadable" };
}
