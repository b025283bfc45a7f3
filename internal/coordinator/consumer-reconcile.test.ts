// One member's steps, state by state.
import { describe, expect, test } from "vitest";
import type { TopicId } from "../model/ids.ts";
import type { Assignment } from "./assignment.ts";
import { assignmentOf, NO_PARTITIONS } from "./assignment.ts";
import type { MemberPosition, MemberState } from "./consumer-member.ts";
import { reconciled } from "./consumer-reconcile.ts";

const TOPIC = "000000000000000000001A" as TopicId;

function some(...partitions: readonly number[]): Assignment {
  return assignmentOf([{ topicId: TOPIC, partitions }]);
}

function at(
  epoch: number,
  state: MemberState,
  assigned: Assignment,
  revoking: Assignment = NO_PARTITIONS,
): MemberPosition {
  return { epoch, previousEpoch: epoch - 1, state, assigned, revoking };
}

interface Step {
  readonly from: MemberPosition;
  readonly target: Assignment;
  readonly epoch?: number;
  readonly taken?: readonly number[];
  readonly owned?: Assignment | null;
  readonly isFinal?: boolean;
}

function next({ from, target, epoch = 8, taken = [], owned = null, isFinal = false }: Step) {
  const isFree = (_topicId: TopicId, partition: number): boolean => !taken.includes(partition);
  return reconciled(from, { epoch, assignment: target, isFree }, owned, isFinal);
}

describe("a stable member", () => {
  test("stays in its epoch", () => {
    const from = at(8, "stable", some(1));
    expect(next({ from, target: some(1) })).toBe(from);
  });

  test("rises to the next epoch with what is free", () => {
    const step = { from: at(7, "stable", some(1)), target: some(1, 2, 3) };
    expect(next(step)).toEqual(at(8, "stable", some(1, 2, 3)));
    const less = next({ ...step, taken: [2] });
    expect(less).toEqual(at(8, "unreleased", some(1, 3)));
  });

  test("gives up first, whatever it says that it owns", () => {
    const step = { from: at(7, "stable", some(1, 2)), target: some(2, 3) };
    const told = { ...at(7, "unrevoked", some(2), some(1)), previousEpoch: 7 };
    expect(next(step)).toEqual(told);
    expect(next({ ...step, owned: some(2) })).toEqual(told);
  });

  test("that begins anew owns what it says", () => {
    const step = { from: at(7, "stable", some(1, 2)), target: some(2, 3), isFinal: true };
    expect(next({ ...step, owned: NO_PARTITIONS })).toEqual(at(8, "stable", some(2, 3)));
    expect(next({ ...step, owned: some(1) }).state).toBe("unrevoked");
  });
});

describe("a member that has to give up", () => {
  const from = at(7, "unrevoked", some(2), some(1));

  test("stays until it says that it has", () => {
    expect(next({ from, target: some(2) })).toBe(from);
    expect(next({ from, target: some(2), owned: some(1, 2) })).toBe(from);
    expect(next({ from, target: some(2), owned: some(2) })).toEqual(at(8, "stable", some(2)));
  });

  test("may be given it back when the target has moved again", () => {
    const step = { from, target: some(1, 2), owned: some(2), epoch: 9 };
    expect(next(step)).toEqual({ ...at(9, "stable", some(1, 2)), previousEpoch: 7 });
  });

  test("has to give up more", () => {
    const step = { from, target: some(3), owned: some(2), epoch: 9 };
    expect(next(step)).toEqual({
      ...at(7, "unrevoked", NO_PARTITIONS, some(2)),
      previousEpoch: 7,
    });
  });
});

describe("a member that waits for others", () => {
  const from = at(8, "unreleased", some(1));

  test("is given what has become free", () => {
    const target = some(1, 2, 3);
    expect(next({ from, target, taken: [2, 3] })).toBe(from);
    expect(next({ from, target, taken: [2] }).assigned).toEqual(some(1, 3));
    expect(next({ from, target })).toMatchObject({ state: "stable", assigned: target });
  });
});
