import { expect, it } from "vitest";
import { TurnShare } from "./turn-share.ts";

const STEPS_MAX = 1_000;
const PIECE = 100;

it("TurnShare: all searches together do so much in a turn, however many there are, and take turns", async () => {
  const turnEnds: (() => void)[] = [];
  const share = new TurnShare({ turnEnd: (flush) => void turnEnds.push(flush) }, STEPS_MAX);
  const done = new Map<number, number>();
  let steps = 0;
  const search = async (name: number, pieces: number): Promise<void> => {
    const owner = {};
    for (let at = 0; at < pieces; at++) {
      await share.take(owner, PIECE);
      steps += PIECE;
      done.set(name, at + 1);
    }
  };
  const all = Array.from({ length: 320 }, (_, name) => search(name, 5));
  const perTurn: number[] = [];
  const settle = (): Promise<void> => new Promise((next) => setImmediate(next));
  for (let before = 0; ; before = steps) {
    await settle();
    perTurn.push(steps - before);
    const counts = [...done.values()];
    if (steps < 320 * 5 * PIECE) {
      // Nobody is a round ahead of those that had no turn in it.
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }
    if (turnEnds.length === 0) break;
    expect(turnEnds.length).toBe(1);
    for (const flush of turnEnds.splice(0)) flush();
  }
  await Promise.all(all);
  expect(Math.max(...perTurn)).toBe(STEPS_MAX);
  expect(perTurn.length).toBeGreaterThanOrEqual((320 * 5 * PIECE) / STEPS_MAX);
});
