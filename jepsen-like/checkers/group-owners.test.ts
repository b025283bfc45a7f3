import { describe, expect, it } from "vitest";
import { HandGroups } from "./group-by-hand.ts";
import { generationsGoBack, ownersAtOnce, ownersInGeneration } from "./group-owners.ts";
import { tenuresOf } from "./tenures.ts";

const LIMITS = { sessionMs: 1_000, rebalanceMs: 2_000 };

describe("two in a generation", () => {
  const broken = ({ history }: HandGroups): number => ownersInGeneration(history).violations;

  it("accepts another owner in another generation or group, and the same one twice", () => {
    const hand = new HandGroups();
    hand.sync(1, "m", [0, 1], 0);
    hand.sync(1, "n", [2], 0);
    hand.sync(1, "m", [0, 1], 30);
    hand.sync(2, "n", [0, 1, 2], 60);
    hand.sync(1, "n", [0], 60, { group: "h" });
    expect(broken(hand)).toBe(0);
  });

  it("finds a partition that two members were given", () => {
    const hand = new HandGroups();
    hand.sync(1, "m", [0, 1], 0);
    hand.sync(1, "n", [1, 2], 0);
    expect(broken(hand)).toBe(1);
  });

  it("knows a static member that came back under another id", () => {
    const hand = new HandGroups();
    hand.sync(1, "m-1", [0], 0, { instanceId: "m" });
    hand.sync(1, "m-2", [0], 50, { instanceId: "m" });
    expect(broken(hand)).toBe(0);
  });
});

describe("generation went back", () => {
  const broken = ({ history }: HandGroups): number => generationsGoBack(history).violations;

  it("accepts rising generations, and answers that overlap with the next one", () => {
    const hand = new HandGroups();
    hand.sync(1, "m", [], 0);
    hand.beat(1, "m", 20);
    hand.sync(2, "n", [], 30);
    hand.beat(1, "m", 35);
    hand.sync(2, "m", [], 90);
    hand.beat(2, "m", 120);
    expect(broken(hand)).toBe(0);
  });

  it("finds an old generation that is given again, or accepted", () => {
    const hand = new HandGroups();
    hand.sync(2, "m", [], 0);
    hand.sync(1, "n", [], 20);
    expect(broken(hand)).toBe(1);
    hand.beat(1, "n", 40);
    expect(broken(hand)).toBe(2);
  });

  it("compares each member with itself in a mixed group", () => {
    const hand = new HandGroups();
    hand.sync(2, "m", [0], 0);
    hand.sync(1, "n", [0], 20);
    const mixed = new Set(["g"]);
    expect(generationsGoBack(hand.history, mixed).violations).toBe(0);
    expect(ownersInGeneration(hand.history, mixed).examined).toBe(0);
    hand.beat(1, "m", 40);
    expect(generationsGoBack(hand.history, mixed).violations).toBe(1);
  });

  it("finds a member of the new protocol whose epoch falls", () => {
    const hand = new HandGroups();
    hand.heartbeat("m", [0, 3], 0);
    hand.heartbeat("m", [3, 4], 20);
    hand.heartbeat("m", [-1, -1], 30);
    expect(broken(hand)).toBe(0);
    hand.heartbeat("m", [4, 3], 40);
    expect(broken(hand)).toBe(1);
  });
});

describe("tenures", () => {
  const spans = ({ history }: HandGroups): (readonly number[])[] =>
    tenuresOf(history, LIMITS).map((one) => [one.partition, one.fromMs, one.untilMs]);

  it("begin with the answer and end when the member reports without the partition", () => {
    const hand = new HandGroups();
    hand.heartbeat("m", [0, 1], 0, { reports: [], assigned: [0, 1] });
    hand.heartbeat("m", [1, 1], 100, { reports: [0, 1], assigned: [1] });
    hand.heartbeat("m", [1, 2], 200, { reports: [1] });
    hand.heartbeat("m", [-1, -1], 300);
    expect(spans(hand)).toEqual([
      [0, 10, 200],
      [1, 10, 300],
    ]);
  });

  it("end a session after the last heartbeat that was accepted", () => {
    const hand = new HandGroups();
    hand.heartbeat("m", [0, 1], 0, { reports: [], assigned: [0] });
    hand.heartbeat("m", [1, 1], 500);
    hand.heartbeat("m", [1, 0], 900, { answeredMs: null, code: -1 });
    hand.heartbeat("m", [1, 0], 5_000, { code: 25 });
    expect(spans(hand)).toEqual([[0, 10, 1_500]]);
  });

  it("end when the member is fenced or joins anew", () => {
    const fenced = new HandGroups();
    fenced.heartbeat("m", [0, 1], 0, { reports: [], assigned: [0] });
    fenced.heartbeat("m", [1, 0], 400, { code: 110 });
    expect(spans(fenced)).toEqual([[0, 10, 400]]);
    const anew = new HandGroups();
    anew.heartbeat("m", [0, 1], 0, { reports: [], assigned: [0] });
    anew.heartbeat("m", [0, 2], 400, { reports: [], assigned: [0] });
    expect(spans(anew)).toEqual([
      [0, 10, 400],
      [0, 410, 1_400],
    ]);
  });

  it("end a rebalance timeout after the partition was taken away, however alive the member is", () => {
    const hand = new HandGroups();
    hand.heartbeat("m", [0, 1], 0, { reports: [], assigned: [0] });
    hand.heartbeat("m", [1, 1], 100, { assigned: [] });
    for (let ms = 600; ms < 4_000; ms += 500) hand.heartbeat("m", [1, 1], ms);
    expect(spans(hand)).toEqual([[0, 10, 2_100]]);
  });

  it("go on while nothing is said of the assignment, or the heartbeat has no answer", () => {
    const hand = new HandGroups();
    hand.heartbeat("m", [0, 1], 0, { reports: [], assigned: [0] });
    hand.heartbeat("m", [1, 0], 500, { answeredMs: null, code: -1 });
    hand.heartbeat("m", [1, 0], 700, { code: 16 });
    hand.heartbeat("m", [1, 2], 900, { reports: [0] });
    expect(spans(hand)).toEqual([[0, 10, 1_900]]);
  });
});

describe("tenures of classic members", () => {
  const spans = ({ history }: HandGroups): (readonly (number | string)[])[] =>
    tenuresOf(history, LIMITS).map((one) => [one.owner, one.fromMs, one.untilMs]);

  it("end when the member lets go, and a session after its last heartbeat", () => {
    const hand = new HandGroups();
    hand.sync(1, "m", [0], 0);
    hand.beat(1, "m", 400);
    hand.release("m", 700);
    hand.sync(1, "n", [1], 0);
    hand.beat(1, "n", 400);
    expect(spans(hand)).toEqual([
      ["m", 10, 700],
      ["n", 10, 1_400],
    ]);
  });

  it("end a rebalance timeout after the member could be asked to join again", () => {
    const hand = new HandGroups();
    hand.sync(1, "m", [0], 0);
    hand.beat(1, "m", 100);
    for (let ms = 600; ms < 4_000; ms += 500) hand.beat(1, "m", ms, true);
    expect(spans(hand)).toEqual([["m", 10, 2_100]]);
  });

  it("end when another life of a static member joins", () => {
    const hand = new HandGroups();
    hand.sync(1, "m-1", [0], 0, { instanceId: "m" });
    hand.release("m", 300);
    hand.beat(1, "m-1", 200);
    expect(spans(hand)).toEqual([["m", 10, 300]]);
  });

  it("are one for all lives of a static member", () => {
    const hand = new HandGroups();
    hand.sync(1, "m-1", [0], 0, { instanceId: "m" });
    hand.sync(1, "m-2", [0], 100, { instanceId: "m" });
    expect(spans(hand).map(([owner]) => owner)).toEqual(["m", "m"]);
    expect(ownersAtOnce(hand.history, LIMITS).violations).toBe(0);
  });
});

describe("two at once", () => {
  const broken = ({ history }: HandGroups): number => ownersAtOnce(history, LIMITS).violations;

  it("accepts a partition that was given up first, and one whose owner fell silent", () => {
    const hand = new HandGroups();
    hand.heartbeat("m", [0, 1], 0, { reports: [], assigned: [0] });
    hand.heartbeat("m", [1, 2], 100, { reports: [], assigned: [] });
    hand.heartbeat("n", [0, 2], 105, { reports: [], assigned: [0] });
    hand.heartbeat("o", [0, 3], 1_105, { reports: [], assigned: [0] });
    expect(broken(hand)).toBe(0);
  });

  it("finds one that is given to another before its owner gave it up", () => {
    const hand = new HandGroups();
    hand.heartbeat("m", [0, 1], 0, { reports: [], assigned: [0] });
    hand.heartbeat("n", [0, 2], 50, { reports: [], assigned: [0] });
    hand.heartbeat("m", [1, 2], 100, { reports: [], assigned: [] });
    expect(broken(hand)).toBe(1);
  });

  it("finds one that a classic member has while one of the new protocol is given it", () => {
    const hand = new HandGroups();
    hand.sync(1, "m", [0], 0);
    hand.beat(1, "m", 400);
    hand.heartbeat("n", [0, 2], 600, { reports: [], assigned: [0] });
    expect(broken(hand)).toBe(1);
    hand.release("m", 500);
    expect(broken(hand)).toBe(0);
  });

  it("finds one that is given to another within its owner's session", () => {
    const hand = new HandGroups();
    hand.heartbeat("m", [0, 1], 0, { reports: [], assigned: [0] });
    hand.heartbeat("m", [1, 1], 800);
    hand.heartbeat("n", [0, 2], 1_700, { reports: [], assigned: [0] });
    expect(broken(hand)).toBe(1);
  });

  it("finds an owner behind a shorter tenure that lies within its own", () => {
    const hand = new HandGroups();
    hand.heartbeat("m", [0, 1], 0, { reports: [], assigned: [0] });
    hand.heartbeat("m", [1, 1], 900);
    hand.heartbeat("n", [0, 2], 100, { reports: [], assigned: [0] });
    hand.heartbeat("n", [-1, -1], 200);
    hand.heartbeat("o", [0, 3], 1_000, { reports: [], assigned: [0] });
    expect(broken(hand)).toBe(2);
  });
});
