import { expect, test } from "vitest";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Replica } from "./replica.ts";
import { StallWatch } from "./stall.ts";

const LIMITS = { stallTransferMs: 500, stallFenceMs: 2_000, stallExitMs: 30_000 };

/** What a watch does with one leadership when the oldest write has these ages, one look after another. */
function done(...ages: readonly number[]): string[] {
  const heard: string[] = [];
  const turns: (() => void)[] = [];
  const clock = { upMs: () => 0, turnEnd: (then: () => void) => turns.push(then) };
  const world = {
    clock: clock as unknown as Clock,
    log: { warn: () => {} } as unknown as Log,
    fatal: (reason: string) => void heard.push(reason),
  };
  let ageMs = 0;
  const watch = new StallWatch(world, LIMITS, {
    ageMs: () => ageMs,
    led: () => [{ leads: true } as Replica],
    handOver: () => void heard.push("hand over"),
    resign: () => void heard.push("resign"),
    goOn: () => void heard.push("go on"),
    touch: () => {},
  });
  for (const age of ages) {
    ageMs = age;
    watch.watch();
  }
  return heard;
}

test("a slow journal hands leaderships over, a hung one gives them up, and in the end the broker goes", () => {
  expect(done(10, 501, 700, 2_001, 30_001)).toEqual(["hand over", "resign", "journal-stalled"]);
});

test("a journal that goes on lets campaigns go on", () => {
  expect(done(2_001, 10)).toEqual(["resign", "go on"]);
  expect(done(2_001, 600)).toEqual(["resign", "go on", "hand over"]);
  expect(done(600, 10)).toEqual(["hand over"]);
});
