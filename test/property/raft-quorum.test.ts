import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LogIndex, ReplicaId } from "../../internal/model/ids.ts";
import { VOTERS_MAX, decidedIndex, isQuorum, majorityIndex } from "../../internal/raft/quorum.ts";

const halves = fc.uniqueArray(fc.integer({ min: 1, max: 20 }), {
  maxLength: VOTERS_MAX,
}) as fc.Arbitrary<ReplicaId[]>;
const matches = fc.array(fc.nat(30), { minLength: 21, maxLength: 21 });

/** The twin: tries every index, and counts. */
function naiveDecided(voters: readonly ReplicaId[], match: readonly number[]): number {
  let decided = 0;
  for (let index = 1; index <= 30; index++) {
    const holders = voters.filter((voter) => (match[voter] as number) >= index).length;
    if (holders >= Math.floor(voters.length / 2) + 1) decided = index;
  }
  return decided;
}

describe("quorum", () => {
  it("majorityIndex is what counting finds", () => {
    fc.assert(
      fc.property(halves, matches, (voters, match) => {
        const index = majorityIndex(voters, (voter) => match[voter] as LogIndex);
        expect(index).toBe(naiveDecided(voters, match));
      }),
      { seed: 1, numRuns: 2_000 },
    );
  });

  it("decidedIndex and isQuorum agree with counting in both halves", () => {
    fc.assert(
      fc.property(halves, halves, matches, (voters, votersOutgoing, match) => {
        const configuration = { voters, votersOutgoing, learners: [], revision: 1 };
        const incoming = naiveDecided(voters, match);
        const expected =
          votersOutgoing.length === 0
            ? incoming
            : Math.min(incoming, naiveDecided(votersOutgoing, match));
        const index = decidedIndex(configuration, (voter) => match[voter] as LogIndex);
        expect(index).toBe(expected);
        const reaches = (at: number) =>
          isQuorum(configuration, (voter) => (match[voter] ?? 0) >= at);
        if (expected > 0) expect(reaches(expected)).toBe(true);
        expect(reaches(expected + 1)).toBe(false);
      }),
      { seed: 1, numRuns: 2_000 },
    );
  });

  it("two quorums of a joint configuration always share a voter of each half", () => {
    fc.assert(
      fc.property(halves, halves, matches, matches, (voters, votersOutgoing, one, two) => {
        const configuration = { voters, votersOutgoing, learners: [], revision: 1 };
        const inOne = (voter: ReplicaId) => (one[voter] as number) > 10;
        const inTwo = (voter: ReplicaId) => (two[voter] as number) > 10;
        fc.pre(isQuorum(configuration, inOne) && isQuorum(configuration, inTwo));
        for (const half of [voters, votersOutgoing]) {
          if (half.length > 0)
            expect(half.some((voter) => inOne(voter) && inTwo(voter))).toBe(true);
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});
