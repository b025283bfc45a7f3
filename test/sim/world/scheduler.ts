// The heart of the simulator: virtual time and one queue of events, ordered by (time, sequence).
// After every event all promise reactions run to quiescence before the next event, so that promise
// code is as deterministic as callbacks. Nothing here reads a real clock.
//
// Draining works through a documented order of Node: callbacks of process.nextTick run only after the
// microtask queue has emptied. A step queues a microtask that queues a tick that is the next step; that
// costs no system call, so most of the time goes into the simulated code.
import { assert } from "../../../internal/base/assert.ts";
import { Life } from "./life.ts";
import type { EventPhase, SimEvent } from "./life.ts";
import { textHash } from "./seeded-entropy.ts";
import { TraceHash } from "./trace-hash.ts";

export const TIMER: EventPhase = 0;
export const DELIVERY: EventPhase = 1;
export const TURN_END: EventPhase = 2;

/** Turn ends of an instant sort behind everything else of it. */
const TURN_END_ORDER = 2 ** 51;
/** Steps between two returns to the real event loop, so that the hosting test runner stays alive. */
const STEPS_PER_YIELD = 4096;

export interface RunLimits {
  /** Stops when virtual time would pass this. */
  readonly untilUs?: number;
  /** Stops before the next event once this is true; asked after every event. */
  readonly until?: () => boolean;
  /** Stops after this many events. */
  readonly eventsMax?: number;
}

/** Why a run stopped. `idle`: nothing is left to happen. */
export type RunEnd = "until" | "time" | "events" | "idle";

/** Sees every event before it runs; for printing a trace. */
export type Tracer = (event: SimEvent) => void;

export class Scheduler {
  readonly hash = new TraceHash();
  tracer: Tracer | null = null;
  readonly #heap: SimEvent[] = [];
  readonly #labels = new Map<string, number>();
  #nowUs = 0;
  #sequence = 0;
  #events = 0;
  #lives = 0;
  #running = false;

  get nowUs(): number {
    return this.#nowUs;
  }

  /** Events delivered so far. */
  get events(): number {
    return this.#events;
  }

  newLife(node: string, incarnation: number): Life {
    return new Life(node, incarnation, ++this.#lives);
  }

  /**
   * Runs `run` after `delayUs`, if `life` (null: the world itself) is alive then; a frozen life gets it when it
   * thaws. `mark` is mixed into the trace hash. Equal times keep the order of the calls.
   */
  at(
    delayUs: number,
    life: Life | null,
    phase: EventPhase,
    label: string,
    run: () => void,
    mark = 0,
  ): SimEvent {
    assert(Number.isSafeInteger(delayUs) && delayUs >= 0, "a delay is a whole number of µs");
    const order = ++this.#sequence + (phase === TURN_END ? TURN_END_ORDER : 0);
    const event = { timeUs: this.#nowUs + delayUs, order, phase, life, label, mark, run };
    this.#push(event);
    return event;
  }

  cancel(event: SimEvent): void {
    event.run = null; // stays in the heap until its time; popping skips it
  }

  freeze(life: Life): void {
    life.frozen = true;
  }

  /** Lets a frozen life go on: what came due meanwhile is delivered now, timers first, turn ends last. */
  thaw(life: Life): void {
    if (!life.frozen) return;
    life.frozen = false;
    life.thawedAtUs = this.#nowUs;
    const backlog = life.backlog;
    life.backlog = [];
    for (const phase of [TIMER, DELIVERY, TURN_END]) {
      for (const event of backlog) {
        if (event.phase !== phase || event.run === null) continue;
        event.timeUs = this.#nowUs;
        event.order = ++this.#sequence + (phase === TURN_END ? TURN_END_ORDER : 0);
        this.#push(event);
      }
    }
  }

  /** Delivers events until a limit is reached. An exception of an event ends the run with it as the cause. */
  run(limits: RunLimits): Promise<RunEnd> {
    assert(!this.#running, "one run of a simulation at a time");
    this.#running = true;
    return new Promise<RunEnd>((resolve, reject) => {
      const untilUs = limits.untilUs ?? Number.MAX_SAFE_INTEGER;
      const eventsEnd = this.#events + (limits.eventsMax ?? Number.MAX_SAFE_INTEGER);
      let steps = 0;
      const next = (): void => {
        if (++steps % STEPS_PER_YIELD === 0) setImmediate(step);
        else process.nextTick(step);
      };
      const step = (): void => {
        try {
          const end = this.#step(untilUs, eventsEnd, limits.until);
          if (end === null) {
            queueMicrotask(next);
            return;
          }
          this.#running = false;
          resolve(end);
        } catch (error) {
          this.#running = false;
          reject(error);
        }
      };
      setImmediate(step);
    });
  }

  /** Runs for `durationUs` of virtual time, then stands at its end even if nothing was left to happen. */
  async runFor(durationUs: number): Promise<void> {
    const untilUs = this.#nowUs + durationUs;
    await this.run({ untilUs });
    this.#nowUs = untilUs;
  }

  /** Runs until `promise` settles and hands on what it settled to; asserts that it does settle. */
  async settle<T>(promise: Promise<T>, limitUs = 3_600_000_000): Promise<T> {
    let settled = false;
    const note = (): void => {
      settled = true;
    };
    promise.then(note, note);
    await this.run({ until: () => settled, untilUs: this.#nowUs + limitUs });
    assert(settled, "the promise settles in the simulated time given");
    return promise;
  }

  /** One event, or the reason to stop. */
  #step(untilUs: number, eventsEnd: number, until: (() => boolean) | undefined): RunEnd | null {
    if (until !== undefined && until()) return "until";
    if (this.#events >= eventsEnd) return "events";
    for (;;) {
      const event = this.#heap[0];
      if (event === undefined) return "idle";
      if (event.timeUs > untilUs) return "time";
      this.#pop();
      const run = event.run;
      if (run === null || (event.life !== null && !event.life.alive)) continue;
      this.#nowUs = Math.max(this.#nowUs, event.timeUs);
      if (event.life !== null && event.life.frozen) {
        event.life.backlog.push(event);
        continue;
      }
      event.run = null;
      this.#deliver(event, run);
      return null;
    }
  }

  #deliver(event: SimEvent, run: () => void): void {
    this.#events++;
    this.hash.add(this.#nowUs);
    this.hash.add(this.#labelHash(event.label) ^ event.mark);
    this.hash.add(event.life === null ? 0 : event.life.number);
    if (this.tracer !== null) this.tracer(event);
    try {
      run();
    } catch (error) {
      const where = event.life === null ? "the world" : event.life.node;
      const text = error instanceof Error ? error.message : String(error);
      throw new Error(`in ${event.label} of ${where} at ${this.#nowUs} µs: ${text}`, {
        cause: error,
      });
    }
  }

  #labelHash(label: string): number {
    const known = this.#labels.get(label);
    if (known !== undefined) return known;
    const hash = textHash(label) >>> 0;
    this.#labels.set(label, hash);
    return hash;
  }

  #push(event: SimEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as SimEvent;
      if (!isBefore(event, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as SimEvent;
    const count = heap.length;
    if (count === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= count) break;
      if (child + 1 < count && isBefore(heap[child + 1] as SimEvent, heap[child] as SimEvent)) {
        child++;
      }
      if (!isBefore(heap[child] as SimEvent, last)) break;
      heap[at] = heap[child] as SimEvent;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(left: SimEvent, right: SimEvent): boolean {
  return left.timeUs < right.timeUs || (left.timeUs === right.timeUs && left.order < right.order);
}
