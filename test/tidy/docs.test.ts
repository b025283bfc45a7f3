import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decisionIndex, readDecisionRecords } from "../../tools/decision-records.ts";
import { settingsPage } from "../../tools/settings-page.ts";
import { FIXTURES, ROOT } from "./project.ts";

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

describe("generated documents are fresh (`make gen` writes them)", () => {
  it("docs/settings.md", () => {
    expect(read("docs/settings.md")).toBe(settingsPage());
  });

  it("docs/adr/README.md", () => {
    const { records, complaints } = readDecisionRecords(join(ROOT, "docs", "adr"));
    expect(complaints).toEqual([]);
    expect(read("docs/adr/README.md")).toBe(decisionIndex(records));
  });
});

describe("readDecisionRecords", () => {
  const { records, complaints } = readDecisionRecords(join(FIXTURES, "decisions"));

  it("complains about a record without the shape of the template", () => {
    expect(complaints).toEqual([
      "0003-Wrong.md is not named NNNN-title.md",
      "0003-Wrong.md does not continue the numbers",
      "0003-Wrong.md does not open with its number and title",
      "0003-Wrong.md has no status out of template, proposed, accepted, superseded",
      "0003-Wrong.md has no section Consequences",
    ]);
  });

  it("makes the index out of the headers", () => {
    expect(decisionIndex(records)).toContain("| [0001](0001-fine.md) | Fine | accepted |  |\n");
  });
});
