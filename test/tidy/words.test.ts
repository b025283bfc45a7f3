import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "./project.ts";
import { listFiles } from "./source-tree.ts";
import { workplaceWords } from "./words.ts";

const ENDINGS = [
  ".ts",
  ".mjs",
  ".js",
  ".md",
  ".json",
  ".sh",
  ".txt",
  ".proto",
  ".html",
  ".yml",
  "Makefile",
  "run",
];

it("workplaceWords finds nothing in the project", () => {
  const files = listFiles(ROOT, ENDINGS);
  expect(files.length).toBeGreaterThan(20);
  expect(
    files.flatMap((path) => workplaceWords(path, readFileSync(join(ROOT, path), "utf8"))),
  ).toEqual([]);
});

it("workplaceWords finds a path and a tool, and no ordinary word", () => {
  const text =
    ["cd /w", "ork/main && ls"].join("") +
    "\nthey share work/life balance\nsee ../sh" +
    "ared/design.md";
  expect(workplaceWords("a.md", text)).toEqual(["a.md:1", "a.md:3"]);
});
