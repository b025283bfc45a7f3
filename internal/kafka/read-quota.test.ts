import { expect, test } from "vitest";
import type { Clock } from "../ports/clock.ts";
import { ReadQuota } from "./read-quota.ts";

test("who is read after the quota is spent rests until the turn ends", () => {
  const ends: (() => void)[] = [];
  const clock = { turnEnd: (flush: () => void) => ends.push(flush) } as unknown as Clock;
  const quota = new ReadQuota(clock, 100);
  const went: string[] = [];
  const reader = (name: string) => ({ goOn: () => went.push(name) });
  const rests = [60, 40, 1].map((bytes, k) => quota.spend(reader(`${k}`), bytes));
  expect([rests, went, ends.length]).toEqual([[false, true, true], [], 1]);
  for (const end of ends.splice(0)) end();
  expect(went).toEqual(["1", "2"]);
  expect([quota.spend(reader("3"), 99), ends.length]).toEqual([false, 1]);
});
