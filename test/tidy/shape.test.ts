import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ACCEPTED_LONG_FUNCTIONS } from "./accepted-long-functions.ts";
import { fixtureFiles, FIXTURES, projectFiles, ROOT } from "./project.ts";
import {
  commentViolations,
  exportViolations,
  fileSizeViolations,
  haltedTests,
  longFunctions,
  openingViolations,
  ratchetViolations,
} from "./shape.ts";
import type { SourceFile } from "./source-tree.ts";

const broken = (): readonly SourceFile[] => fixtureFiles("broken");

describe("sizes", () => {
  it("of files stay within the limit", () => {
    expect(fileSizeViolations(projectFiles())).toEqual([]);
  });

  it("of files are measured", () => {
    expect(fileSizeViolations(broken())).toEqual([
      "internal/segment/long.ts has 611 lines, at most 600 are allowed",
    ]);
  });

  it("of functions only ever shrink", () => {
    expect(ratchetViolations(longFunctions(projectFiles()), ACCEPTED_LONG_FUNCTIONS)).toEqual([]);
  });

  it("of functions are measured, and an accepted one that grew or shrank is complained about", () => {
    const found = longFunctions(broken());
    expect([...found]).toEqual([["internal/segment/long.ts#long", 74]]);
    expect(ratchetViolations(found, {})).toEqual([
      "internal/segment/long.ts#long has 74 lines, at most 70 are allowed",
    ]);
    expect(ratchetViolations(found, { "internal/segment/long.ts#long": 74 })).toEqual([]);
    expect(ratchetViolations(found, { "internal/segment/long.ts#long": 73 })).toHaveLength(1);
    expect(ratchetViolations(found, { "internal/segment/long.ts#long": 75 })).toEqual([
      "internal/segment/long.ts#long is accepted at 75 lines and has 74: lower it",
    ]);
  });
});

describe("exports and names", () => {
  it("follow the rules", () => {
    expect(exportViolations(projectFiles())).toEqual([]);
  });

  it("are complained about where they do not", () => {
    expect(exportViolations(broken())).toEqual([
      "internal/segment/Shape_Of.ts is not in kebab-case",
      "internal/segment/Shape_Of.ts:1 re-exports everything of a file",
      "internal/segment/Shape_Of.ts:2 has a default export",
      "internal/segment/Shape_Of.ts:3 declares an enum",
      "internal/segment/Shape_Of.ts:6 imports ./impure, which does not name a file",
      "internal/segment/index.ts is an index file",
    ]);
  });
});

describe("comments", () => {
  it("open every file of the product", () => {
    expect(openingViolations(projectFiles())).toEqual([]);
    expect(openingViolations(broken())).toEqual([
      "internal/segment/Shape_Of.ts does not open with a comment that says what it is responsible for",
    ]);
  });

  it("hold no dead code and no loose ends", () => {
    expect(commentViolations(projectFiles())).toEqual([]);
  });

  it("that do are complained about", () => {
    expect(commentViolations(broken())).toEqual([
      "internal/segment/Shape_Of.ts:7 looks like code in a comment",
      "internal/segment/Shape_Of.ts:8 looks like code in a comment",
      `internal/segment/Shape_Of.ts:9 holds a FIX${"ME"}`,
      "internal/segment/Shape_Of.ts:10 holds a TODO without a name and a reason",
      "internal/segment/Shape_Of.ts:13 silences the compiler",
    ]);
  });
});

describe("tests", () => {
  it("all run", () => {
    expect(haltedTests(projectFiles())).toEqual([]);
  });

  it("that do not are found", () => {
    expect(haltedTests(broken())).toEqual([
      "internal/raft/machine.test.ts:3 it.skip",
      "internal/raft/machine.test.ts:4 describe.only",
      "internal/raft/machine.test.ts:4 it.todo",
    ]);
  });
});

describe("folders of internal/", () => {
  const withoutReadme = (files: readonly SourceFile[], root: string): string[] => {
    const folders = files.filter(({ path }) => path.startsWith("internal/"));
    return [...new Set(folders.map(({ path }) => path.split("/").slice(0, 2).join("/")))].filter(
      (folder) => !existsSync(join(root, folder, "README.md")),
    );
  };

  it("each have a README.md", () => {
    expect(withoutReadme(projectFiles(), ROOT)).toEqual([]);
  });

  it("are found when they have none", () => {
    expect(withoutReadme(broken(), join(FIXTURES, "broken"))).toHaveLength(7);
  });
});
