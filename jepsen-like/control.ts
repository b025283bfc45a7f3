// Positive controls: short runs against brokers with a planted bug. Each must be caught by the check that is there for it;
// a check that catches nothing there proves nothing elsewhere.
import { join } from "node:path";
import type { Workload } from "./arguments.ts";
import type { Finding } from "./checkers/finding.ts";
import { ROOT } from "./cluster/cluster.ts";
import { groupPlans, PROTOCOLS } from "./groups/plans.ts";
import type { Nemesis } from "./nemesis/nemesis.ts";
import { forgetBrokers } from "./run-directory.ts";
import { runOnce } from "./run.ts";
import type { RunOptions, RunOutcome } from "./run.ts";
import { writeReport } from "./report/report.ts";
import { pause } from "./workload/clock.ts";

export const UNSAFE_BROKER = join(ROOT, "test", "unsafe-broker", "main.ts");

/** Where something is broken on purpose, not everything comes: what has is checked. */
const PATIENCE_MS = 30_000;
/** Shorter than a producer waits for its answer. */
const SHORT_CUT_MS = 2_000;

export interface Control {
  /** As test/unsafe-broker names it. */
  readonly bug: string;
  readonly what: string;
  /** The check that must find it. */
  readonly check: string;
  readonly hasGroups: boolean;
  readonly harm: (nemesis: Nemesis) => Promise<void>;
}

/** Of runs in which the power fails. */
export const POWER_CONTROLS: readonly Control[] = [
  {
    bug: "unsynced-acks",
    what: "brokers that acknowledge before the sync, when the power of all fails",
    check: "lost",
    hasGroups: false,
    harm: (nemesis) => nemesis.strike("power all", 200),
  },
  {
    bug: "undoubted-disk",
    what: "brokers that never doubt a disk, of which one lies when the power of all fails",
    check: "lost",
    hasGroups: false,
    harm: async (nemesis) => {
      await nemesis.lie(false);
      await nemesis.retireLiars();
    },
  },
];

export const CONTROLS: Readonly<Record<Workload, readonly Control[]>> = {
  log: [
    {
      bug: "early-acks",
      what: "brokers that acknowledge before the sync and lose what was not written",
      check: "lost",
      hasGroups: false,
      harm: (nemesis) => nemesis.strike("kill all", 200),
    },
    {
      bug: "crossing-waiters",
      what: "leaders that are cut off, and answer by position when another one's records lie there",
      check: "lost",
      hasGroups: false,
      harm: async (nemesis) => {
        for (let cut = 0; cut < 3; cut++) {
          await nemesis.strike("isolate leader", 0, SHORT_CUT_MS);
          await nemesis.recovered();
        }
      },
    },
  ],
  groups: [
    {
      bug: "early-commits",
      what: "coordinators that answer commits before they are committed",
      check: "offset went back",
      hasGroups: true,
      harm: async (nemesis) => {
        await pause(4_000);
        await nemesis.strike("kill all", 200);
        await nemesis.recovered();
      },
    },
    {
      bug: "old-commits",
      what: "coordinators that accept commits of earlier generations",
      check: "old commit accepted",
      hasGroups: true,
      harm: () => pause(12_000),
    },
    {
      bug: "two-owners",
      what: "coordinators that hand out partitions before their owners have given them up",
      check: "two at once",
      hasGroups: true,
      harm: () => pause(12_000),
    },
  ],
};

export async function tryControl(
  control: Control,
  around: Pick<RunOptions, "seed" | "directory" | "say">,
): Promise<Finding> {
  const { bug, check, harm, hasGroups, what } = control;
  const { seed, directory } = around;
  console.log(`positive control: ${what}`);
  let outcome: RunOutcome | null = null;
  let complaint = "";
  try {
    outcome = await runOnce({
      ...around,
      program: UNSAFE_BROKER,
      environment: { FLOTILLA_UNSAFE_TEST_BROKER: bug },
      patienceMs: PATIENCE_MS,
      ...(hasGroups ? { groups: groupPlans(PROTOCOLS) } : {}),
      harm,
    });
  } catch (error) {
    complaint = (error as Error).message;
  }
  const { violations = 0, examined = 0 } =
    outcome?.findings.find(({ name }) => name === check) ?? {};
  if (outcome !== null) {
    const { findings } = outcome;
    const title = `positive control, ${bug}`;
    const report = { title, seed, timeS: 0, outcome, findings, expected: check };
    await writeReport(directory, report);
    forgetBrokers(directory);
  }
  console.log(
    violations > 0
      ? `ok      positive control: ${check}: ${violations} found among ${examined}`
      : `FAILED  positive control: ${check}: nothing was noticed; ${complaint}`,
  );
  return {
    name: `positive control, ${bug}`,
    promise: `${what} are caught`,
    examined,
    violations: violations > 0 ? 0 : 1,
    examples: [],
    places: [],
  };
}
