// Hands batches to the log and waits, for the unary and the streaming append. When the broker is short of memory the
// batch waits for room, never longer than the caller.
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { Offset } from "../model/ids.ts";
import type { World } from "../ports/world.ts";
import type { AppendFault } from "../service/faults.ts";
import type { Appended, AppendRequest as LogAppend, LogService } from "../service/log-service.ts";
import { appendBatch } from "./append-batch.ts";
import type { ServeUnary } from "./calls.ts";
import { waitMs, whenOver } from "./calls.ts";
import type { AppendRequest, AppendResponse } from "./generated/log.ts";
import type { GrpcLimits } from "./limits.ts";
import { BUSY } from "./refusal.ts";
import type { Refusal } from "./refusal.ts";
import { placeOf, refuseLog } from "./status-table.ts";
import type { LeaderDirectory } from "./status-table.ts";

export type AppendOutcome = Result<AppendResponse, Refusal>;
type LogOutcome = Result<Appended, AppendFault>;

/** Each is called once, in this order, possibly before `submit` returns. */
export interface AppendEvents {
  /** The log has the batch, or never gets it: the next one of a stream may follow. */
  taken(): void;
  done(outcome: AppendOutcome): void;
}

export class Appends {
  readonly #world: World;
  readonly #log: LogService;
  readonly #leaders: LeaderDirectory;
  readonly #limits: GrpcLimits;

  constructor(world: World, log: LogService, leaders: LeaderDirectory, limits: GrpcLimits) {
    this.#world = world;
    this.#log = log;
    this.#leaders = leaders;
    this.#limits = limits;
  }

  /** Log.Append. */
  readonly serve: ServeUnary<AppendRequest, AppendResponse> = (request, call) => {
    const timeoutMs = waitMs(call, this.#world.clock.nowMs(), this.#limits.appendWaitMsMax);
    return new Promise((answer) => {
      const withdraw = this.submit(request, timeoutMs, { taken: () => {}, done: answer });
      whenOver(call, withdraw);
    });
  };

  /**
   * Appends the records of one request within `timeoutMs`. The returned function withdraws it while it still waits for
   * room: true means that nothing was appended and that nothing more is called; false, that it is too late.
   */
  submit(request: AppendRequest, timeoutMs: number, events: AppendEvents): () => boolean {
    const { clock } = this.#world;
    const batch = appendBatch(request, clock.nowMs());
    if (!batch.ok) {
      events.taken();
      events.done(batch);
      return () => false;
    }
    const where = placeOf(request.topic, request.partition);
    const endUpMs = clock.upMs() + timeoutMs;
    const settle = (outcome: LogOutcome): void => {
      if (outcome.ok) events.done(ok(response(outcome.value, request.records.length)));
      else events.done(failed(refuseLog(outcome.fault, where, this.#leaders)));
    };
    const attempt = (): boolean => {
      const leftMs = Math.max(0, Math.floor(endUpMs - clock.upMs()));
      const append = logAppend(request, batch.value, leftMs);
      let early: LogOutcome | null = null;
      let isInside = true;
      const answer = this.#log.append(append, (outcome) => {
        if (isInside) early = outcome;
        else settle(outcome);
      });
      isInside = false;
      if (answer === "busy") return false;
      events.taken();
      if (early !== null) settle(early);
      return true;
    };
    return attempt() ? () => false : this.#awaitRoom(attempt, timeoutMs, events);
  }

  #awaitRoom(attempt: () => boolean, timeoutMs: number, events: AppendEvents): () => boolean {
    let isWaiting = true;
    const cancelTimer = this.#world.clock.after(timeoutMs, () => {
      if (!isWaiting) return;
      isWaiting = false;
      events.taken();
      events.done(failed(BUSY));
    });
    const leave = (): boolean => {
      const wasWaiting = isWaiting;
      isWaiting = false;
      cancelTimer();
      return wasWaiting;
    };
    const tryAgain = (): void => {
      if (!isWaiting) return;
      if (attempt()) leave();
      else this.#log.whenRoom(tryAgain);
    };
    this.#log.whenRoom(tryAgain);
    return leave;
  }
}

function logAppend(request: AppendRequest, bytes: Uint8Array, timeoutMs: number): LogAppend {
  const append = {
    name: request.topic,
    topicId: null,
    partition: request.partition,
    batch: { bytes, start: 0, end: bytes.length },
    acks: -1,
    timeoutMs,
    allowsZstd: true,
  };
  const { expectedEndOffset } = request;
  if (expectedEndOffset === undefined) return append;
  return { ...append, expectedEnd: expectedEndOffset as Offset };
}

function response(appended: Appended, recordCount: number): AppendResponse {
  const { baseOffset, appendTimeMs, logStart } = appended;
  const place = { baseOffset, endOffset: baseOffset + recordCount, logStartOffset: logStart };
  return appendTimeMs < 0 ? place : { ...place, appendTimeMs };
}
