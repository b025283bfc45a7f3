import { expect, it } from "vitest";
import { SuspendWatch } from "./suspend-watch.ts";

function stage() {
  const clocks = { wall: 1_000_000, up: 500, boot: 90_000 };
  const watch = new SuspendWatch({
    wallMs: () => clocks.wall,
    upMs: () => clocks.up,
    bootMs: () => clocks.boot,
  });
  const pass = (ms: number): void => {
    clocks.wall += ms;
    clocks.up += ms;
    clocks.boot += ms;
  };
  return { clocks, watch, pass };
}

it("SuspendWatch notices the first time that it is asked after a suspend", () => {
  const { clocks, watch, pass } = stage();
  expect(watch.awakeSinceMs()).toBe(-Infinity);
  pass(3_000);
  clocks.wall += 60_000;
  clocks.boot += 60_000;
  expect(watch.awakeSinceMs()).toBe(3_500);
  pass(200);
  expect(watch.awakeSinceMs()).toBe(3_500);
});

it("SuspendWatch takes a wall clock that was set, either way or slowly, for no suspend", () => {
  const { clocks, watch, pass } = stage();
  for (const byMs of [3_600_000, -7_200_000, 25, -25]) {
    clocks.wall += byMs;
    pass(100);
    expect(watch.awakeSinceMs()).toBe(-Infinity);
  }
  for (let k = 0; k < 100; k++) {
    clocks.wall += 1;
    pass(1_000);
    expect(watch.awakeSinceMs()).toBe(-Infinity);
  }
  clocks.wall += 50;
  clocks.boot += 50;
  expect(watch.awakeSinceMs()).toBe(clocks.up);
});

it("SuspendWatch takes a thread that was kept from running between two clocks for no suspend", () => {
  const { clocks, pass } = stage();
  let pauses = 0;
  const watch = new SuspendWatch({
    wallMs: () => {
      if (pauses-- > 0) pass(40);
      return clocks.wall;
    },
    upMs: () => clocks.up,
    bootMs: () => clocks.boot,
  });
  pass(1_000);
  pauses = 1;
  expect(watch.awakeSinceMs()).toBe(-Infinity);
  // While it cannot tell, it is on the safe side.
  pauses = 100;
  expect(watch.awakeSinceMs()).toBeGreaterThan(0);
});
