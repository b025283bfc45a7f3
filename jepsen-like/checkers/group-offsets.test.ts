import { describe, expect, it } from "vitest";
import { HandHistory } from "./by-hand.ts";
import { HandGroups } from "./group-by-hand.ts";
import { finalOffsets, notConsumed, offsetsGoBack } from "./group-offsets.ts";

describe("not consumed", () => {
  /** Ten acknowledged records, and runs that a group consumed. */
  function missed(...runs: readonly (readonly [number, number])[]): number {
    const hand = new HandHistory();
    hand.acked(hand.lane(), 6, 0, 0);
    hand.acked(hand.lane(), 4, 6, 50);
    hand.unanswered(hand.lane(), 1, 60);
    const { history } = new HandGroups();
    for (const [from, to] of runs) {
      history.consumed.push({ group: "g", partition: 0, memberId: "m", from, to, atMs: 0 });
    }
    return notConsumed(hand.history, history, ["g"]).violations;
  }

  it("accepts records that were processed in pieces, in any order, and more than once", () => {
    expect(missed([0, 10])).toBe(0);
    expect(missed([5, 11], [0, 3], [3, 6], [0, 2])).toBe(0);
  });

  it("finds a batch of which a record was skipped, and a group that read nothing", () => {
    expect(missed([0, 7], [8, 10])).toBe(1);
    expect(missed([0, 5], [6, 10])).toBe(1);
    expect(missed()).toBe(2);
  });

  it("does not take what one group read for another group", () => {
    const hand = new HandHistory();
    hand.acked(hand.lane(), 1, 0, 0);
    const { history } = new HandGroups();
    history.consume({ group: "g", partition: 0, memberId: "m", from: 0, to: 1, atMs: 0 });
    expect(notConsumed(hand.history, history, ["g", "h"]).violations).toBe(1);
    expect(notConsumed(hand.history, history, ["g"]).violations).toBe(0);
  });
});

describe("a history of groups", () => {
  it("joins what one member read in one piece, and nothing else", () => {
    const { history } = new HandGroups();
    const run = { group: "g", partition: 0, memberId: "m", atMs: 0 };
    history.consume({ ...run, from: 0, to: 3 });
    history.consume({ ...run, from: 3, to: 5 });
    history.consume({ ...run, from: 6, to: 7 });
    history.consume({ ...run, memberId: "n", from: 7, to: 8 });
    expect(history.consumed.map(({ from, to }) => [from, to])).toEqual([
      [0, 5],
      [6, 7],
      [7, 8],
    ]);
  });
});

describe("offset went back", () => {
  const broken = ({ history }: HandGroups): number => offsetsGoBack(history).violations;

  it("accepts answers that cover everything accepted before the question", () => {
    const hand = new HandGroups();
    hand.told(0, 0);
    hand.commit(1, "m", 5, 20);
    hand.told(5, 31);
    hand.commit(1, "m", 9, 40);
    hand.told(5, 45); // The commit may be accepted after this question.
    hand.told(9, 60);
    expect(broken(hand)).toBe(0);
  });

  it("finds an accepted commit that is gone", () => {
    const hand = new HandGroups();
    hand.commit(1, "m", 5, 0);
    hand.commit(1, "m", 9, 20);
    hand.told(5, 50);
    expect(broken(hand)).toBe(1);
  });

  it("finds an answer that an earlier answer contradicts, without any accepted commit", () => {
    const hand = new HandGroups();
    hand.commit(1, "m", 9, 0, { answeredMs: null, code: -1 });
    hand.told(9, 20);
    hand.told(0, 40);
    expect(broken(hand)).toBe(1);
  });

  it("promises nothing for refused commits, and keeps partitions and groups apart", () => {
    const hand = new HandGroups();
    hand.commit(1, "m", 9, 0, { code: 22 });
    hand.commit(1, "m", 9, 0, { partition: 1 });
    hand.commit(1, "m", 9, 0, { group: "h" });
    hand.told(0, 40);
    expect(broken(hand)).toBe(0);
  });

  it("excuses an unanswered commit of the same member and generation, which may arrive late", () => {
    const hand = new HandGroups();
    hand.commit(1, "m", 5, 0, { answeredMs: null, code: -1 });
    hand.commit(1, "m", 9, 20);
    hand.told(5, 50);
    expect(broken(hand)).toBe(0);
    hand.told(4, 70);
    expect(broken(hand)).toBe(1);
  });

  it("does not excuse one of another generation, another member, or one that came too late", () => {
    for (const [generation, member, sentMs] of [
      [1, "m", 0],
      [2, "n", 0],
      [2, "m", 70],
    ] as const) {
      const hand = new HandGroups();
      hand.commit(generation, member, 5, sentMs, { answeredMs: null, code: -1 });
      hand.commit(2, "m", 9, 20);
      hand.told(5, 50);
      expect(broken(hand)).toBe(1);
    }
  });
});

describe("final offset", () => {
  const final = { group: "g", partition: 0, offset: 9, end: 9 };

  it("accepts an offset at the end and finds every other", () => {
    const { history } = new HandGroups();
    expect(finalOffsets([final], history).violations).toBe(0);
    expect(finalOffsets([{ ...final, offset: 8 }], history).violations).toBe(1);
    expect(finalOffsets([{ ...final, offset: null }], history).violations).toBe(1);
  });

  it("finds one below an accepted commit", () => {
    const hand = new HandGroups();
    hand.commit(1, "m", 12, 0, { code: 22 });
    expect(finalOffsets([final], hand.history).violations).toBe(0);
    hand.commit(1, "m", 10, 0);
    expect(finalOffsets([final], hand.history).violations).toBe(1);
  });
});
