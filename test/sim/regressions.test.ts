// What once broke, as the shortest story of it that was found (`--shrink`): it breaks nothing any more. Where a planted bug
// brings it back, that is seen as well.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseRegression, regressionText } from "./regression.ts";
import { again } from "./shrink.ts";

const THROWS = 12;
const FOLDER = new URL("./regressions/", import.meta.url);

describe("regressions", () => {
  it.each(readdirSync(FOLDER))("%s", async (name) => {
    const text = readFileSync(new URL(name, FOLDER), "utf8");
    const regression = parseRegression(text);
    expect(regressionText(regression)).toBe(text);
    expect((await again(regression, null)).findings).toEqual([]);
    const { mutant, breaks } = regression;
    if (mutant === null) return;
    // What else has changed since shifts what chance decides, so there are a few throws.
    const broken: string[] = [];
    for (let seed = regression.seed; seed < regression.seed + THROWS; seed++) {
      if (broken.includes(breaks)) break;
      const { findings } = await again({ ...regression, seed }, mutant);
      broken.push(...findings.map(({ property }) => property));
    }
    expect(broken).toContain(breaks);
  });
});
