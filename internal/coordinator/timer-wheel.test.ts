import { expect, test } from "vitest";
import fc from "fast-check";
import type { Clock } from "../ports/clock.ts";
import { TimerWheel, WheelTimer } from "./timer-wheel.ts";

/** Time passes when the test says so; turns end at once. */
class HandClock implements Clock {
  ms = 5_000;
  pending = 0;
  #timers: { readonly at: number; readonly wake: () => void }[] = [];

  nowMs(): number {
    return this.ms;
  }

  awakeSinceMs(): number {
    return -Infinity;
  }

  upMs(): number {
    return this.ms;
  }

  after(delayMs: number, wake: () => void): () => void {
    const timer = { at: this.ms + delayMs, wake };
    this.#timers.push(timer);
    this.pending++;
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  turnEnd(flush: () => void): void {
    flush();
  }

  to(ms: number): void {
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= ms).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.pending--;
      this.ms = Math.max(this.ms, next.at);
      next.wake();
    }
    this.ms = ms;
  }
}

const LATE_MS_MAX = 60;

test("timers fire once, not early and not late, however they are restarted and stopped", () => {
  const step = fc.record({
    timer: fc.nat(4),
    delayMs: fc.integer({ min: -5, max: 3_000 }),
    stops: fc.boolean(),
    passMs: fc.integer({ min: 0, max: 400 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
      const clock = new HandClock();
      const wheel = new TimerWheel(clock);
      const due = new Array<number>(5).fill(Infinity);
      const timers = due.map(
        (_, at) =>
          new WheelTimer(() => {
            expect(clock.ms).toBeGreaterThanOrEqual(due[at] ?? Infinity);
            expect(clock.ms - (due[at] ?? 0)).toBeLessThanOrEqual(LATE_MS_MAX);
            due[at] = Infinity;
          }),
      );
      for (const { timer, delayMs, stops, passMs } of steps) {
        if (stops) wheel.stop(timers[timer] as WheelTimer);
        else wheel.start(timers[timer] as WheelTimer, delayMs);
        due[timer] = stops ? Infinity : clock.ms + Math.max(delayMs, 0);
        clock.to(clock.ms + passMs);
        for (const at of due) expect(clock.ms - at).toBeLessThanOrEqual(LATE_MS_MAX);
      }
      clock.to(clock.ms + 4_000);
      expect(due).toEqual(new Array<number>(5).fill(Infinity));
      expect(clock.pending).toBe(0);
    }),
  );
});

test("a heartbeat restarts a timer without touching its slot", () => {
  const clock = new HandClock();
  const wheel = new TimerWheel(clock);
  let fired = 0;
  const timer = new WheelTimer(() => fired++);
  wheel.start(timer, 1_000);
  const { slot } = timer;
  for (let beat = 0; beat < 9; beat++) {
    clock.to(clock.ms + 100);
    wheel.start(timer, 1_000);
    expect(timer.slot).toBe(slot);
  }
  clock.to(clock.ms + 990);
  expect(fired).toBe(0);
  clock.to(clock.ms + 70);
  expect(fired).toBe(1);
});

test("one that fires may stop and restart others that are due with it", () => {
  const clock = new HandClock();
  const wheel = new TimerWheel(clock);
  const fired: string[] = [];
  const later = new WheelTimer(() => fired.push("later"));
  const never = new WheelTimer(() => fired.push("never"));
  const first = new WheelTimer(() => {
    fired.push("first");
    wheel.start(later, 500);
    wheel.stop(never);
  });
  for (const timer of [first, later, never]) wheel.start(timer, 100);
  clock.to(clock.ms + 200);
  expect(fired).toEqual(["first"]);
  clock.to(clock.ms + 500);
  expect(fired).toEqual(["first", "later"]);
});
