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
    sayAnew: () => void heard.push(`say ${watch.state}`),
    touch: () => {},
  });
  for (const age of ages) {
    ageMs = age;
    watch.watch();
  }
  return heard;
}

test("a slow journal hands leaderships over, a hung one withdraws them, and in the end the broker goes", () => {
  expect(done(10, 501, 700, 2_001, 30_001)).toEqual(["hand over", "say fenced", "journal-stalled"]);
});

test("what was withdrawn is said again as soon as the journal is not hung any more, be it slow or not", () => {
  expect(done(2_001, 10)).toEqual(["say fenced", "say no"]);
  expect(done(2_001, 600)).toEqual(["say fenced", "say slow", "hand over"]);
});
