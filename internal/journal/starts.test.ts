import { expect, test } from "vitest";
import type { DirectoryId, StartId, Ticket } from "../model/ids.ts";
import {
  NOTHING_SEEN,
  PeerMemory,
  STARTS_MAX,
  accountOf,
  contradicts,
  withStart,
} from "./starts.ts";
import type { BegunStart, SeenStart } from "./starts.ts";

const PEER = "peer" as DirectoryId;

function seen(start: number, ticket: number): SeenStart {
  return { start: start as StartId, ticket: ticket as Ticket };
}

/** Starts with the numbers 1, 2, … after these tickets; the last one is durable up to `durable`. */
function account(afters: readonly number[], durable: number) {
  let starts: readonly BegunStart[] = [];
  afters.forEach((after, k) => {
    starts = withStart(starts, (k + 1) as StartId, after as Ticket);
  });
  return accountOf(starts, durable as Ticket);
}

test("what a start had beyond its end is a proof, however far later starts have gone", () => {
  const went = account([0, 100], 5_000);
  expect(contradicts(went, seen(1, 100))).toBe(false);
  expect(contradicts(went, seen(1, 101))).toBe(true);
  expect(contradicts(went, seen(2, 5_000))).toBe(false);
  expect(contradicts(went, seen(2, 5_001))).toBe(true);
});

test("a start that the directory does not know of is a proof, unless it may have been left out", () => {
  expect(contradicts(account([0, 100], 120), seen(77, 3))).toBe(true);
  const many = account(
    Array.from({ length: STARTS_MAX + 3 }, (_, k) => 10 * k),
    400,
  );
  expect(many.starts.length).toBe(STARTS_MAX);
  expect(contradicts(many, seen(1, 10))).toBe(false);
  expect(contradicts(many, seen(1, 31))).toBe(true);
  expect(contradicts(many, NOTHING_SEEN)).toBe(false);
});

test("what is remembered goes over into the next start, and a proof is kept for ever", () => {
  const memory = new PeerMemory(new Map());
  memory.note(PEER, 1 as StartId, 9 as Ticket);
  expect(memory.of(PEER)).toEqual(NOTHING_SEEN);
  memory.compare(PEER, account([0], 50));
  memory.note(PEER, 1 as StartId, 105 as Ticket);
  memory.note(PEER, 1 as StartId, 104 as Ticket);
  expect(memory.of(PEER)).toEqual(seen(1, 105));
  memory.compare(PEER, account([0, 105], 130));
  expect(memory.of(PEER)).toEqual(seen(2, 130));
  memory.compare(PEER, account([0, 105, 120], 500));
  memory.note(PEER, 3 as StartId, 501 as Ticket);
  expect(memory.of(PEER)).toEqual(seen(2, 130));
});

test("a number is given to one start", () => {
  const starts = withStart([], 5 as StartId, 0 as Ticket);
  expect(() => withStart(starts, 5 as StartId, 9 as Ticket)).toThrow("used once");
});
