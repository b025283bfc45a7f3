// Random runs of whole clusters, until one finds something.
import { expect, it } from "vitest";
import { runSeed } from "../../sim/run.ts";
import type { Workload } from "../../sim/plan.ts";

const SEEDS_MAX = 60;
const LASTS_MS_MAX = 600_000;

export function runUntilFound(workload: Workload): void {
  const title = `${SEEDS_MAX} seeds of ${workload} find nothing`;
  it(title, { timeout: LASTS_MS_MAX }, async () => {
    for (let seed = 1; seed <= SEEDS_MAX; seed++) {
      const { findings } = await runSeed({ seed, workload });
      expect(findings, `seed ${seed}`).toEqual([]);
    }
  });
}
