import { describe, expect, it } from "vitest";
import { DELIVERY, Scheduler, TIMER, TURN_END } from "./scheduler.ts";

describe("Scheduler", () => {
  it("delivers by time, then in the order of the calls, turn ends last", async () => {
    const scheduler = new Scheduler();
    const seen: string[] = [];
    const note = (label: string) => (): void => void seen.push(label);
    scheduler.at(5, null, TURN_END, "a", note("turn end at 5"));
    scheduler.at(7, null, DELIVERY, "a", note("at 7"));
    scheduler.at(5, null, DELIVERY, "a", note("first at 5"));
    scheduler.at(5, null, TIMER, "a", note("second at 5"));
    scheduler.at(1, null, DELIVERY, "a", note("at 1"));
    expect(await scheduler.run({})).toBe("idle");
    expect(seen).toEqual(["at 1", "first at 5", "second at 5", "turn end at 5", "at 7"]);
    expect(scheduler.nowUs).toBe(7);
  });

  it("keeps its order among very many events", async () => {
    const scheduler = new Scheduler();
    const seen: number[] = [];
    for (let index = 0; index < 5_000; index++) {
      const timeUs = (index * 7919) % 1_000;
      scheduler.at(timeUs, null, DELIVERY, "a", () => seen.push(scheduler.nowUs * 10_000 + index));
    }
    await scheduler.run({});
    expect(seen).toHaveLength(5_000);
    expect(seen).toEqual(seen.toSorted((left, right) => left - right));
  });

  it("runs promise reactions of any depth before the next event", async () => {
    const scheduler = new Scheduler();
    const seen: string[] = [];
    scheduler.at(1, null, DELIVERY, "a", () => {
      void (async () => {
        for (let depth = 0; depth < 100; depth++) await Promise.resolve();
        seen.push("deep");
      })();
    });
    scheduler.at(1, null, DELIVERY, "b", () => seen.push("next event"));
    await scheduler.run({});
    expect(seen).toEqual(["deep", "next event"]);
  });

  it("stops at a time, a count or a condition, and goes on from there", async () => {
    const scheduler = new Scheduler();
    let count = 0;
    const tick = (): void => {
      count++;
      scheduler.at(10, null, TIMER, "tick", tick);
    };
    tick();
    expect(await scheduler.run({ untilUs: 55 })).toBe("time");
    expect(count).toBe(6);
    expect(await scheduler.run({ eventsMax: 3 })).toBe("events");
    expect(count).toBe(9);
    expect(await scheduler.run({ until: () => count === 20 })).toBe("until");
    expect(count).toBe(20);
    const startUs = scheduler.nowUs;
    await scheduler.runFor(25);
    expect(scheduler.nowUs).toBe(startUs + 25);
  });

  it("drops cancelled events and those of a dead life", async () => {
    const scheduler = new Scheduler();
    const life = scheduler.newLife("a", 1);
    const seen: string[] = [];
    const cancelled = scheduler.at(1, null, TIMER, "a", () => seen.push("cancelled"));
    scheduler.at(2, life, TIMER, "a", () => seen.push("dead"));
    scheduler.at(1, null, TIMER, "a", () => life.end());
    scheduler.cancel(cancelled);
    await scheduler.run({});
    expect(seen).toEqual([]);
  });

  it("holds the events of a frozen life and delivers them at the thaw, timers first", async () => {
    const scheduler = new Scheduler();
    const life = scheduler.newLife("a", 1);
    const seen: string[] = [];
    const note = (label: string) => (): void => void seen.push(`${label} ${scheduler.nowUs}`);
    scheduler.freeze(life);
    scheduler.at(10, life, TURN_END, "a", note("turn end"));
    scheduler.at(20, life, DELIVERY, "a", note("input"));
    scheduler.at(30, life, TIMER, "a", note("timer"));
    scheduler.at(40, null, TIMER, "a", note("world"));
    const cancelled = scheduler.at(45, life, TIMER, "a", note("cancelled while frozen"));
    scheduler.at(50, null, TIMER, "a", () => {
      scheduler.cancel(cancelled);
      scheduler.thaw(life);
    });
    await scheduler.run({});
    expect(seen).toEqual(["world 40", "timer 50", "input 50", "turn end 50"]);
  });

  it("an exception ends the run and says where it happened", async () => {
    const scheduler = new Scheduler();
    const life = scheduler.newLife("b7", 1);
    scheduler.at(3, life, DELIVERY, "journal done", () => {
      throw new Error("planned");
    });
    await expect(scheduler.run({})).rejects.toThrow("in journal done of b7 at 3 µs: planned");
  });

  it("settle says so when a promise never settles", async () => {
    const scheduler = new Scheduler();
    await expect(scheduler.settle(new Promise(() => undefined))).rejects.toThrow("settles");
  });
});
