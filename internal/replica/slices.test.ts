import { expect, test } from "vitest";
import type { Clock } from "../ports/clock.ts";
import { inSlices } from "./slices.ts";

/** What L7 allows, in milliseconds. */
const PIECE_MS_MAX = 5;

test("a loop over many groups comes back to the event loop, and visits each once, in order", () => {
  let nowMs = 0;
  const ends: (() => void)[] = [];
  const clock = {
    upMs: () => nowMs,
    turnEnd: (slice: () => void) => ends.push(slice),
  } as unknown as Clock;
  const groups = Array.from({ length: 10_000 }, (_, k) => k);
  const visited: number[] = [];
  const pieces: number[] = [];
  // Ten microseconds each: a tenth of a second for all of them.
  inSlices(clock, groups, (group) => {
    visited.push(group);
    nowMs += 0.01;
  });
  for (let sinceMs = 0; ; sinceMs = nowMs) {
    pieces.push(nowMs - sinceMs);
    const next = ends.shift();
    if (next === undefined) break;
    next();
  }
  expect(visited).toEqual(groups);
  expect(Math.max(...pieces)).toBeLessThanOrEqual(PIECE_MS_MAX);
  expect(pieces.length).toBeLessThan(40);
});

test("a short loop is done inside the call", () => {
  const clock = { upMs: () => 0 } as unknown as Clock;
  const visited: string[] = [];
  inSlices(clock, ["a", "b"], (group) => visited.push(group));
  expect(visited).toEqual(["a", "b"]);
});
