// What every handler needs around its own work: the decoded request, how long it may take, whether anybody still waits,
// and that a failure inside ends the call with INTERNAL instead of going unnoticed. A broken invariant ends the broker, as
// everywhere.
import type { handleUnaryCall, sendUnaryData, ServerUnaryCall } from "@grpc/grpc-js";
import { AssertionFailed } from "../base/assert.ts";
import type { Result } from "../base/result.ts";
import type { World } from "../ports/world.ts";
import type { DecodeFault, Received } from "./message-codec.ts";
import type { Method } from "./methods.ts";
import { INTERNAL, MALFORMED, statusOf, TOO_MANY_PARTS } from "./refusal.ts";
import type { Refusal } from "./refusal.ts";

/** What the transport hands to a handler: decoding happened below it and may have failed. */
export type Incoming<Request> = Result<Received<Request>, DecodeFault>;

/** The part of a gRPC call that is the same for all kinds. */
export interface AnyCall {
  readonly cancelled: boolean;
  getDeadline(): number | { getTime(): number };
  on(event: "cancelled", over: () => void): unknown;
}

export function refuseDecoding(fault: DecodeFault): Refusal {
  return fault.kind === "malformed" ? MALFORMED : TOO_MANY_PARTS;
}

/** How long the caller waits from now on, at most `msMax`; 0 when its deadline has passed. */
export function waitMs(call: AnyCall, nowMs: number, msMax: number): number {
  const deadline = call.getDeadline();
  const leftMs = (typeof deadline === "number" ? deadline : deadline.getTime()) - nowMs;
  return Math.max(0, Math.min(msMax, Math.floor(leftMs)));
}

/** Runs `over` once when nobody waits for the call any more: answered, cancelled, past its deadline, or cut off. */
export function whenOver(call: AnyCall, over: () => void): void {
  if (call.cancelled) over();
  else call.on("cancelled", over);
}

/** Runs a handler's work; what it throws is a bug and is told to the client as INTERNAL. */
export function guarded(world: World, path: string, work: () => void, refuse: () => void): void {
  try {
    work();
  } catch (fault) {
    handlerFailed(world, path, fault);
    refuse();
  }
}

export function handlerFailed(world: World, path: string, fault: unknown): void {
  if (fault instanceof AssertionFailed) world.fatal("grpc-handler-asserted", fault);
  world.log.error({ path, fault }, "grpc-handler-failed");
}

export type ServeUnary<Request, Response> = (
  request: Request,
  call: AnyCall,
) => Promise<Result<Response, Refusal>>;

/** The handler of a unary method, as the gRPC library wants it. Responses leave as bytes. */
export function unary<Request, Response>(
  world: World,
  method: Method<Request, Response>,
  serve: ServeUnary<Request, Response>,
): handleUnaryCall<Incoming<Request>, Buffer> {
  return (
    call: ServerUnaryCall<Incoming<Request>, Buffer>,
    answer: sendUnaryData<Buffer>,
  ): void => {
    const refuse = (refusal: Refusal): void => answer(statusOf(refusal));
    if (!call.request.ok) {
      refuse(refuseDecoding(call.request.fault));
      return;
    }
    serve(call.request.value.message, call)
      .then((outcome) => {
        if (!outcome.ok) refuse(outcome.fault);
        else answer(null, method.response.encode(outcome.value));
      })
      .catch((fault: unknown) => {
        handlerFailed(world, method.path, fault);
        refuse(INTERNAL);
      });
  };
}
