// Counts and measures every call, and refuses those beyond the limit before any of their bytes are read. Works as an
// interceptor, below the handlers.
import { ServerInterceptingCall, status } from "@grpc/grpc-js";
import type { ServerInterceptingCallInterface, ServerInterceptor } from "@grpc/grpc-js";
import type { Clock } from "../ports/clock.ts";
import type { GrpcProbe } from "./probe.ts";
import { overloaded, statusOf } from "./refusal.ts";

export class Admission {
  readonly #clock: Clock;
  readonly #probe: GrpcProbe;
  readonly #callsMax: number;
  #calls = 0;

  constructor(clock: Clock, probe: GrpcProbe, callsMax: number) {
    this.#clock = clock;
    this.#probe = probe;
    this.#callsMax = callsMax;
  }

  /** Calls under way. */
  get calls(): number {
    return this.#calls;
  }

  readonly intercept: ServerInterceptor = (method, call) => {
    const startUpMs = this.#clock.upMs();
    let sent: status | null = null;
    const ended = (): void => {
      const code = sent ?? unsentCode(call, this.#clock.nowMs());
      this.#probe.callEnded(method.path, code, (this.#clock.upMs() - startUpMs) / 1_000);
    };
    return new ServerInterceptingCall(call, {
      start: (next) => {
        if (this.#calls >= this.#callsMax) {
          sent = status.RESOURCE_EXHAUSTED;
          call.sendStatus(statusOf(overloaded(this.#callsMax)));
          ended();
          return;
        }
        this.#calls++;
        // The library reports the end of every call as a cancellation, however it ended.
        next({
          onCancel: () => {
            this.#calls--;
            ended();
          },
        });
      },
      sendStatus: (answer, next) => {
        sent = answer.code ?? status.UNKNOWN;
        next(answer);
      },
    });
  };
}

/** How a call ended that no handler answered: the library ends calls at their deadline by itself. */
function unsentCode(call: ServerInterceptingCallInterface, nowMs: number): status {
  const deadline = call.getDeadline();
  const endMs = typeof deadline === "number" ? deadline : deadline.getTime();
  return nowMs >= endMs ? status.DEADLINE_EXCEEDED : status.CANCELLED;
}
