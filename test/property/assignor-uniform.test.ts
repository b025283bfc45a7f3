import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TopicId } from "../../internal/model/ids.ts";
import {
  faults,
  freshCase,
  holding,
  loads,
  memberOf,
  moves,
  ownedCase,
  ownersOf,
  show,
  sizeOf,
  topicIdOf,
  topicOf,
} from "./assignor-cases.ts";
import type { Case, Outcome } from "./assignor-cases.ts";
import { uniform } from "../../internal/coordinator/assignors/uniform.ts";

const RUNS = { numRuns: 400 };

function owning(
  lists: Readonly<Record<string, readonly number[]>>,
): Map<TopicId, readonly number[]> {
  return new Map(Object.entries(lists).map(([name, list]) => [topicIdOf(name), list]));
}

describe("uniform, all subscribe to the same", () => {
  it("deals partitions in turn, so that topics are spread", () => {
    const members = ["c", "a", "b"].map((id) => memberOf(id, ["x", "y"]));
    expect(show(uniform(members, [topicOf("y", 3), topicOf("x", 4)]))).toEqual([
      "a: x 0 3, y 2",
      "b: x 1, y 0",
      "c: x 2, y 1",
    ]);
  });

  it("a new member gets his share and nobody else gets anything", () => {
    const members = [
      memberOf("a", ["x"], owning({ x: [0, 1, 2] })),
      memberOf("b", ["x"], owning({ x: [3, 4, 5] })),
      memberOf("new", ["x"]),
    ];
    const outcome = uniform(members, [topicOf("x", 6)]);
    expect(show(outcome)).toEqual(["a: x 1 2", "b: x 4 5", "new: x 0 3"]);
    expect(moves({ members, topics: [] }, outcome)).toBe(2);
  });

  it("who gives, gives of each topic in proportion", () => {
    const members = [
      memberOf("a", ["x", "y"], owning({ x: [0, 1, 2, 3], y: [0, 1, 2, 3] })),
      memberOf("new", ["x", "y"]),
    ];
    const outcome = uniform(members, [topicOf("x", 4), topicOf("y", 4)]);
    expect(show(outcome)).toEqual(["a: x 1 3, y 1 3", "new: x 0 2, y 0 2"]);
  });

  it("new partitions go to who has least, and a topic that is gone is nobody's", () => {
    const members = [
      memberOf("a", ["x", "gone"], owning({ x: [0, 1], gone: [0] })),
      memberOf("b", ["x", "gone"], owning({ gone: [1] })),
    ];
    expect(show(uniform(members, [topicOf("x", 4)]))).toEqual(["a: x 0 1", "b: x 2 3"]);
  });

  it("of two who claim a partition one keeps it", () => {
    const members = [
      memberOf("b", ["x"], owning({ x: [0, 1] })),
      memberOf("a", ["x"], owning({ x: [0, 2, 9, -1, 0.5] })),
    ];
    expect(show(uniform(members, [topicOf("x", 4)]))).toEqual(["a: x 0 2", "b: x 1 3"]);
  });

  it("nobody, nothing, and more members than partitions", () => {
    expect(show(uniform([], [topicOf("x", 4)]))).toEqual([]);
    expect(show(uniform([memberOf("a", [])], [topicOf("x", 4)]))).toEqual(["a: "]);
    const members = ["a", "b"].map((id) => memberOf(id, ["x"]));
    expect(show(uniform(members, [topicOf("x", 1)]))).toEqual(["a: x 0", "b: "]);
  });

  it("property: shares differ by one at most, and no assignment with such shares moves less", () => {
    fc.assert(
      fc.property(ownedCase({ same: true }), (given) => {
        const outcome = uniform(given.members, given.topics);
        expect(faults(given, outcome)).toEqual([]);
        const counts = [...loads(outcome).values()];
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        expect(kept(given, outcome)).toBe(mostThatCanBeKept(given));
      }),
      RUNS,
    );
  });

  it("property: of each topic everybody gets as much, give or take one, when nobody owned anything", () => {
    fc.assert(
      fc.property(freshCase({ same: true }), ({ members, topics }) => {
        const outcome = uniform(members, topics);
        for (const topicId of members[0]?.topicIds ?? []) {
          const counts = [...outcome.values()].map((each) => each.get(topicId)?.length ?? 0);
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        }
      }),
      RUNS,
    );
  });
});

describe("uniform, different subscriptions", () => {
  it("who alone subscribes to a topic gets it, and less of the others", () => {
    const members = [memberOf("a", ["x", "y"]), memberOf("b", ["y"])];
    expect(show(uniform(members, [topicOf("x", 2), topicOf("y", 4)]))).toEqual([
      "a: x 0 1, y 0",
      "b: y 1 2 3",
    ]);
  });

  it("helps along a path: a gives to b what b has room for once c has taken some of b's", () => {
    const members = [
      memberOf("a", ["x"], owning({ x: [0, 1, 2] })),
      memberOf("b", ["x", "y"], owning({ y: [0, 1] })),
      memberOf("c", ["y"], owning({ y: [2] })),
    ];
    const outcome = uniform(members, [topicOf("x", 3), topicOf("y", 3)]);
    expect([...loads(outcome).values()]).toEqual([2, 2, 2]);
    expect(moves({ members, topics: [] }, outcome)).toBe(2);
  });

  it("who subscribes to less keeps what he still may have", () => {
    const topics = [topicOf("x", 4), topicOf("y", 4)];
    const members = ["a", "b"].map((id) => memberOf(id, ["x", "y"]));
    const before = holding(members, uniform(members, topics));
    const [a, b] = before;
    const after = uniform([{ ...memberOf("a", ["x"]), current: a!.current }, b!], topics);
    expect(show(uniform(before, topics))).toEqual(["a: x 0 2, y 0 2", "b: x 1 3, y 1 3"]);
    expect(show(after)).toEqual(["a: x 0 1 2 3", "b: y 0 1 2 3"]);
  });

  it("property: loads are as even as any assignment makes them", () => {
    fc.assert(
      fc.property(ownedCase({ same: false }), (given) => {
        const outcome = uniform(given.members, given.topics);
        expect(faults(given, outcome)).toEqual([]);
        expect(unevenness(outcome)).toBe(leastUnevenness(given));
      }),
      RUNS,
    );
  });
});

describe.each([{ same: true }, { same: false }])("uniform, any members, %o", (options) => {
  it("property: nothing moves when nothing has changed", () => {
    fc.assert(
      fc.property(ownedCase(options), ({ members, topics }) => {
        const outcome = uniform(members, topics);
        expect(show(uniform(holding(members, outcome), topics))).toEqual(show(outcome));
      }),
      RUNS,
    );
  });

  it("property: the order of members and topics does not matter", () => {
    fc.assert(
      fc.property(ownedCase(options), fc.infiniteStream(fc.nat()), ({ members, topics }, keys) => {
        const outcome = uniform(shuffled(members, keys), shuffled(topics, keys));
        expect(show(outcome)).toEqual(show(uniform(members, topics)));
      }),
      RUNS,
    );
  });

  it("property: when one leaves, only what he had finds new owners, and what balance needs", () => {
    fc.assert(
      fc.property(freshCase(options), fc.nat(), ({ members, topics }, which) => {
        const before = holding(members, uniform(members, topics));
        const [gone] = before.splice(which % members.length, 1);
        const after = moves({ members: before, topics }, uniform(before, topics));
        // With the same subscriptions there is nothing to balance: all shares only grow. Else each partition that he had
        // may set off a chain of moves, in which nobody appears twice.
        const freed = sizeOf(gone!.current);
        expect(after).toBeLessThanOrEqual(options.same ? 0 : freed * members.length);
      }),
      RUNS,
    );
  });

  it("property: when one comes, nobody moves more than what he gets and what frees it on the way", () => {
    fc.assert(
      fc.property(freshCase(options), ({ members, topics }) => {
        const [newcomer, ...rest] = members;
        const before = holding(rest, uniform(rest, topics));
        const outcome = uniform([...before, newcomer!], topics);
        const gained = loads(outcome).get(newcomer!.memberId) ?? 0;
        const after = moves({ members: before, topics }, outcome);
        expect(after).toBeLessThanOrEqual(options.same ? gained : gained * members.length);
      }),
      RUNS,
    );
  });
});

function shuffled<T>(items: readonly T[], keys: Iterator<number>): T[] {
  return items
    .map((item) => ({ item, key: Number(keys.next().value) }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

function kept({ members }: Case, outcome: Outcome): number {
  const after = ownersOf(outcome);
  const before = ownersOf(members.map(({ memberId, current }) => [memberId, current] as const));
  return [...before].filter(([key, owner]) => after.get(key) === owner).length;
}

/** Everybody keeps his share; those left over go to members who have one more. */
function mostThatCanBeKept({ members, topics }: Case): number {
  const subscribed = new Map(
    topics
      .filter(({ topicId }) => members[0]?.topicIds.includes(topicId))
      .map(({ topicId, partitions }) => [topicId, partitions]),
  );
  const owned = members.map(({ current }) => {
    let count = 0;
    for (const [topicId, list] of current) {
      count += list.filter((each) => each < (subscribed.get(topicId) ?? 0)).length;
    }
    return count;
  });
  const total = [...subscribed.values()].reduce((sum, each) => sum + each, 0);
  const share = Math.floor(total / members.length);
  const above = owned.filter((count) => count > share).length;
  const over = Math.min(above, total % members.length);
  return owned.reduce((sum, count) => sum + Math.min(count, share), 0) + over;
}

function unevenness(outcome: Outcome): number {
  return [...loads(outcome).values()].reduce((sum, load) => sum + load * load, 0);
}

/** By partitions instead of counts, and one by one: each is added along the path that raises the lowest load. */
function leastUnevenness({ members, topics }: Case): number {
  const counts = members.map(() => 0);
  const owners = new Map<string, { readonly topicId: TopicId; owner: number }>();
  for (const { topicId, partitions } of topics) {
    for (let partition = 0; partition < partitions; partition++) {
      const reached = new Map<number, { readonly from: number; readonly key: string }>();
      const key = `${topicId} ${partition}`;
      const queue: number[] = [];
      const reach = (topic: TopicId, from: number, by: string): void => {
        for (const [member, { topicIds }] of members.entries()) {
          if (!topicIds.includes(topic) || reached.has(member)) continue;
          reached.set(member, { from, key: by });
          queue.push(member);
        }
      };
      reach(topicId, -1, key);
      for (const member of queue) {
        for (const [other, { topicId: topic, owner }] of owners) {
          if (owner === member) reach(topic, member, other);
        }
      }
      let at = queue.reduce(
        (low, each) => (counts[each]! < counts[low]! ? each : low),
        queue[0] ?? -1,
      );
      if (at < 0) continue;
      counts[at]!++;
      for (; at >= 0; at = reached.get(at)!.from) {
        const hop = reached.get(at)!;
        const topic = hop.from < 0 ? topicId : owners.get(hop.key)!.topicId;
        owners.set(hop.key, { topicId: topic, owner: at });
      }
    }
  }
  return counts.reduce((sum, load) => sum + load * load, 0);
}
