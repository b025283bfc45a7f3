// What every member has, whatever protocol it speaks: connections of its own, a coordinator that it looks for, and a life
// that can be paused and ended from outside. A paused body neither sends nor learns anything; a dead one is silent.
import type { Random } from "../random.ts";
import { MalformedAnswer } from "../wire/bytes.ts";
import type { BrokerAddress } from "../wire/connection.ts";
import { CODE } from "../wire/error-codes.ts";
import { FIND_COORDINATOR } from "../wire/group-requests.ts";
import type { Api } from "../wire/requests.ts";
import { pause } from "../workload/clock.ts";
import type { RunClock } from "../workload/clock.ts";
import { Connections } from "../workload/connections.ts";

const FIND_MS_MAX = 1_500;
const AGAIN_MS = 40;
/** So often may there be no connection to the coordinator before another one is looked for. */
const MISSES_MAX = 8;

export interface Exchange<A> {
  readonly sentMs: number;
  readonly answeredMs: number;
  /** Null: no answer came, and what the request did is unknown. */
  readonly answer: A | null;
}

export interface BodyOptions {
  readonly name: string;
  readonly group: string;
  readonly addresses: ReadonlyMap<number, BrokerAddress>;
  readonly random: Random;
  readonly nowMs: RunClock;
  readonly malformed: (what: string) => void;
}

export class Body {
  readonly #options: BodyOptions;
  readonly #connections: Connections;
  #coordinator: number | null = null;
  #misses = 0;
  #isDead = false;
  #paused: { readonly promise: Promise<void>; readonly wake: () => void } | null = null;
  /** Requests that are with the coordinator, unanswered. */
  unanswered = 0;

  constructor(options: BodyOptions) {
    this.#options = options;
    this.#connections = new Connections(options.addresses, options.name);
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  get isPaused(): boolean {
    return this.#paused !== null;
  }

  get coordinator(): number | null {
    return this.#coordinator;
  }

  pause(): void {
    if (this.#paused !== null || this.#isDead) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#paused = { promise, wake: resolve };
  }

  wake(): void {
    const paused = this.#paused;
    this.#paused = null;
    paused?.wake();
  }

  /** Ends all connections at once and says goodbye to nobody. */
  die(): void {
    this.#isDead = true;
    this.#connections.close();
    this.wake();
  }

  /** Resolves when the body is not paused, which may be at once. */
  async awake(): Promise<void> {
    while (this.#paused !== null) await this.#paused.promise;
  }

  async rest(ms: number): Promise<void> {
    await pause(ms);
    await this.awake();
  }

  /** The coordinator says that it is none. */
  lookElsewhere(): void {
    this.#coordinator = null;
  }

  /** Null: nothing was sent. */
  async ask<Q, A>(api: Api<Q, A>, question: Q, withinMs: number): Promise<Exchange<A> | null> {
    await this.awake();
    if (this.#coordinator === null) await this.#find();
    const broker = this.#coordinator;
    const link = broker === null || this.#isDead ? null : this.#connections.to(broker);
    if (link === null) {
      if (++this.#misses > MISSES_MAX) this.lookElsewhere();
      await this.rest(AGAIN_MS);
      return null;
    }
    this.#misses = 0;
    const { nowMs } = this.#options;
    const sentMs = nowMs();
    let answer: A | null = null;
    this.unanswered++;
    try {
      answer = await link.connection.ask(api, question, withinMs);
    } catch (error) {
      if (error instanceof MalformedAnswer) this.#options.malformed(error.message);
      if (this.#coordinator === broker) this.lookElsewhere();
    } finally {
      this.unanswered--;
    }
    await this.awake();
    return { sentMs, answeredMs: nowMs(), answer };
  }

  /** Asks any broker. */
  async #find(): Promise<void> {
    const { random, addresses, group, malformed } = this.#options;
    const link = this.#connections.to(random.pick([...addresses.keys()]));
    if (link === null) return;
    try {
      const place = await link.connection.ask(FIND_COORDINATOR, group, FIND_MS_MAX);
      if (place.code === CODE.none) this.#coordinator = place.broker;
      this.#misses = 0;
    } catch (error) {
      if (error instanceof MalformedAnswer) malformed(error.message);
    }
  }
}
