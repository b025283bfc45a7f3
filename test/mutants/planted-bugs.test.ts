// Twelve bugs that would lose, repeat or reorder acknowledged records, seven of leases that would answer with what is old, and
// seven of group coordinators that would lose or repeat what consumers have read, each planted in the production code and
// each seen by the checkers. A checker that has never found anything proves nothing. What the random runs reach within a few
// seeds is found by them; other bugs need a story told on purpose, and one is found by the schedules of single groups.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NO_FAULTS } from "../../internal/raft/faults.ts";
import type { GroupFaults } from "../../internal/coordinator/group-faults.ts";
import type { BrokerFaults } from "../../internal/server/broker.ts";
import { Violation } from "../property/raft-oracle.ts";
import { Schedule } from "../property/raft-schedule.ts";
import type { Property } from "../sim/checkers/verdict.ts";
import { MUTANTS } from "../sim/mutants.ts";
import type { Plan } from "../sim/plan.ts";
import { runSeed } from "../sim/run.ts";
import { wakeLeaders } from "./lease-story.ts";
import { restartVoters } from "./quick-restart.ts";
import { Story } from "./story.ts";

const SEEDS_MAX = 60;
const NO_PARTITION_FAULTS = { waiterAcrossLeaders: false, tailForgotten: false };

const BY_RANDOM_RUNS: Readonly<Record<string, BrokerFaults>> = {
  "ack before sync": {
    machine: { ...NO_FAULTS, ackBeforeSync: true },
    replica: { ackBeforeSync: true },
  },
  "leader counts itself before its sync": {
    machine: { ...NO_FAULTS, leaderCountsItselfBeforeSync: true },
  },
  "commit of an old term by count": { machine: { ...NO_FAULTS, commitOldTermByCount: true } },
  "vote forgotten on restart": { replica: { voteForgotten: true } },
  "truncation below commit": { machine: { ...NO_FAULTS, truncateBelowCommit: true } },
  "commit = min(leaderCommit, lastIndex)": {
    machine: { ...NO_FAULTS, commitMinLeaderCommitLastIndex: true },
  },
  "new leader without the tail's producer state": {
    partition: { ...NO_PARTITION_FAULTS, tailForgotten: true },
  },
};

describe("random runs of whole clusters see", () => {
  it.each(Object.entries(BY_RANDOM_RUNS))("%s", async (_, faults) => {
    let found = 0;
    for (let seed = 1; seed <= SEEDS_MAX && found === 0; seed++) {
      const report = await runSeed({ seed, workload: "service", faults });
      found = report.findings.length;
    }
    expect(found).toBeGreaterThan(0);
  });

  it("nothing where nothing is planted", async () => {
    for (let seed = 1; seed <= 12; seed++) {
      expect((await runSeed({ seed, workload: "service" })).findings).toEqual([]);
    }
  });
});

/** Five brokers that do little but move replicas. */
function movesOften(plan: Plan): Plan {
  const faults: Plan["faults"] = new Map([
    ["move replicas", 8],
    ["kill", 2],
  ]);
  return { ...plan, brokers: 5, factor: 3, minInSync: 0, slowDisk: 0, faults };
}

describe("random runs of moves see", () => {
  it.each([
    ["dropsExcluded", null],
    ["trustsOldImages", "replicas are made once"],
    ["neverSettles", "nothing is left over"],
  ] as const)("%s", async (bug, seen) => {
    const properties: Property[] = [];
    for (let seed = 1; seed <= SEEDS_MAX && properties.length === 0; seed++) {
      const faults = { moves: { [bug]: true } };
      const { findings } = await runSeed({ seed, workload: "service", faults, adapt: movesOften });
      properties.push(...findings.map(({ property }) => property));
    }
    if (seen === null) expect(properties).not.toEqual([]);
    else expect(properties).toContain(seen);
  });
});

it("random runs with administrators see requests that happen twice", async () => {
  const properties: Property[] = [];
  const administrated = (plan: Plan): Plan => ({ ...plan, administrators: 3 });
  for (let seed = 1; seed <= SEEDS_MAX && properties.length === 0; seed++) {
    const faults = { controller: { repeats: true } };
    const options = { seed, workload: "service", faults, adapt: administrated } as const;
    properties.push(...(await runSeed(options)).findings.map(({ property }) => property));
  }
  expect(properties).toContain("requests happen once");
});

/** Nothing fails but disks that lose what they wrote last. */
function lostWritesOnly(plan: Plan): Plan {
  const shape = { brokers: 3, factor: 3, slowDisk: 0, minInSync: 0, faultEveryMsMax: 200 };
  return { ...plan, ...shape, faults: new Map([["lose last writes", 1]]), moments: new Map() };
}

const BY_LOST_WRITES: readonly (readonly [bug: string, faults: BrokerFaults, seen: Property])[] = [
  [
    "a disk that nobody doubts after a loss of power",
    { replica: { neverSuspicious: true } },
    "leaders hold what is committed",
  ],
  [
    "tickets that later starts use again",
    { journal: { startsAlike: true } },
    "tickets are used once per directory",
  ],
];

describe("random runs with disks that lose writes see", () => {
  it.each(BY_LOST_WRITES)("%s", async (_, faults, seen) => {
    const broken: Property[] = [];
    for (let seed = 1; seed <= SEEDS_MAX && broken.length === 0; seed++) {
      const options = { seed, workload: "service", faults, adapt: lostWritesOnly } as const;
      broken.push(...(await runSeed(options)).findings.map(({ property }) => property));
    }
    expect(broken).toContain(seen);
  });

  it("nothing where nothing is planted", async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const options = { seed, workload: "service", adapt: lostWritesOnly } as const;
      expect((await runSeed(options)).findings).toEqual([]);
    }
  });
});

/** Groups whose members assign themselves. */
function classicOnly(plan: Plan): Plan {
  const { groups } = plan;
  const classic = { newerPermille: 0, mixedPermille: 0, membersMax: 4 };
  return { ...plan, groups: groups === null ? null : { ...groups, ...classic } };
}

interface GroupBug {
  readonly bug: string;
  readonly groups: GroupFaults;
  readonly seen: Property;
  readonly adapt?: (plan: Plan) => Plan;
}

const BY_CONSUMER_GROUPS: readonly GroupBug[] = [
  {
    bug: "a commit of an old generation accepted",
    groups: { oldGenerationCommits: true },
    seen: "commits of earlier generations are refused",
  },
  {
    bug: "a commit answered before it is committed",
    groups: { answerEarly: true },
    seen: "acknowledged commits are committed",
  },
  {
    bug: "a coordinator serving before its load is complete",
    groups: { servesWhileLoading: true },
    seen: "coordinators answer when they lead and have loaded",
  },
  {
    bug: "an offset moved back by a deposed coordinator",
    groups: { undoLate: true },
    seen: "coordinators hold what is committed",
  },
  {
    bug: "two heartbeats passing one check",
    groups: { speculationOff: true },
    seen: "one owner per partition and generation",
  },
  {
    bug: "two assignments passing one check",
    groups: { assignsTwice: true },
    seen: "one owner per partition and generation",
    adapt: classicOnly,
  },
  {
    bug: "a partition handed out while somebody has it",
    groups: { handsOutOwned: true },
    seen: "one owner per partition and generation",
  },
];

describe("random runs with consumer groups see", () => {
  it.each(BY_CONSUMER_GROUPS)("$bug", async ({ groups, seen, adapt = (plan) => plan }) => {
    const broken: Property[] = [];
    for (let seed = 1; seed <= SEEDS_MAX && !broken.includes(seen); seed++) {
      const report = await runSeed({ seed, workload: "groups", faults: { groups }, adapt });
      broken.push(...report.findings.map(({ property }) => property));
    }
    expect(broken).toContain(seen);
  });

  it("nothing where nothing is planted", async () => {
    for (let seed = 1; seed <= 12; seed++) {
      expect((await runSeed({ seed, workload: "groups" })).findings).toEqual([]);
    }
  });
});

interface LeaseBug {
  readonly bug: string;
  readonly faults: BrokerFaults;
  readonly seen: Property;
  readonly adapt?: (plan: Plan) => Plan;
}

/** Whoever leads wakes up again and again to find others gone on. */
function freezesOnly(plan: Plan): Plan {
  const shape = { brokers: 3, factor: 3, slowDisk: 0, minInSync: 0, faultEveryMsMax: 400 };
  return { ...plan, ...shape, faults: new Map([["freeze", 1]]), moments: new Map() };
}

const BY_LEASES: readonly LeaseBug[] = [
  {
    bug: "voters disloyal to a leader that they hear",
    faults: MUTANTS["disloyal-voters"],
    seen: "followers are loyal",
  },
  {
    bug: "a leader that is left and not told",
    faults: MUTANTS["deposed-not-told"],
    seen: "followers are loyal",
  },
  {
    bug: "a leader going on though its transfer may still succeed",
    faults: MUTANTS["leads-on-after-transfer"],
    seen: "followers are loyal",
  },
  {
    bug: "a follower believing what a leader sent that gave up",
    faults: MUTANTS["loyal-to-the-resigned"],
    seen: "followers are loyal",
  },
  {
    bug: "a leader without contact answering",
    faults: MUTANTS["stale-leader-answers"],
    seen: "one broker of a group serves",
    adapt: freezesOnly,
  },
];

describe("random runs that strike at leases see", () => {
  it.each(BY_LEASES)("$bug", async ({ seen, faults, adapt }) => {
    const broken: Property[] = [];
    for (let seed = 1; seed <= SEEDS_MAX && broken.length === 0; seed++) {
      const planted = { faults, ...(adapt === undefined ? {} : { adapt }) };
      const report = await runSeed({ seed, workload: "service", profile: "leases", ...planted });
      broken.push(...report.findings.map(({ property }) => property));
    }
    expect(broken).toContain(seen);
  });
});

describe("a story sees", () => {
  it("a vote right after a start", async () => {
    expect(await restartVoters({})).toBe(false);
    expect(await restartVoters(MUTANTS["no-quiet-period"])).toBe(true);
  });

  it("an echo that counts as contact with whoever lives at its sender", async () => {
    expect(await wakeLeaders({})).toEqual([]);
    expect(await wakeLeaders(MUTANTS["echo-is-contact"])).toEqual(["one broker of a group serves"]);
  });

  it("a stale leader answering", async () => {
    expect(await Story.readFromLeaderThatSlept({})).toBe("refused");
    const replica = { staleLeaderAnswers: true };
    expect(await Story.readFromLeaderThatSlept({ replica })).toBe("answered with an old end");
  });

  it("a waiter by offset across a leader change", async () => {
    expect(await Story.appendOnLeaderThatWasCutOff({})).toBe("refused");
    const partition = { ...NO_PARTITION_FAULTS, waiterAcrossLeaders: true };
    expect(await Story.appendOnLeaderThatWasCutOff({ partition })).toBe(
      "acknowledged, and somebody else's record is there",
    );
  });
});

describe("random schedules of one group see", () => {
  it("the ticket of a rewritten entry accepted", () => {
    const plans = fc.record({
      voters: fc.constantFrom(3, 3, 3, 4, 5),
      learners: fc.constantFrom(0, 0, 1),
      options: fc.record({
        appendEntriesMax: fc.constantFrom(1, 2, 3, 16),
        inflightMax: fc.constantFrom(1, 4, 64),
        faults: fc.constant({ ...NO_FAULTS, staleTicketAccepted: true }),
      }),
      events: fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), {
        minLength: 300,
        maxLength: 900,
        size: "max",
      }),
    });
    const details = fc.check(
      fc.property(plans, (plan) => new Schedule(plan).run()),
      { seed: 1, numRuns: 10_000, endOnFailure: true },
    );
    expect(details.failed).toBe(true);
    expect(details.errorInstance).toBeInstanceOf(Violation);
  });
});
