// One AppendStream call: appends to one partition in the order of the requests, several under way, answers in the same
// order. After the first refusal nothing more is handed to the log, so what a stream appended has no gap; what is under
// way then still gets its true answer, and the rest is refused as not tried.
//
// reading ──client ended, or broker stops──▶ finishing ──last answer──▶ over
//    └──────first refusal──▶ refusing ──last answer──▶ over        (any) ──cancelled, deadline──▶ over
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { failed } from "../base/result.ts";
import type { World } from "../ports/world.ts";
import type { AppendOutcome, Appends } from "./appends.ts";
import { guarded, refuseDecoding, waitMs, whenOver } from "./calls.ts";
import type { Incoming } from "./calls.ts";
import type { AppendRequest, AppendStreamResponse } from "./generated/log.ts";
import { APPEND_COST_BYTES } from "./limits.ts";
import type { GrpcLimits } from "./limits.ts";
import type { Method } from "./methods.ts";
import { ReadGate } from "./read-gate.ts";
import { faultOf, INTERNAL, invalid, NOT_TRIED, statusOf, STOPPING } from "./refusal.ts";
import type { Refusal } from "./refusal.ts";

export type AppendStreamCall = ServerDuplexStream<Incoming<AppendRequest>, Buffer>;

/** One request of the stream, in its place in the order of answers. */
interface Slot {
  readonly request: AppendRequest | null;
  readonly costBytes: number;
  outcome: AppendOutcome | null;
}

export class AppendStream {
  readonly #world: World;
  readonly #appends: Appends;
  readonly #limits: GrpcLimits;
  readonly #method: Method<AppendRequest, AppendStreamResponse>;
  readonly #call: AppendStreamCall;
  readonly #gate: ReadGate;
  /** Requests without an answer yet, oldest first. */
  readonly #slots: Slot[] = [];
  /** How many of the slots were handed to the log or refused. */
  #submitted = 0;
  /** A request waits for the log to take it. */
  #isSubmitting = false;
  #withdraw: (() => boolean) | null = null;
  #first: { readonly topic: string; readonly partition: number } | null = null;
  /** Once set, nothing more is handed to the log. */
  #refusal: Refusal | null = null;
  /** The first refusal in the order of the answers: how the call will end. */
  #status: Refusal | null = null;
  #isFinishing = false;
  #isOver = false;

  constructor(
    world: World,
    appends: Appends,
    limits: GrpcLimits,
    method: Method<AppendRequest, AppendStreamResponse>,
    call: AppendStreamCall,
  ) {
    this.#world = world;
    this.#appends = appends;
    this.#limits = limits;
    this.#method = method;
    this.#call = call;
    this.#gate = new ReadGate(call, limits.streamBytesMax);
  }

  /** `ended` runs once, when the call is over. */
  start(ended: () => void): void {
    whenOver(this.#call, () => {
      this.#isOver = true;
      this.#takeBack();
      ended();
    });
    this.#call.on("data", (incoming: Incoming<AppendRequest>) =>
      this.#guarded(() => this.#receive(incoming)),
    );
    this.#call.on("end", () => this.#finish());
  }

  /** Bytes of requests that were not answered yet. */
  get bytes(): number {
    return this.#gate.bytes;
  }

  /** The broker stops: appends under way are answered, then the call ends. */
  stop(): void {
    this.#refuse(STOPPING);
    this.#answer();
  }

  #finish(): void {
    this.#isFinishing = true;
    this.#gate.close();
    this.#answer();
  }

  #guarded(work: () => void): void {
    guarded(this.#world, this.#method.path, work, () => {
      this.#refusal ??= INTERNAL;
      this.#gate.close();
      this.#endNow();
    });
  }

  #receive(incoming: Incoming<AppendRequest>): void {
    if (this.#isOver) return;
    const wireBytes = incoming.ok ? incoming.value.wireBytes : 0;
    const costBytes = wireBytes + APPEND_COST_BYTES;
    this.#gate.take(costBytes);
    const refusal = this.#requestFault(incoming);
    this.#slots.push({
      request: incoming.ok ? incoming.value.message : null,
      costBytes,
      outcome: refusal === null ? null : failed(refusal),
    });
    this.#submit();
  }

  #requestFault(incoming: Incoming<AppendRequest>): Refusal | null {
    if (!incoming.ok) return refuseDecoding(incoming.fault);
    const { topic, partition } = incoming.value.message;
    this.#first ??= { topic, partition };
    if (topic === this.#first.topic && partition === this.#first.partition) return null;
    return invalid(
      "The requests of a stream append to one partition. Open another stream for another one.",
    );
  }

  /** Hands waiting requests to the log, one after another: the next only when the log has taken the one before. */
  #submit(): void {
    while (!this.#isSubmitting && !this.#isOver && this.#submitted < this.#slots.length) {
      const slot = this.#slots[this.#submitted] as Slot;
      if (this.#refusal !== null) slot.outcome ??= failed(untried(this.#refusal));
      if (slot.outcome !== null || slot.request === null) {
        this.#submitted++;
        this.#settle(slot, slot.outcome ?? failed(INTERNAL));
      } else {
        this.#hand(slot, slot.request);
      }
    }
  }

  #hand(slot: Slot, request: AppendRequest): void {
    const nowMs = this.#world.clock.nowMs();
    const timeoutMs = waitMs(this.#call, nowMs, this.#limits.appendWaitMsMax);
    let isInside = true;
    this.#isSubmitting = true;
    const withdraw = this.#appends.submit(request, timeoutMs, {
      taken: () => {
        this.#submitted++;
        this.#isSubmitting = false;
        this.#withdraw = null;
        // Inside, the loop that called goes on with the next slot. Later, nothing does, and it must not happen before
        // a refusal of this one was heard.
        if (!isInside) this.#world.clock.turnEnd(() => this.#guarded(() => this.#submit()));
      },
      done: (outcome) => this.#settle(slot, outcome),
    });
    isInside = false;
    if (this.#isSubmitting) this.#withdraw = withdraw;
  }

  /** Takes back the request that waits for room, if one does. */
  #takeBack(): void {
    if (this.#withdraw?.() !== true) return;
    this.#withdraw = null;
    this.#isSubmitting = false;
  }

  #settle(slot: Slot, outcome: AppendOutcome): void {
    slot.outcome = outcome;
    if (!outcome.ok) this.#refuse(outcome.fault);
    this.#answer();
  }

  #refuse(refusal: Refusal): void {
    if (this.#refusal !== null) return;
    this.#refusal = refusal;
    this.#gate.close();
    this.#takeBack();
    this.#submit();
  }

  /** Sends the answers that are known, oldest first, and ends the call behind the last one. */
  #answer(): void {
    if (this.#isOver) return;
    let next = this.#slots[0];
    while (next !== undefined && next.outcome !== null && this.#submitted > 0) {
      this.#slots.shift();
      this.#submitted--;
      if (!next.outcome.ok) this.#status ??= next.outcome.fault;
      this.#send(next.outcome, next.costBytes);
      next = this.#slots[0];
    }
    const isLast = this.#isFinishing || this.#refusal !== null;
    if (isLast && this.#slots.length === 0) this.#endNow();
  }

  #send(outcome: AppendOutcome, costBytes: number): void {
    const response = outcome.ok ? { appended: outcome.value } : { refused: faultOf(outcome.fault) };
    // The budget is free again when the connection has taken the answer, so a client that reads none is stopped.
    this.#call.write(this.#method.response.encode(response), () => {
      if (!this.#isOver) this.#gate.give(costBytes);
    });
  }

  #endNow(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const refusal = this.#status ?? this.#refusal;
    if (refusal === null) this.#call.end();
    else this.#call.emit("error", statusOf(refusal));
  }
}

function untried(refusal: Refusal): Refusal {
  return refusal === STOPPING ? STOPPING : NOT_TRIED;
}
