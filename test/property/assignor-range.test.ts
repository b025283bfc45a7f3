import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ASSIGNORS } from "../../internal/coordinator/assignors/assignors.ts";
import { faults, memberOf, ownedCase, show, topicOf } from "./assignor-cases.ts";
import { range } from "../../internal/coordinator/assignors/range.ts";

describe("range", () => {
  it("divides each topic into ranges, the first ones longer", () => {
    const members = ["b", "c", "a"].map((id) => memberOf(id, ["x", "y"]));
    expect(show(range(members, [topicOf("y", 2), topicOf("x", 7)])).sort()).toEqual([
      "a: x 0 1 2, y 0",
      "b: x 3 4, y 1",
      "c: x 5 6",
    ]);
  });

  it("divides among those who subscribe only", () => {
    const members = [memberOf("a", ["x"]), memberOf("b", ["x", "y"]), memberOf("c", ["z"])];
    expect(show(range(members, [topicOf("x", 2), topicOf("y", 2)]))).toEqual([
      "a: x 0",
      "b: x 1, y 0 1",
      "c: ",
    ]);
  });

  it("static members come first, by instance, whatever their member ids are", () => {
    const restarted = (first: string, second: string) => [
      { ...memberOf(first, ["x"]), instanceId: "one" },
      { ...memberOf(second, ["x"]), instanceId: "two" },
      memberOf("a", ["x"]),
    ];
    const topics = [topicOf("x", 3)];
    expect(show(range(restarted("m", "n"), topics))).toEqual(["m: x 0", "n: x 1", "a: x 2"]);
    expect(show(range(restarted("z", "b"), topics))).toEqual(["z: x 0", "b: x 1", "a: x 2"]);
  });

  it("property: ranges, each partition once, in any order of members, alike for topics alike", () => {
    fc.assert(
      fc.property(ownedCase({ same: false }), (given) => {
        const { members, topics } = given;
        const outcome = range(members, topics);
        expect(faults(given, outcome)).toEqual([]);
        expect(show(range([...members].reverse(), [...topics].reverse()))).toEqual(show(outcome));
        const readers = (topicId: string): string =>
          members.map(({ topicIds }) => topicIds.some((each) => each === topicId)).join();
        for (const [memberId, assignment] of outcome) {
          for (const list of assignment.values()) {
            expect(list.length, memberId).toBe((list.at(-1) ?? 0) - (list[0] ?? 0) + 1);
          }
          for (const one of topics) {
            for (const other of topics) {
              if (one.partitions !== other.partitions) continue;
              if (readers(one.topicId) !== readers(other.topicId)) continue;
              expect(assignment.get(one.topicId)).toEqual(assignment.get(other.topicId));
            }
          }
        }
      }),
    );
  });

  it("is asked for by its name, and uniform by none", () => {
    expect([...ASSIGNORS.keys()]).toEqual(["uniform", "range"]);
    expect(ASSIGNORS.get("range")).toBe(range);
  });
});
