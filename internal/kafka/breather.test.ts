import { expect, test } from "vitest";
import type { Clock } from "../ports/clock.ts";
import { Breather } from "./breather.ts";

/** What L7 allows, in milliseconds. */
const PIECE_MS_MAX = 5;

test("whoever ticks for each item is stopped before five milliseconds are over, and only then", async () => {
  let nowMs = 0;
  const clock = {
    upMs: () => nowMs,
    after: (_delayMs: number, run: () => void) => {
      // The others have their turn: that time is not this loop's.
      nowMs += 20;
      queueMicrotask(run);
    },
  } as unknown as Clock;
  const breather = new Breather(clock);
  let pieceMs = 0;
  const pieces: number[] = [];
  for (let item = 0; item < 10_000; item++) {
    nowMs += 0.01;
    pieceMs += 0.01;
    const pause = breather.tick();
    if (pause === null) continue;
    pieces.push(pieceMs);
    await pause;
    pieceMs = 0;
  }
  expect(Math.max(...pieces, pieceMs)).toBeLessThanOrEqual(PIECE_MS_MAX);
  expect(pieces.length).toBeGreaterThan(15);
  expect(pieces.length).toBeLessThan(40);
});
