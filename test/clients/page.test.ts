import { expect, test } from "vitest";
import type { Cell, Row } from "./page.ts";
import { merged, packed, page, unpacked } from "./page.ts";

const works: Cell = { what: "group", outcome: "works", remarks: [] };
const fails: Cell = { what: "time", outcome: "fails", remarks: ["offsets found: 1 | 2"] };

function row(client: string, tried: string): Row {
  return {
    ...{ client, source: "npm", version: `${client} 1.0`, whyNot: null, tried },
    cells: new Map([
      ["group", works],
      ["time", fails],
    ]),
    checks: [{ ...fails, what: "lists brokers" }],
  };
}

test("page says of each cell how it went, and numbers what there is to say", () => {
  const faults = new Map([["one", ["It forgets."]]]);
  const lines = page([row("one", "today")], faults).split("\n");
  const cells = ["one", "one 1.0", "", "", "yes", "", "**no** (1)"];
  expect(lines.find((line) => line.startsWith("| one"))).toBe(
    `| ${[...cells, ...Array<string>(7).fill(""), "0 of 1", "today"].join(" | ")} |`,
  );
  expect(lines).toContain("1. one, time: offsets found: 1 / 2");
  expect(lines).toContain("- a fault of this client: It forgets.");
  expect(lines).toContain("- **fails**: lists brokers: offsets found: 1 / 2");
});

test("merged takes newer rows in the order of the names, and drops clients that are gone", () => {
  const older = unpacked(packed([row("gone", "1"), row("one", "1"), row("two", "1")]));
  const all = merged(older, [row("two", "2"), row("three", "2")], ["three", "two", "one"]);
  expect(all.map(({ client, tried }) => `${client} ${tried}`)).toEqual([
    "three 2",
    "two 2",
    "one 1",
  ]);
  expect(all[2]?.cells.get("time")).toEqual(fails);
});
