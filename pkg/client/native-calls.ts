// Calls of the native API on a cluster of brokers: one channel for each address, the leaders that were learned from
// redirects, and further tries where they can do no harm. NativeClient gives the calls their types.
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import type { CallOptions, ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import type { Method } from "../../internal/grpc/methods.ts";
import type { Clock } from "../../internal/ports/clock.ts";
import { NativeError } from "./native-error.ts";

export interface NativeCallsOptions {
  /** gRPC endpoints of some brokers, `<host>:<port>`; leaders elsewhere are learned. */
  readonly brokers: readonly string[];
  /** How long a call may take, further tries included. Default: 30,000. */
  readonly callMsMax?: number;
  /** How long one try of a call that may be repeated may take. Default: 10,000. */
  readonly tryMsMax?: number;
}

/** The partition that a call goes to, or null when every broker can answer. */
export type Place = { readonly topic: string; readonly partition: number } | null;

const CALL_MS_MAX = 30_000;
/** A broker that is silent for so long may be gone; what may be repeated is asked of another one. */
const TRY_MS_MAX = 10_000;
const PAUSE_MS_MIN = 20;
const PAUSE_MS_MAX = 1_000;

export class NativeCalls {
  readonly callMsMax: number;
  readonly #tryMsMax: number;
  readonly #clock: Clock;
  readonly #brokers: readonly string[];
  readonly #channels = new Map<string, Client>();
  /** By topic and partition. */
  readonly #leaders = new Map<string, string>();
  #turn = 0;

  constructor(clock: Clock, options: NativeCallsOptions) {
    if (options.brokers.length === 0) throw new TypeError("Name at least one broker.");
    this.#clock = clock;
    this.#brokers = options.brokers;
    this.callMsMax = options.callMsMax ?? CALL_MS_MAX;
    this.#tryMsMax = options.tryMsMax ?? TRY_MS_MAX;
  }

  /** `isRepeatable`: a second effect of the call would do no harm, so it is tried again when its outcome is unknown. */
  async unary<Q, A>(
    method: Method<Q, A>,
    request: Q,
    place: Place,
    isRepeatable: boolean,
  ): Promise<A> {
    const deadline = this.#clock.nowMs() + this.callMsMax;
    for (let tries = 0; ; tries++) {
      const address = this.addressOf(place);
      try {
        const tryEnd = this.#clock.nowMs() + (isRepeatable ? this.#tryMsMax : this.callMsMax);
        const options = { deadline: Math.min(deadline, tryEnd) };
        return await callOnce(this.#channel(address), method, request, options);
      } catch (fault) {
        if (!(fault instanceof NativeError)) throw fault;
        if (!fault.isPassing && !(fault.isBroken && isRepeatable)) throw fault;
        const isLate = this.#clock.nowMs() >= deadline;
        if (isLate || !(await this.turnedElsewhere(fault, place, address, tries, deadline))) {
          throw fault;
        }
      }
    }
  }

  /** Opens a stream at the partition's leader as far as it is known; whoever reads it deals with its end. */
  serverStream<Q, A>(method: Method<Q, A>, request: Q, address: string): ClientReadableStream<A> {
    return this.#channel(address).makeServerStreamRequest(
      method.path,
      (message: Q) => method.request.encode(message),
      (bytes: Buffer) => decoded(method, bytes),
      request,
    );
  }

  /** Where a call goes next. */
  addressOf(place: Place): string {
    const leader = place === null ? undefined : this.#leaders.get(keyOf(place));
    return leader ?? (this.#brokers[this.#turn % this.#brokers.length] as string);
  }

  /**
   * Learns from a refusal where to go, and waits where waiting is all that helps. False when the time would be over
   * before the next try.
   */
  async turnedElsewhere(
    fault: NativeError,
    place: Place,
    address: string,
    tries: number,
    deadlineMs: number,
  ): Promise<boolean> {
    if (place !== null) {
      if (fault.leader === null) this.#leaders.delete(keyOf(place));
      else this.#leaders.set(keyOf(place), fault.leader);
    }
    if (fault.leader === null) this.#turn++;
    // A redirect is followed at once, unless brokers send the call round in circles.
    if (fault.leader !== null && fault.leader !== address && tries < this.#brokers.length + 2) {
      return true;
    }
    const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** Math.min(tries, 10));
    if (this.#clock.nowMs() + pauseMs >= deadlineMs) return false;
    await new Promise<void>((resolve) => this.#clock.after(pauseMs, resolve));
    return true;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  close(): void {
    for (const channel of this.#channels.values()) channel.close();
    this.#channels.clear();
  }

  #channel(address: string): Client {
    let channel = this.#channels.get(address);
    if (channel === undefined) {
      channel = new Client(address, credentials.createInsecure(), {
        "grpc.max_receive_message_length": -1,
        // What may be repeated is decided here, by the kind of refusal.
        "grpc.enable_retries": 0,
        "grpc.initial_reconnect_backoff_ms": PAUSE_MS_MIN,
        "grpc.max_reconnect_backoff_ms": PAUSE_MS_MAX,
      });
      this.#channels.set(address, channel);
    }
    return channel;
  }
}

function keyOf(place: NonNullable<Place>): string {
  return `${place.partition} ${place.topic}`;
}

function callOnce<Q, A>(
  channel: Client,
  method: Method<Q, A>,
  request: Q,
  options: CallOptions,
): Promise<A> {
  return new Promise((resolve, reject) => {
    channel.makeUnaryRequest(
      method.path,
      (message: Q) => method.request.encode(message),
      (bytes: Buffer) => decoded(method, bytes),
      request,
      new Metadata(),
      options,
      (fault: ServiceError | null, response?: A) => {
        if (fault === null) resolve(response as A);
        else reject(new NativeError(fault));
      },
    );
  });
}

function decoded<Q, A>(method: Method<Q, A>, bytes: Buffer): A {
  const received = method.response.decode(bytes);
  if (!received.ok) throw new Error("The broker's response is not of this method's type.");
  return received.value.message;
}
