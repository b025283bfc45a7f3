import { expect, test } from "vitest";
import { ELECTION_DELAYS, Elections } from "./elections.ts";
import type { Replica } from "./replica.ts";

const HUNG_MS = 1_100;

/** A lone armed replica on a clock that the test moves, after a write that took long. */
function stage() {
  let nowMs = 0;
  let timers: { readonly dueMs: number; readonly wake: () => void }[] = [];
  const clock = {
    nowMs: () => nowMs,
    upMs: () => nowMs,
    awakeSinceMs: () => -Infinity,
    after(delayMs: number, wake: () => void) {
      const timer = { dueMs: nowMs + delayMs, wake };
      timers.push(timer);
      return () => void (timers = timers.filter((each) => each !== timer));
    },
    turnEnd: (run: () => void) => run(),
  };
  const entropy = { below: (bound: number) => bound - 1, fill: () => {} };
  const triesMs: number[] = [];
  const replica = { group: 7 } as Replica;
  const elections = new Elections(
    { clock, entropy: entropy as never },
    ELECTION_DELAYS,
    () => HUNG_MS,
    { replica: () => null },
    () => triesMs.push(nowMs),
  );
  const pass = (ms: number): void => {
    for (const endMs = nowMs + ms; nowMs < endMs; nowMs++) {
      const due = timers.filter(({ dueMs }) => dueMs <= nowMs);
      timers = timers.filter(({ dueMs }) => dueMs > nowMs);
      for (const { wake } of due) wake();
    }
  };
  return { elections, replica, triesMs, pass };
}

test("who has tried in vain tries again soon after it reaches somebody, however long its writes took", () => {
  const { elections, replica, triesMs, pass } = stage();
  elections.arm(replica, 0);
  pass(2_000);
  expect(triesMs).toHaveLength(1);
  elections.tryAgain(replica);
  pass(ELECTION_DELAYS.retryMs + 20);
  expect(triesMs).toHaveLength(2);
});

test("whoever has not tried yet keeps its place behind those that are first", () => {
  const { elections, replica, triesMs, pass } = stage();
  elections.arm(replica, 1);
  elections.tryAgain(replica);
  pass(4 * HUNG_MS - 1_500);
  expect(triesMs).toEqual([]);
});
