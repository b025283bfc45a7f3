// Readings written by hand: legal ones, and one for each way to be wrong.
import { describe, expect, test } from "vitest";
import type { PlainReading, PrintedLife, Readings } from "../commands/printed.ts";
import { replica } from "./by-hand.ts";
import { checkReadings } from "./reading-checks.ts";

/** Partition 0: values 0 to 4 of lane 7. */
const LOG = replica(
  1,
  [0, 1, 2, 3, 4].map((counter) => [7, counter]),
);

function life(offsets: readonly number[], change: Partial<PrintedLife> = {}): PrintedLife {
  const records = offsets.map((offset) => ({ partition: 0, offset, lane: 7, counter: offset }));
  return { records, strange: [], exit: { code: 0, signal: null }, wasKilled: false, ...change };
}

function killed(offsets: readonly number[]): PrintedLife {
  return life(offsets, { wasKilled: true, exit: { code: null, signal: "SIGKILL" } });
}

function reading(name: string, ...lives: PrintedLife[]): PlainReading {
  return { name, lives };
}

const PLAIN = [reading("alone", life([0, 1, 2, 3, 4]))];
const MEMBERS = [reading("one", life([0, 1]), life([4])), reading("other", killed([1, 2, 3]))];
const GOOD: Readings = {
  plain: PLAIN,
  groups: [{ group: "g", members: MEMBERS, committed: new Map([[0, 5]]) }],
};

function broken(readings: Readings): string[] {
  return checkReadings(readings, [LOG], 0)
    .filter(({ violations }) => violations > 0)
    .map(({ name }) => name);
}

function ofGroup(members: readonly PlainReading[], committed: number): Readings {
  return {
    plain: PLAIN,
    groups: [{ group: "g", members, committed: new Map([[0, committed]]) }],
  };
}

test("members that repeat after a kill, and who reads alone, are fine", () => {
  expect(broken(GOOD)).toEqual([]);
  expect(checkReadings(GOOD, [LOG], 0).every(({ examined }) => examined > 0)).toBe(true);
});

describe("who reads alone", () => {
  test.each([
    ["leaves one out", [0, 1, 3, 4], ["printed", "printed in order"]],
    ["does not come to the end", [0, 1, 2, 3], ["printed"]],
    ["prints one twice", [0, 1, 1, 2, 3, 4], ["printed in order"]],
    ["goes back", [0, 2, 1, 3, 4], ["printed in order"]],
  ])("%s", (_, offsets, names) => {
    expect(broken({ ...GOOD, plain: [reading("alone", life(offsets))] })).toEqual(names);
  });

  test("prints another value", () => {
    const one = life([0, 1, 2, 3, 4]);
    one.records[2] = { partition: 0, offset: 2, lane: 7, counter: 3 };
    expect(broken({ ...GOOD, plain: [reading("alone", one)] })).toEqual(["printed as stored"]);
  });

  test("prints what nobody wrote", () => {
    const one = life([0, 1, 2, 3, 4], { strange: ["0 5 hello"] });
    expect(broken({ ...GOOD, plain: [reading("alone", one)] })).toEqual(["printed as stored"]);
  });

  test("may be started again when it found no broker, or was ended before it began", () => {
    const nobody = life([], { exit: { code: 3, signal: null } });
    expect(broken({ ...GOOD, plain: [reading("alone", nobody, life([0, 1, 2, 3, 4]))] })).toEqual(
      [],
    );
  });

  test("gives up", () => {
    const one = life([0, 1, 2, 3, 4], { exit: { code: 3, signal: null } });
    expect(broken({ ...GOOD, plain: [reading("alone", one)] })).toEqual(["own readers"]);
  });
});

describe("a group", () => {
  test("skips one and commits past it", () => {
    const members = [reading("one", life([0, 1])), reading("other", life([3, 4]))];
    expect(broken(ofGroup(members, 5))).toEqual(["printed", "committed past"]);
  });

  test("prints all and does not commit when it is told to end", () => {
    expect(broken(ofGroup(MEMBERS, 3))).toEqual(["committed past"]);
  });

  test("is told nothing of what it committed", () => {
    const [group] = GOOD.groups;
    if (group === undefined) throw new Error("no group");
    expect(broken({ plain: PLAIN, groups: [{ ...group, committed: null }] })).toEqual([
      "committed past",
    ]);
  });

  test("whose members never change proves too little", () => {
    const findings = checkReadings(ofGroup([reading("one", life([0, 1, 2, 3, 4]))], 5), [LOG], 300);
    const names = findings.filter(({ violations }) => violations > 0).map(({ name }) => name);
    expect(names).toEqual(["own readers"]);
  });
});
