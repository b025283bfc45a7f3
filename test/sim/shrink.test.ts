// The shrinker, with failures that are decided by a rule instead of a run.
import { expect, test } from "vitest";
import type { Action } from "./nemesis/schedule.ts";
import { planOf } from "./plan.ts";
import { PROFILES } from "./profiles.ts";
import { smallest } from "./shrink.ts";
import type { Attempt } from "./shrink.ts";

function action(k: number, kind: Action["kind"]): Action {
  return { atMs: 100 * k, kind, broker: 1 + (k % 5), choices: [700, 3] };
}

const KINDS = ["kill", "isolate", "power", "freeze", "kill", "clog", "transfer", "power"] as const;

test("what a failure does not need is left out, and what it needs is as small as it may be", async () => {
  const schedule = KINDS.map((kind, k) => action(k, kind));
  const plan = { ...planOf(3, "groups", PROFILES.membership), partitions: 4 };
  let runs = 0;
  const needed = (attempt: Attempt): boolean => {
    const [freeze] = attempt.schedule.filter(({ kind }) => kind === "freeze");
    const cut = attempt.schedule.findIndex(({ kind }) => kind === "isolate");
    const power = attempt.schedule.findLastIndex(({ kind }) => kind === "power");
    return (freeze?.choices[0] ?? 0) >= 100 && cut >= 0 && cut < power && attempt.plan.brokers > 3;
  };
  const found = await smallest({ seed: 1, plan, schedule }, async (attempt) => {
    runs++;
    return needed(attempt) ? attempt : null;
  });
  expect(found.schedule.map(({ kind }) => kind)).toEqual(
    ["isolate", "freeze", "power"].toSorted(inOrder),
  );
  expect(found.schedule.find(({ kind }) => kind === "freeze")?.choices).toEqual([175, 0]);
  expect(found.plan).toMatchObject({ brokers: plan.brokers, partitions: 1, groups: null });
  expect(runs).toBeLessThan(150);
});

function inOrder(left: string, right: string): number {
  return KINDS.indexOf(left as "kill") - KINDS.indexOf(right as "kill");
}
