import { expect, test } from "vitest";
import type { BrokerId, GroupId, Term } from "../model/ids.ts";
import type { LeaderRow } from "./leaders.ts";
import { LeaderTable } from "./leaders.ts";

const group = 7 as GroupId;

function row(term: number, version: number, leader: number | null, isr: number[] = []): LeaderRow {
  const broker = leader as BrokerId | null;
  return { group, term: term as Term, version, leader: broker, isr: isr as BrokerId[] };
}

test("LeaderTable.accept takes only newer rows", () => {
  const table = new LeaderTable();
  const heard: [number, number | null][] = [];
  table.listen({ leaderChanged: (now, before) => heard.push([now.term, before?.term ?? null]) });
  expect(table.leaderOf(group)).toBeNull();
  expect(table.accept(row(3, 1, 1, [1, 2]))).toBe(true);
  expect(table.accept(row(3, 1, 2))).toBe(false);
  expect(table.accept(row(3, 2, 1, [1]))).toBe(true);
  expect(table.accept(row(2, 9, 3))).toBe(false);
  expect(table.row(group)?.isr).toEqual([1]);
  expect(table.accept(row(5, 0, null))).toBe(true);
  expect(table.leaderOf(group)).toBeNull();
  expect(table.accept(row(4, 9, 2))).toBe(false);
  expect(heard).toEqual([
    [3, null],
    [3, 3],
    [5, 3],
  ]);
});

test("LeaderTable.highestTerm counts terms that nobody leads, and refused rows", () => {
  const table = new LeaderTable();
  expect(table.highestTerm(group)).toBe(0);
  table.accept(row(3, 1, 1));
  table.noteTerm(group, 8 as Term);
  table.noteTerm(group, 6 as Term);
  expect(table.highestTerm(group)).toBe(8);
  expect(table.leaderOf(group)).toBe(1);
  table.forget(group);
  expect([table.highestTerm(group), table.groupCount, [...table.rows()].length]).toEqual([0, 0, 0]);
});

test("LeaderTable.listen ends with what it returns", () => {
  const table = new LeaderTable();
  let count = 0;
  const end = table.listen({ leaderChanged: () => count++ });
  table.accept(row(1, 1, 1));
  end();
  table.accept(row(2, 1, 1));
  expect(count).toBe(1);
});
