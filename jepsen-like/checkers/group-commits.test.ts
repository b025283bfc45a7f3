import { describe, expect, it } from "vitest";
import { oldCommits } from "./group-commits.ts";
import { HandGroups } from "./group-by-hand.ts";

const LIMITS = { sessionMs: 1_000, rebalanceMs: 2_000 };
const CONSUMER = { protocol: "consumer" } as const;

function broken({ history }: HandGroups): number {
  return oldCommits(history, LIMITS).violations;
}

describe("old commit accepted, classic", () => {
  it("accepts commits of the newest generation that anybody was given", () => {
    const hand = new HandGroups();
    hand.sync(1, "m", [0], 0);
    hand.commit(1, "m", 5, 20);
    hand.sync(2, "n", [0], 40);
    hand.commit(2, "n", 7, 60);
    expect(broken(hand)).toBe(0);
  });

  it("accepts one that may have come before the answer, and every refusal", () => {
    const hand = new HandGroups();
    hand.sync(1, "m", [0], 0);
    hand.sync(2, "n", [0], 40);
    hand.commit(1, "m", 5, 45);
    hand.commit(1, "m", 6, 60, { code: 22 });
    hand.commit(1, "m", 6, 70, { answeredMs: null, code: -1 });
    expect(broken(hand)).toBe(0);
  });

  it("finds one of an older generation, zombie or not", () => {
    const hand = new HandGroups();
    hand.sync(1, "m", [0], 0);
    hand.sync(2, "n", [0], 40);
    hand.commit(1, "m", 6, 60, { kind: "zombie" });
    hand.commit(1, "m", 6, 80, { kind: "echo" });
    expect(broken(hand)).toBe(2);
    hand.commit(1, "m", 6, 60, { group: "h" });
    expect(broken(hand)).toBe(2);
  });

  it("finds one under a member id whose seat another life has taken", () => {
    const hand = new HandGroups();
    hand.sync(1, "m-1", [0], 0, { instanceId: "m" });
    hand.commit(1, "m-1", 5, 20, { instanceId: "m" });
    hand.sync(1, "m-2", [0], 40, { instanceId: "m" });
    hand.commit(1, "m-2", 6, 60, { instanceId: "m" });
    expect(broken(hand)).toBe(0);
    hand.commit(1, "m-1", 6, 70, { instanceId: "m" });
    expect(broken(hand)).toBe(1);
  });
});

describe("old commit accepted, mixed", () => {
  it("compares a classic member with itself", () => {
    const hand = new HandGroups();
    hand.sync(1, "m", [1], 0);
    hand.sync(2, "n", [2], 20);
    hand.commit(1, "m", 5, 40, { partition: 1 });
    const found = (): number => oldCommits(hand.history, LIMITS, new Set(["g"])).violations;
    expect(found()).toBe(0);
    hand.sync(2, "m", [1], 60);
    hand.commit(1, "m", 5, 80, { partition: 1 });
    expect(found()).toBe(1);
  });
});

describe("old commit accepted, new protocol", () => {
  it("accepts commits under the epoch that the member was told last", () => {
    const hand = new HandGroups();
    hand.heartbeat("m", [0, 1], 0, { reports: [], assigned: [0] });
    hand.commit(1, "m", 5, 20, CONSUMER);
    hand.heartbeat("m", [1, 2], 40);
    hand.commit(2, "m", 6, 60, CONSUMER);
    expect(broken(hand)).toBe(0);
  });

  it("finds one under an epoch that the member itself has left behind", () => {
    const hand = new HandGroups();
    hand.heartbeat("m", [0, 1], 0, { reports: [], assigned: [0] });
    hand.heartbeat("m", [1, 2], 40);
    hand.commit(1, "m", 6, 45, CONSUMER);
    expect(broken(hand)).toBe(0);
    hand.commit(1, "m", 6, 60, CONSUMER);
    expect(broken(hand)).toBe(1);
  });

  it("finds one of a partition that another member was given meanwhile", () => {
    const hand = new HandGroups();
    hand.heartbeat("m", [0, 1], 0, { reports: [], assigned: [0] });
    hand.heartbeat("n", [0, 2], 2_000, { reports: [], assigned: [0] });
    hand.commit(1, "m", 6, 2_005, CONSUMER);
    hand.commit(2, "n", 6, 2_020, CONSUMER);
    expect(broken(hand)).toBe(0);
    hand.commit(1, "m", 6, 2_030, { ...CONSUMER, kind: "zombie" });
    expect(broken(hand)).toBe(1);
  });
});
