// Histories of topics written by hand.
import { expect, test } from "vitest";
import type { TopicEvent } from "../topics/topic-history.ts";
import { checkTopics } from "./topic-checks.ts";

type Without<T> = T extends unknown ? Omit<T, "name" | "sentMs" | "answeredMs"> : never;
type Step = Without<TopicEvent>;

const CREATE: Step = { is: "create", outcome: "done" };
const DELETE: Step = { is: "delete", outcome: "done" };
const append = (value: number, offset: number): Step => ({ is: "append", value, offset });
const read = (...values: number[]): Step => ({ is: "read", values });
const listed = (isThere: boolean): Step => ({ is: "listed", broker: 2, isThere });

function complaints(...steps: readonly Step[]): readonly string[] {
  const events = steps.map((step, k) => ({ name: "t", sentMs: k, answeredMs: k, ...step }));
  return checkTopics(events, 0)[0]?.examples ?? [];
}

test("a topic that comes, goes, comes again, and is left open is fine", () => {
  const first = [
    CREATE,
    append(1, 0),
    append(2, 1),
    read(1, 2),
    listed(true),
    DELETE,
    listed(false),
  ];
  const again = [CREATE, append(3, 0), read(3)];
  const open: Step[] = [{ is: "delete", outcome: "unknown" }, listed(true), read()];
  const settled: Step[] = [{ is: "create", outcome: "exists" }, DELETE];
  expect(complaints(...first, ...again, ...open, ...settled)).toEqual([]);
});

test.each<readonly [string, readonly Step[], string]>([
  ["loses a record", [CREATE, append(1, 0), read()], "value 1 is not at offset 0"],
  [
    "keeps records over its deletion",
    [CREATE, append(1, 0), DELETE, CREATE, read(1)],
    "holds value 1",
  ],
  [
    "survives its deletion",
    [CREATE, DELETE, { is: "create", outcome: "exists" }],
    "deleted and exists",
  ],
  ["vanishes", [CREATE, { is: "delete", outcome: "missing" }], "created and is missing"],
  ["is not listed", [CREATE, listed(false)], "does not list it"],
  ["is listed after its deletion", [CREATE, DELETE, listed(true)], "lists it"],
  ["is created twice", [CREATE, CREATE], "created again"],
  ["takes records when it is gone", [CREATE, DELETE, append(1, 0)], "took a record"],
])("a topic that %s", (_, steps, words) => {
  expect(complaints(...steps)).toEqual([expect.stringContaining(words)]);
});

test("too few changes prove nothing", () => {
  expect(checkTopics([], 300)[1]?.violations).toBe(2);
});
