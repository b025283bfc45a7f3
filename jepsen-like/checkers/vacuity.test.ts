// A run may end when its plan has come far enough: what the floors ask for then has happened, whatever the seed, and no
// earlier.
import { expect, test } from "vitest";
import type { FaultRecord } from "../nemesis/fault-record.ts";
import { FAMILIES, GROUP_MIXTURE, LOG_MIXTURE, only, plan } from "../nemesis/plan.ts";
import type { Mixture } from "../nemesis/plan.ts";
import { Random } from "../random.ts";
import type { RunOutcome } from "../run.ts";
import { HandHistory } from "./by-hand.ts";
import { enoughHappened, isEnough, LOG_FLOORS, windowsAreShort } from "./vacuity.ts";

const MIXTURES: readonly Mixture[] = [
  LOG_MIXTURE,
  GROUP_MIXTURE,
  ...Object.values(FAMILIES).map((kinds) => only(LOG_MIXTURE, new Set(kinds))),
];

const CHANGES = Array.from({ length: 999 }, (_, k) => {
  return { atMs: k, partition: 0, broker: 1 + (k % 3), epoch: k };
});
const PLENTY = { faults: 99, ackedRecords: 1e9, leaderChanges: CHANGES };

/** The faults of a plan, each at work, until the run may end. */
function faultsOf(seed: number, mixture: Mixture, timeS: number): FaultRecord[] {
  const faults: FaultRecord[] = [];
  for (const slot of plan(new Random(seed, "plan"), mixture)) {
    if (isEnough({ ...PLENTY, faults: faults.length }, timeS, LOG_FLOORS, mixture)) break;
    if (slot.slot === "fault") faults.push(faultByHand({ kind: slot.kind }));
  }
  return faults;
}

function faultByHand(fault: Partial<FaultRecord>): FaultRecord {
  return {
    ...{ kind: "kill leader", startMs: 0, quorumMs: 0, endMs: 0, victims: [1], partitions: [0] },
    ...{ unanswered: 1, groups: [], groupRequests: 0, effects: null, losses: [] },
    ...{ recalledMs: null, complaint: null, ...fault },
  };
}

function outcomeByHand(faults: readonly FaultRecord[], startsMs: readonly number[]): RunOutcome {
  const hand = new HandHistory();
  const lane = hand.lane();
  hand.acked(lane, 5, 0, 1_000);
  hand.acked(lane, 5, 5, 4_000);
  return {
    ...{ history: hand.history, findings: [], faults, timeline: [], leaderChanges: [] },
    ...{ leadersAtFirst: 3, fromMs: 0, toMs: 5_000, recordsRead: 30, replicas: 3, startsMs },
    groups: null,
  };
}

function missingKinds(faults: readonly FaultRecord[], mixture: Mixture, timeS: number): string[] {
  const { examples } = enoughHappened(outcomeByHand(faults, []), timeS, LOG_FLOORS, mixture);
  return examples.filter((text) => text.includes("of kind"));
}

test("whatever the seed: when a run may end, every kind has come as often as it must", () => {
  for (const mixture of MIXTURES) {
    for (const timeS of [5, 60, 300, 900]) {
      for (let seed = 0; seed < 20; seed++) {
        const faults = faultsOf(seed, mixture, timeS);
        expect(missingKinds(faults, mixture, timeS)).toEqual([]);
        expect(missingKinds(faults.slice(1), mixture, timeS)).not.toEqual([]);
      }
    }
  }
});

test("five minutes have every kind of the mixture, and eighteen kills of a leader at work", () => {
  const faults = faultsOf(1, LOG_MIXTURE, 300);
  expect(new Set(faults.map(({ kind }) => kind)).size).toBe(16);
  expect(faults.filter(({ kind }) => kind === "kill leader")).toHaveLength(18);
});

test("a run goes on until clients have done enough and all three brokers have led", () => {
  const may = (happened: Partial<typeof PLENTY>) =>
    isEnough({ ...PLENTY, ...happened }, 60, LOG_FLOORS, LOG_MIXTURE);
  expect(may({})).toBe(true);
  expect(may({ ackedRecords: 19_999 })).toBe(false);
  expect(may({ leaderChanges: CHANGES.filter(({ broker }) => broker < 3) })).toBe(false);
  expect(may({ leaderChanges: CHANGES.slice(0, 98) })).toBe(false);
});

test("a fault that met nothing unanswered counts for nothing", () => {
  const faults = faultsOf(1, LOG_MIXTURE, 60).map((fault) => ({ ...fault, unanswered: 0 }));
  expect(missingKinds(faults, LOG_MIXTURE, 60)).not.toEqual([]);
});

test("a silence is too long when it is longer than the promise and than the slowest start", () => {
  const outcome = (startMs: number) =>
    outcomeByHand([faultByHand({ startMs: 1_005, quorumMs: 1_005 })], [startMs]);
  expect(windowsAreShort(outcome(400), 2_000).violations).toBe(1);
  expect(windowsAreShort(outcome(3_500), 2_000).violations).toBe(0);
  expect(windowsAreShort(outcome(400), 3_500).violations).toBe(0);
});
