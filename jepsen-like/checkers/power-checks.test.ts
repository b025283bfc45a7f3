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
  fault("lying disk", [1, 2, 3], [{ ...LOSS, acknowledged: 9 }, LOSS, LOSS]),
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
  expect(broken(LEGAL.slice(0, 2))).toEqual(["dropped"]);
  expect(
    broken([...LEGAL.slice(0, 2), fault("lying disk", [1, 2, 3], [LOSS, LOSS, LOSS])]),
  ).toEqual(["dropped"]);
});

test("writes under way that are never torn are found", () => {
  const whole = Array.from({ length: 12 }, () =>
    fault("power leader", [1], [{ ...LOSS, tear: "whole" }]),
  );
  expect(broken([...LEGAL.slice(2), ...whole])).toEqual(["dropped"]);
});
