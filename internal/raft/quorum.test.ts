import { describe, expect, it } from "vitest";
import type { LogIndex, ReplicaId } from "../model/ids.ts";
import type { Configuration } from "./configuration.ts";
import { VOTERS_MAX, decidedIndex, isQuorum, majorityIndex } from "./quorum.ts";

const ids = (...values: number[]) => values as ReplicaId[];
const joint = (voters: ReplicaId[], votersOutgoing: ReplicaId[]): Configuration => ({
  voters,
  votersOutgoing,
  learners: ids(9),
  revision: 1,
});
/** Replica 1 has matched the first value, replica 2 the second, and so on. */
const matching =
  (...matches: number[]) =>
  (voter: ReplicaId) =>
    (matches[voter - 1] ?? 0) as LogIndex;

describe("majorityIndex", () => {
  it("is what a majority has reached, for odd and even numbers of voters", () => {
    expect(majorityIndex(ids(1), matching(7))).toBe(7);
    expect(majorityIndex(ids(1, 2), matching(7, 3))).toBe(3);
    expect(majorityIndex(ids(1, 2, 3), matching(7, 3, 5))).toBe(5);
    expect(majorityIndex(ids(1, 2, 3, 4), matching(7, 3, 5, 6))).toBe(5);
    expect(majorityIndex(ids(1, 2, 3, 4, 5), matching(7, 3, 5, 6, 1))).toBe(5);
  });

  it("is nothing without voters, and refuses more voters than it has room for", () => {
    expect(majorityIndex([], matching(7))).toBe(0);
    const tooMany = ids(...Array.from({ length: VOTERS_MAX + 1 }, (_, at) => at + 1));
    expect(() => majorityIndex(tooMany, matching())).toThrow("at most VOTERS_MAX voters");
  });
});

describe("decidedIndex", () => {
  it("takes the lower of the two halves, and ignores learners and an empty outgoing half", () => {
    const match = matching(9, 8, 2, 3, 4, 0, 0, 0, 99);
    expect(decidedIndex(joint(ids(1, 2, 3), []), match)).toBe(8);
    expect(decidedIndex(joint(ids(1, 2, 3), ids(3, 4, 5)), match)).toBe(3);
    expect(decidedIndex(joint(ids(3, 4, 5), ids(1, 2, 3)), match)).toBe(3);
  });
});

describe("isQuorum", () => {
  it("needs a majority of each half", () => {
    const says = (voter: ReplicaId) => [1, 2, 4].includes(voter);
    expect(isQuorum(joint(ids(1, 2, 3), []), says)).toBe(true);
    expect(isQuorum(joint(ids(1, 2, 3), ids(3, 4, 5)), says)).toBe(false);
    expect(isQuorum(joint(ids(1, 2, 3), ids(1, 4, 5)), says)).toBe(true);
    expect(isQuorum(joint(ids(1, 3), []), says)).toBe(false);
    expect(isQuorum(joint([], []), () => true)).toBe(false);
  });
});
