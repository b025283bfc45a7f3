// A bug that is planted in a source (test/mutants/source-bugs.ts) needs its place there: when a change moves the place, the
// bug moves with it, or goes when nobody could make that mistake any more.
import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { plant } from "../mutants/source-bug.ts";
import { SOURCE_BUGS } from "../mutants/source-bugs.ts";

it("every bug of test/mutants/source-bugs.ts has one place in its file", () => {
  const lost = Object.entries(SOURCE_BUGS)
    .filter(([, bug]) => plant(readFileSync(bug.file, "utf8"), bug) === null)
    .map(([name, { file }]) => `${name}: ${file}`);
  expect(lost).toEqual([]);
});

it("whoever has to see a bug is there", () => {
  const gone = Object.entries(SOURCE_BUGS).flatMap(([name, { seenBy }]) =>
    seenBy.filter((path) => !existsSync(path)).map((path) => `${name}: ${path}`),
  );
  expect(gone).toEqual([]);
});

it("a bug whose place is gone, or is there twice, is found", () => {
  const bug = { breaks: "", file: "", find: "b", replace: "x", seenBy: [] };
  expect([plant("abc", bug), plant("ac", bug), plant("abcb", bug)]).toEqual(["axc", null, null]);
});
