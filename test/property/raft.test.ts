// Random schedules over groups of machines. A failure prints its seed and path; SHRINK=1 looks for
// a shorter one, RUNS and SEED widen the search.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NO_FAULTS } from "../../internal/raft/faults.ts";
import type { RaftFaults } from "../../internal/raft/faults.ts";
import { Violation } from "./raft-oracle.ts";
import { Schedule } from "./raft-schedule.ts";
import type { Plan } from "./raft-schedule.ts";

const SEED = Number(process.env["SEED"] ?? 1);
const RUNS = Number(process.env["RUNS"] ?? 3_000);
const endOnFailure = process.env["SHRINK"] === undefined;

const plans = (faults: RaftFaults): fc.Arbitrary<Plan> =>
  fc.record({
    voters: fc.constantFrom(3, 3, 3, 4, 5, 1, 2),
    learners: fc.constantFrom(0, 0, 1),
    options: fc.record({
      appendEntriesMax: fc.constantFrom(1, 2, 3, 16),
      inflightMax: fc.constantFrom(1, 4, 64),
      faults: fc.constant(faults),
    }),
    events: fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), {
      minLength: 300,
      maxLength: 900,
      size: "max",
    }),
  });

describe("Machine in random schedules", () => {
  it("keeps Raft's promises, and finds a leader when faults end", () => {
    const reached = new Map<string, number>();
    fc.assert(
      fc.property(plans(NO_FAULTS), (plan) => {
        const schedule = new Schedule(plan);
        schedule.run();
        expect(schedule.converge(), "the group converges").toBe(true);
        for (const [what, count] of schedule.oracle.reached) {
          reached.set(what, (reached.get(what) ?? 0) + count);
        }
      }),
      { seed: SEED, numRuns: RUNS, endOnFailure },
    );
    // The schedules are worth something only if they get there.
    for (const rare of ["timeout-now", "install-base", "truncate", "transfer-failed"]) {
      expect(reached.get(rare) ?? 0, rare).toBeGreaterThan(RUNS / 40);
    }
    for (const common of ["elected", "commit", "configuration made", "append-rejected"]) {
      expect(reached.get(common) ?? 0, common).toBeGreaterThan(RUNS / 2);
    }
  });
});

describe("A disk that went back in time", () => {
  it("takes nothing along that was decided, when its replica has recalled", () => {
    let recalled = 0;
    let lateCounts = 0;
    fc.assert(
      fc.property(plans(NO_FAULTS), (plan) => {
        const schedule = new Schedule({ ...plan, rollBacks: "recalled" });
        schedule.run();
        expect(schedule.converge(), "the group converges").toBe(true);
        recalled += schedule.oracle.reached.get("recalled") ?? 0;
        lateCounts += schedule.oracle.reached.get("late count") ?? 0;
      }),
      { seed: SEED, numRuns: RUNS, endOnFailure },
    );
    expect(recalled).toBeGreaterThan(RUNS / 2);
    expect(lateCounts).toBeGreaterThan(RUNS / 40);
  });

  it("is seen when nobody is asked", () => {
    const details = fc.check(
      fc.property(plans(NO_FAULTS), (plan) => {
        new Schedule({ ...plan, rollBacks: "unnoticed" }).run();
      }),
      { seed: SEED, numRuns: 2_000, endOnFailure: true },
    );
    expect(details.errorInstance).toBeInstanceOf(Violation);
  });
});

describe("Oracle", () => {
  it.each(Object.keys(NO_FAULTS) as (keyof RaftFaults)[])("sees %s", (fault) => {
    const details = fc.check(
      fc.property(plans({ ...NO_FAULTS, [fault]: true }), (plan) => {
        const rollBacks = fault === "recallsOnce" ? ({ rollBacks: "recalled" } as const) : {};
        const schedule = new Schedule({ ...plan, ...rollBacks });
        schedule.run();
        schedule.converge();
      }),
      { seed: SEED, numRuns: 10_000, endOnFailure: true },
    );
    expect(details.errorInstance).toBeInstanceOf(Violation);
  });
});
