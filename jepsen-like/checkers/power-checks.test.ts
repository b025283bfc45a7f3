import { expect, test } from "vitest";
import type { PowerLoss } from "../cluster/power.ts";
import type { FaultRecord } from "../nemesis/fault-record.ts";
import type { FaultKind } from "../nemesis/plan.ts";
import { checkPower } from "./power-checks.ts";

const LOSS: PowerLoss = { tear: "torn", sectors: 3, blocks: 0, names: 0, acknowledged: 0 };

function fault(kind: FaultKind, victims: readonly number[], losses: PowerLoss[]): FaultRecord {
  return {
    ...{ kind, victims, losses, startMs: 1_000, quorumMs: 2_000, endMs: 2_000, recalledMs: 3_000 },
    ...{ partitions: [0], unanswered: 2, groups: [], groupRequests: 0, effects: null },
    complaint: null,
  };
}

const LEGAL = [
  fault("power leader", [1], [LOSS]),
  fault("power again", [2], [LOSS, LOSS]),
  fault(
    "lying disk",
    [1, 2, 3],
    [{ ...LOSS, tear: "none", acknowledged: 9 }, { ...LOSS, tear: "whole" }, LOSS],
  ),
];

function broken(faults: readonly FaultRecord[]): string[] {
  return checkPower(faults).flatMap(({ name, violations }) => (violations > 0 ? [name] : []));
}

test("strikes that took something, and after which all recalled, are fine", () => {
  expect(broken(LEGAL)).toEqual([]);
});

test("a recall that does not end is found", () => {
  expect(
    broken([...LEGAL, { ...fault("power all", [1, 2, 3], [LOSS, LOSS, LOSS]), recalledMs: null }]),
  ).toEqual(["recalled"]);
});

test("a machine that kept its power is found", () => {
  expect(broken([...LEGAL, fault("power two", [1, 2], [LOSS])])).toEqual(["dropped"]);
});

test("a disk that was to lie and did not is found", () => {
  const honest = [LOSS, { ...LOSS, tear: "none" as const }, { ...LOSS, tear: "whole" as const }];
  expect(broken([...LEGAL.slice(0, 2), fault("power all", [1, 2, 3], honest)])).toEqual([
    "dropped",
  ]);
  expect(broken([...LEGAL.slice(0, 2), fault("lying disk", [1, 2, 3], honest)])).toEqual([
    "dropped",
  ]);
});

test("a run in which no write under way was torn is found", () => {
  const whole = LEGAL.map(({ losses, ...rest }) => ({
    ...rest,
    losses: losses.map((loss) => ({ ...loss, tear: "whole" as const })),
  }));
  expect(broken(whole)).toEqual(["dropped"]);
});
