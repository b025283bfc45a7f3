// What runs have been through. A simulator that crashed nothing and elected nobody proves nothing, so the sums of all
// seeds are held against floors.
import { noStates } from "./watch/states.ts";
import type { StateCounts } from "./watch/states.ts";

export interface Totals extends StateCounts {
  seeds: number;
  simulatedMs: number;
  events: number;
  /** All that the nemesis did. */
  faults: number;
  kills: number;
  powerLosses: number;
  elections: number;
  acknowledged: number;
  served: number;
  transfers: number;
  moves: number;
  cuts: number;
  oneWayCuts: number;
  clogs: number;
  freezes: number;
  stalls: number;
  diskErrors: number;
  wiped: number;
  restored: number;
  /** Turns that took far too long, clean stops, starts with other settings, bits flipped on a disk. */
  blocks: number;
  suspends: number;
  stops: number;
  reconfigured: number;
  flips: number;
  misdirected: number;
  /** Of consumer groups: coordinators that began to lead, generations, commits acknowledged, offsets read back. */
  coordinators: number;
  generations: number;
  commits: number;
  offsetsRead: number;
  /** Commits refused of members that had slept for longer than their session. */
  zombies: number;
  /** Faults that were aimed at coordinators. */
  coordinatorFaults: number;
  /** Changes of configs that administrators made. */
  changes: number;
  /** Records that the project's own reader handed out. */
  ownRecords: number;
  /** Times that a broker said that its journal was near its limit. */
  fullJournals: number;
  replayed: number;
}

export function newTotals(): Totals {
  return {
    ...noStates(),
    seeds: 0,
    simulatedMs: 0,
    events: 0,
    faults: 0,
    kills: 0,
    powerLosses: 0,
    elections: 0,
    acknowledged: 0,
    served: 0,
    transfers: 0,
    moves: 0,
    cuts: 0,
    oneWayCuts: 0,
    clogs: 0,
    freezes: 0,
    stalls: 0,
    diskErrors: 0,
    wiped: 0,
    restored: 0,
    blocks: 0,
    suspends: 0,
    stops: 0,
    reconfigured: 0,
    flips: 0,
    misdirected: 0,
    coordinators: 0,
    generations: 0,
    commits: 0,
    offsetsRead: 0,
    zombies: 0,
    coordinatorFaults: 0,
    changes: 0,
    ownRecords: 0,
    fullJournals: 0,
    replayed: 0,
  };
}

export function addTotals(into: Totals, more: Totals): void {
  for (const name of Object.keys(into) as (keyof Totals)[]) into[name] += more[name];
}

/** What a thousand seeds go through at least. */
const FLOORS: Readonly<Partial<Totals>> = {
  simulatedMs: 3_600_000,
  elections: 3_000,
  acknowledged: 200_000,
  served: 200_000,
  transfers: 300,
  moves: 150,
  cuts: 1_000,
  oneWayCuts: 300,
  clogs: 300,
  freezes: 200,
  stalls: 300,
  diskErrors: 100,
  wiped: 8,
  restored: 3,
  changes: 300,
  ownRecords: 5_000,
  fullJournals: 100,
  blocks: 200,
  suspends: 80,
  stops: 200,
  reconfigured: 50,
  flips: 40,
  misdirected: 5,
  replayed: 10,
};
/** The same of states. */
const STATE_FLOORS: Readonly<Partial<StateCounts>> = {
  "led and may not serve": 2_500,
  "led and may not serve, and died": 80,
  "led and had not committed": 1_500,
  "led and had not committed, and died": 70,
  "gave a leadership away": 400,
  "gave a leadership away, and died": 30,
  "had a joint configuration": 150,
  "had a joint configuration, and died": 8,
  "had a learner": 500,
  "had a learner, and died": 100,
  "had an uncommitted change, and died": 80,
  "was a candidate, and died": 50,
  "had entries that may go, and died": 1_200,
  "had entries that were not durable, and died": 400,
};
/** The same where every fourth seed has consumer groups. */
const GROUP_FLOORS: Readonly<Partial<Totals>> = {
  coordinators: 600,
  generations: 900,
  commits: 18_000,
  offsetsRead: 40_000,
  zombies: 50,
  coordinatorFaults: 200,
};
const CRASHES = 3_000;
const KINDS_OF_CRASH_PART = 0.25;
/** Fewer seeds than this prove nothing about rates. */
const SEEDS_MIN = 100;

/** Sentences about what there was too little of in a run over all profiles. */
export function shortfalls(totals: Totals, hasGroups: boolean): string[] {
  const { seeds } = totals;
  if (seeds < SEEDS_MIN) return [];
  const share = seeds / 1_000;
  const found: string[] = [];
  const least = (what: string, is: number, floor: number): void => {
    if (is < Math.floor(floor))
      found.push(`too little: ${what} is ${Math.round(is)}, wanted ${floor}`);
  };
  const floors = { ...FLOORS, ...STATE_FLOORS, ...(hasGroups ? GROUP_FLOORS : {}) };
  for (const name of Object.keys(floors) as (keyof Totals)[]) {
    least(name, totals[name], (floors[name] ?? 0) * share);
  }
  least("crashes", totals.kills + totals.powerLosses, CRASHES * share);
  least("kills", totals.kills, CRASHES * share * KINDS_OF_CRASH_PART);
  least("powerLosses", totals.powerLosses, CRASHES * share * KINDS_OF_CRASH_PART);
  return found;
}
