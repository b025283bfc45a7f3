import { expect, test } from "vitest";
import { cpuMicrosEach, perSecond, ratio, showRatio, spent } from "./figures.ts";

test("spent is the difference of two looks, and its share of a core", () => {
  const work = spent({ atMs: 1_000, cpuSeconds: 2 }, { atMs: 5_000, cpuSeconds: 3 });
  expect(work).toEqual({ seconds: 4, cpuSeconds: 1, share: 0.25 });
  expect(perSecond(200, work)).toBe(50);
});

test("cpuMicrosEach takes what is spent anyway off, and never gets below nothing", () => {
  const work = { seconds: 10, cpuSeconds: 3, share: 0.3 };
  expect(cpuMicrosEach(work, 1_000_000)).toBe(3);
  expect(cpuMicrosEach(work, 1_000_000, 0.1)).toBe(2);
  expect(cpuMicrosEach(work, 1_000_000, 0.5)).toBe(0);
  expect(cpuMicrosEach(work, 0)).toBeNaN();
});

test("ratios say when there is nothing to compare", () => {
  expect(ratio(1, 4)).toBe(0.25);
  expect(ratio(1, 0)).toBeNaN();
  expect(showRatio(1, 4)).toBe("0.25 x");
  expect(showRatio(64, 2)).toBe("32 x");
  expect(showRatio(1, 0)).toBe("-");
});
