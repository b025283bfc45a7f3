// grpc.health.v1: whether the broker is ready, for load balancers and probes. Readiness is a function and says nothing by
// itself when it changes, so it is looked at on a timer while, and only while, somebody watches.
import type { ServerWritableStream } from "@grpc/grpc-js";
import { status } from "@grpc/grpc-js";
import { failed, ok } from "../base/result.ts";
import type { Cancel, Clock } from "../ports/clock.ts";
import type { Incoming, ServeUnary } from "./calls.ts";
import { refuseDecoding, whenOver } from "./calls.ts";
import type {
  Health as HealthMethods,
  HealthCheckRequest,
  HealthCheckResponse,
  ServingStatus,
} from "./generated/health.ts";
import type { Methods } from "./methods.ts";
import { shown, statusOf } from "./refusal.ts";
import type { Refusal } from "./refusal.ts";

type WatchCall = ServerWritableStream<Incoming<HealthCheckRequest>, Buffer>;

interface Watcher {
  readonly call: WatchCall;
  readonly isKnown: boolean;
  told: ServingStatus | null;
}

export class Health {
  readonly #clock: Clock;
  readonly #methods: Methods<HealthMethods>;
  readonly #services: ReadonlySet<string>;
  readonly #isReady: () => boolean;
  readonly #intervalMs: number;
  readonly #watchers = new Set<Watcher>();
  #timer: Cancel | null = null;

  /** `services` besides the broker as a whole, whose name is empty. */
  constructor(
    clock: Clock,
    methods: Methods<HealthMethods>,
    services: readonly string[],
    isReady: () => boolean,
    intervalMs: number,
  ) {
    this.#clock = clock;
    this.#methods = methods;
    this.#services = new Set(["", ...services]);
    this.#isReady = isReady;
    this.#intervalMs = intervalMs;
  }

  readonly check: ServeUnary<HealthCheckRequest, HealthCheckResponse> = async ({ service }) => {
    if (this.#services.has(service)) return ok({ status: this.#now() });
    const message = `This server has no service ${shown(service)}. Reflection lists those it has.`;
    return failed({ code: status.NOT_FOUND, kind: "unknown-service", message });
  };

  /** The status now, then each change. */
  readonly watch = (call: WatchCall): void => {
    const { request } = call;
    if (!request.ok) {
      call.emit("error", statusOf(refuseDecoding(request.fault)));
      return;
    }
    const isKnown = this.#services.has(request.value.message.service);
    const watcher: Watcher = { call, isKnown, told: null };
    this.#watchers.add(watcher);
    whenOver(call, () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) this.#stopLooking();
    });
    if (call.cancelled) return;
    this.#tell(watcher, this.#now());
    this.#timer ??= this.#clock.after(this.#intervalMs, () => this.#look());
  };

  /** Tells the watchers at once; for changes that must not wait for the next look. */
  readinessChanged(): void {
    const now = this.#now();
    for (const watcher of this.#watchers) this.#tell(watcher, now);
  }

  /** Ends all watches. */
  stop(refusal: Refusal): void {
    this.#stopLooking();
    for (const { call } of this.#watchers) call.emit("error", statusOf(refusal));
  }

  #look(): void {
    this.#timer = null;
    this.readinessChanged();
    if (this.#watchers.size > 0) {
      this.#timer = this.#clock.after(this.#intervalMs, () => this.#look());
    }
  }

  #stopLooking(): void {
    this.#timer?.();
    this.#timer = null;
  }

  #now(): ServingStatus {
    return this.#isReady() ? "SERVING" : "NOT_SERVING";
  }

  #tell(watcher: Watcher, now: ServingStatus): void {
    const answer = watcher.isKnown ? now : "SERVICE_UNKNOWN";
    // A watcher that does not read is told again when it has caught up: only the newest status matters.
    if (watcher.told === answer || watcher.call.writableNeedDrain) return;
    watcher.told = answer;
    watcher.call.write(this.#methods.Watch.response.encode({ status: answer }));
  }
}
