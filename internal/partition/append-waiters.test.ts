import { expect, test } from "vitest";
import type { LogIndex, Offset, Term } from "../model/ids.ts";
import { AppendWaiters } from "./append-waiters.ts";
import type { AppendWaiter, LogProgress } from "./append-waiters.ts";

const progress: LogProgress = {
  answered: () => {},
  commit: 10 as LogIndex,
  ownDurable: 10 as LogIndex,
  durableCount: () => 3,
  inSyncCount: 3,
  logStart: 0 as Offset,
};

function waiter(index: number, done: () => void): AppendWaiter {
  return {
    term: 1 as Term,
    index: index as LogIndex,
    until: "commit",
    durableOn: 0,
    sinceMs: 0,
    deadlineMs: 1_000,
    baseOffset: index as Offset,
    appendTimeMs: -1,
    done,
  };
}

test("an answer that leads to the next append, and to more answers, is given once", () => {
  const waiters = new AppendWaiters();
  const answers: number[] = [];
  const answer = (index: number) => (): void => void answers.push(index);
  waiters.add(waiter(11, answer(11)));
  waiters.add(waiter(1, answer(1)));
  waiters.add(
    waiter(2, () => {
      answers.push(2);
      waiters.add(waiter(3, answer(3)));
      waiters.settle(progress);
    }),
  );
  waiters.add(waiter(4, answer(4)));
  waiters.settle(progress);
  expect(answers.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4]);
  expect(waiters.count).toBe(1);
});

test("whoever is answered may end the wait of all others", () => {
  const waiters = new AppendWaiters();
  const answers: string[] = [];
  waiters.add(waiter(11, () => answers.push("late")));
  waiters.add(waiter(1, () => answers.push("first")));
  waiters.add(
    waiter(2, () => {
      answers.push("second");
      waiters.failAll({ ok: false, fault: { kind: "not-leader" } });
    }),
  );
  waiters.settle(progress);
  expect(answers.toSorted()).toEqual(["first", "late", "second"]);
  expect(waiters.count).toBe(0);
});
